"""Which paths below a folder are ignored: by git, or by an `.infillignore`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lsp_server.index.git_config import ignore_config, read_config_text, repository_at, repository_of
from lsp_server.index.wildmatch import Rules, rules_of

INFILL_IGNORE = ".infillignore"
IGNORE_FILES = (INFILL_IGNORE, ".gitignore")  # the first has the last word
_EXCLUDE = "info/exclude"


@dataclass(frozen=True, slots=True)
class _Rules:
    """The rules of one ignore file, for paths whose first `start` characters lead to its folder."""

    start: int
    rules: Rules
    is_infills: bool


@dataclass(frozen=True, slots=True)
class _Inside:
    """The rules for what is directly inside a folder, the strongest first."""

    rules: tuple[_Rules, ...]
    ignores_case: bool


class Ignored:
    """The verdicts on the paths below a folder, links resolved. It reads each ignore file once.

    As in git, the innermost ignore file that matches a path decides. Rules count from the repository's topmost folder
    on, also if that is above this one. They end at an inner repository; those of an `.infillignore` do not.
    """

    def __init__(self, root: Path) -> None:
        repository = repository_of(root)
        self._top = repository.top if repository else root
        # Paths are relative to the topmost folder inside this class.
        self._prefix = "" if root == self._top else f"{root.relative_to(self._top).as_posix()}/"
        self._inside: dict[str, _Inside] = {}
        self.ignores_all = any(self._ignores(each, is_folder=True) for each in _folders_to(self._prefix)[1:])

    def ignores(self, path: str) -> bool:
        """Whether a path is ignored whose folders are not. A folder's path ends in a slash."""
        return self._ignores(self._prefix + path.rstrip("/"), is_folder=path.endswith("/"))

    def outer_rules(self) -> tuple[str | bool, ...]:
        """The rules that stand outside of the folder, read anew. If they change, verdicts do, and no file inside."""
        above = [self._top / folder / name for folder in _folders_to(self._prefix)[:-1] for name in IGNORE_FILES]
        ignores_case, texts = _of_repository(self._top)
        return (ignores_case, *texts, *map(read_config_text, above))

    def _ignores(self, path: str, *, is_folder: bool) -> bool:
        for each in self._rules_inside(_parent(path)).rules:
            if (said := each.rules.ignores(path[each.start :], is_folder=is_folder)) is not None:
                return said
        return False

    def _rules_inside(self, folder: str) -> _Inside:
        if folder not in self._inside:
            self._inside[folder] = self._find_rules(folder)
        return self._inside[folder]

    def _find_rules(self, folder: str) -> _Inside:
        path, start = self._top / folder, len(folder) + bool(folder)
        outer = self._rules_inside(_parent(folder)) if folder else _Inside((), ignores_case=False)
        texts: tuple[str, ...] = ()
        inherited, ignores_case = outer.rules, outer.ignores_case
        if not folder or repository_at(path):
            ignores_case, texts = _of_repository(path)
            inherited = tuple(each for each in inherited if each.is_infills)
        own = [(read_config_text(path / each), each == INFILL_IGNORE) for each in IGNORE_FILES]
        own += [(text, False) for text in texts]
        rules = [_Rules(start, rules_of(text, ignores_case=ignores_case), flag) for text, flag in own if text]
        return _Inside((*rules, *inherited), ignores_case)


def _of_repository(top: Path) -> tuple[bool, tuple[str, ...]]:
    """Whether a repository ignores case, and the texts of its ignore files that stand in no folder of it."""
    repository = repository_at(top)
    config = ignore_config(repository)
    files = [(repository.common_dir if repository else top / ".git") / _EXCLUDE]
    if config.excludes_file:
        files.append(config.excludes_file)
    return config.ignores_case, tuple(map(read_config_text, files))


def _parent(path: str) -> str:
    return path[: max(0, path.rfind("/"))]


def _folders_to(prefix: str) -> list[str]:
    """The folders down to one whose path ends in a slash, each in the one before: `""`, `a`, `a/b` for `a/b/`."""
    parts = prefix.split("/")[:-1]
    return ["/".join(parts[:depth]) for depth in range(len(parts) + 1)]
