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
class _Scope:
    """A repository: its topmost folder, and its rules that no folder of it has, the strongest first."""

    top: str
    ignores_case: bool
    texts: tuple[str, ...]


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
        self._scopes = {"": self._scope_at("")}
        self._rules: dict[tuple[str, str], Rules | None] = {}
        self.ignores_all = any(self._ignores(each, is_folder=True) for each in _folders_to(self._prefix)[1:])

    def ignores(self, path: str) -> bool:
        """Whether a path is ignored whose folders are not. A folder's path ends in a slash."""
        return self._ignores(self._prefix + path.rstrip("/"), is_folder=path.endswith("/"))

    def outer_rules(self) -> tuple[str | bool, ...]:
        """The rules that stand outside of the folder, read anew. If they change, verdicts do, and no file inside."""
        scope = self._scope_at("")
        above = [self._top / folder / name for folder in _folders_to(self._prefix)[:-1] for name in IGNORE_FILES]
        return (scope.ignores_case, *scope.texts, *map(read_config_text, above))

    def _ignores(self, path: str, *, is_folder: bool) -> bool:
        folder = _parent(path)
        scope = self._scope(folder)
        names: tuple[str, ...] = IGNORE_FILES
        while True:
            inside = path[len(folder) + 1 :] if folder else path
            found = [self._rules_in(folder, name, scope) for name in names]
            if names is IGNORE_FILES and folder == scope.top:
                found += [rules_of(text, ignores_case=scope.ignores_case) for text in scope.texts]
                names = (INFILL_IGNORE,)
            for rules in found:
                if rules and (said := rules.ignores(inside, is_folder=is_folder)) is not None:
                    return said
            if not folder:
                return False
            folder = _parent(folder)

    def _scope(self, folder: str) -> _Scope:
        if folder not in self._scopes:
            is_top = repository_at(self._top / folder) is not None
            self._scopes[folder] = self._scope_at(folder) if is_top else self._scope(_parent(folder))
        return self._scopes[folder]

    def _scope_at(self, folder: str) -> _Scope:
        top = self._top / folder
        repository = repository_at(top)
        config = ignore_config(repository)
        files = [(repository.common_dir if repository else top / ".git") / _EXCLUDE]
        if config.excludes_file:
            files.append(config.excludes_file)
        return _Scope(folder, config.ignores_case, tuple(map(read_config_text, files)))

    def _rules_in(self, folder: str, name: str, scope: _Scope) -> Rules | None:
        if (folder, name) not in self._rules:
            text = read_config_text(self._top / folder / name)
            self._rules[folder, name] = rules_of(text, ignores_case=scope.ignores_case) if text else None
        return self._rules[folder, name]


def _parent(path: str) -> str:
    return path[: max(0, path.rfind("/"))]


def _folders_to(prefix: str) -> list[str]:
    """The folders down to one whose path ends in a slash, each in the one before: `""`, `a`, `a/b` for `a/b/`."""
    parts = prefix.split("/")[:-1]
    return ["/".join(parts[:depth]) for depth in range(len(parts) + 1)]
