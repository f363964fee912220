"""Git's repository of a folder, and what git's configuration says about ignored files. Git need not be installed.

The formats are those of gitrepository-layout(5) and git-config(1).
"""

from __future__ import annotations

import os
import re
import shutil
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from lsp_server.base import encoded_text
from lsp_server.index.wildmatch import to_regex

_MAX_INCLUDES = 10  # files that include each other, as git allows
_TOKEN = re.compile(
    r"""[#;][^\n]* | \[\s*(?P<section>[\w.-]+)(?:\s+"(?P<subsection>(?:[^"\\\n]|\\.)*)")?\s*\]
    | (?P<key>[A-Za-z][\w-]*)[ \t]*(?P<value>=(?:"(?:[^"\\\n]|\\\r?\n|\\.)*"|\\\r?\n|\\.|[^"\\\n#;])*)?""",
    re.VERBOSE,
)
_ESCAPE = re.compile(r'\\(\r?\n|.)|"')
_ESCAPED = {"n": "\n", "t": "\t", "b": "\b", "\n": "", "\r\n": ""}
_NONBLOCK = getattr(os, "O_NONBLOCK", 0)  # without it, opening a pipe would wait for a writer
_FALSE = ("", "false", "no", "off", "0")


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository: its topmost folder, its own files, and those that it shares with its other worktrees."""

    top: Path
    git_dir: Path
    common_dir: Path


@dataclass(frozen=True, slots=True)
class IgnoreConfig:
    """What git's configuration says about ignored files: the user's own ignore file, and whether case counts."""

    excludes_file: Path | None
    ignores_case: bool


def repository_at(folder: Path) -> Repository | None:
    """The repository whose topmost folder this is. In a worktree and in a submodule `.git` is a file."""
    git_dir = folder / ".git"
    pointer = read_config_text(git_dir)
    if pointer.startswith("gitdir:"):
        git_dir = folder / pointer.removeprefix("gitdir:").strip("\r\n").lstrip(" ")
    if not read_config_text(git_dir / "HEAD"):
        return None
    common = read_config_text(git_dir / "commondir").strip("\r\n")
    return Repository(folder, git_dir, git_dir / common if common else git_dir)


def repository_of(folder: Path) -> Repository | None:
    """The innermost repository that a folder is in. Links must be resolved."""
    return next((found for each in (folder, *folder.parents) if (found := repository_at(each))), None)


def ignore_config(repository: Repository | None) -> IgnoreConfig:
    """The configuration for a repository. Of several values the last one counts: the repository's over the user's."""
    found: dict[str, str] = {}
    for path in _config_files(repository):
        found.update(_entries(path, repository))
    if repository and _is_true(found.get("extensions.worktreeconfig", "")):
        found.update(_entries(repository.git_dir / "config.worktree", repository))
    base = repository.top if repository else Path(_expanded("~"))
    if (named := found.get("core.excludesfile")) is None:
        excludes: Path | None = _user_folder() / "ignore"
    else:
        excludes = base / _expanded(named) if named else None
    return IgnoreConfig(excludes, _is_true(found.get("core.ignorecase", "")))


def read_config_text(path: Path) -> str:
    """The text of a file; empty if there is none that can be read, or if it is no ordinary file."""
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | _NONBLOCK), "rb") as file:
            if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                return encoded_text.decode(file.read(), "surrogateescape")
    except (OSError, ValueError):
        pass
    return ""


def _config_files(repository: Repository | None) -> list[Path]:
    system = os.environ.get("GIT_CONFIG_SYSTEM")
    files = [Path(system)] if system else [Path("/etc/gitconfig"), _prefix() / "etc" / "gitconfig"]
    if os.environ.get("GIT_CONFIG_NOSYSTEM", "").lower() not in _FALSE:
        files = []
    user = os.environ.get("GIT_CONFIG_GLOBAL")
    files += [Path(user)] if user is not None else [_user_folder() / "config", Path(_expanded("~/.gitconfig"))]
    return [*files, repository.common_dir / "config"] if repository else files


def _user_folder() -> Path:
    return Path(os.environ.get("XDG_CONFIG_HOME") or _expanded("~/.config")) / "git"


@lru_cache(maxsize=1)
def _prefix() -> Path:
    """Where git is installed, as in `%(prefix)/etc/gitconfig`."""
    program = shutil.which("git")
    return Path(program).parents[1] if program else Path("/usr/local")


def _expanded(path: str) -> str:
    if path.startswith("%(prefix)/"):
        return str(_prefix() / path.removeprefix("%(prefix)/"))
    return os.path.expanduser(path)  # noqa: PTH111  (Path's raises where there is no such user)


def _is_true(value: str) -> bool:
    return value.lower() not in _FALSE


def _entries(path: Path, repository: Repository | None, depth: int = 0) -> Iterator[tuple[str, str]]:
    """The settings of a file by their full names, those of included files where they are included."""
    for name, subsection, value in _parsed(read_config_text(path)):
        if name not in ("include.path", "includeif.path"):
            yield name, value
        elif depth < _MAX_INCLUDES and (name == "include.path" or _applies(subsection, path, repository)):
            yield from _entries(path.parent / _expanded(value), repository, depth + 1)


@lru_cache(maxsize=64)
def _parsed(text: str) -> tuple[tuple[str, str, str], ...]:
    """Each setting as `section.key` in lower case, with its subsection and its value."""
    found = []
    section = subsection = ""
    for token in _TOKEN.finditer(text):
        if token["section"]:
            section, subsection = token["section"].lower(), _unescaped(token["subsection"] or "")
        elif token["key"]:
            value = "true" if token["value"] is None else _unescaped(token["value"][1:].strip())
            found.append((f"{section}.{token['key'].lower()}", subsection, value))
    return tuple(found)


def _unescaped(raw: str) -> str:
    return _ESCAPE.sub(lambda found: _ESCAPED.get(found[1], found[1]) if found[1] else "", raw)


def _applies(condition: str, file: Path, repository: Repository | None) -> bool:
    """Whether a conditional include is for a repository. Conditions on remotes are not known here."""
    if repository is None:
        return False
    kind, _, pattern = condition.partition(":")
    if kind == "onbranch":
        head = read_config_text(repository.git_dir / "HEAD").strip()
        pattern += "**" if pattern.endswith("/") else ""
        return re.fullmatch(to_regex(pattern), head.removeprefix("ref: refs/heads/"), re.DOTALL) is not None
    if kind not in ("gitdir", "gitdir/i"):
        return False
    pattern = _expanded(pattern)
    if pattern.startswith("./"):
        pattern = f"{Path(os.path.realpath(file.parent)).as_posix()}{pattern[1:]}"
    elif not Path(pattern).is_absolute():
        pattern = f"**/{pattern}"
    pattern += "**" if pattern.endswith("/") else ""
    flags = re.DOTALL | (re.IGNORECASE if kind == "gitdir/i" else 0)
    spellings = {repository.git_dir.as_posix(), Path(os.path.realpath(repository.git_dir)).as_posix()}
    return any(re.fullmatch(to_regex(pattern), each, flags) for each in spellings)
