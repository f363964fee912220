"""A workspace folder on disk: which of its files may be read, and their text.

Left out are files that git or an `.infillignore` ignores, secrets, links, large files, and files that are no text.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import msgspec

from lsp_server.base import encoded_text
from lsp_server.index.ignored import Ignored
from lsp_server.text.secrets import has_secret, is_secret_name
from lsp_server.text.snapshot import normalize

MAX_BYTES = 1 << 20
MAX_FILES = 50_000
# Files with longer lines on average are generated, and of no use to a model.
MAX_MEAN_LINE = 300
# What never is the user's own work. Often no ignore file names it. In a worktree `.git` is a file.
_SKIPPED = frozenset(
    {
        *(".git", ".hg", ".svn", ".jj", "node_modules", "bower_components", "__pycache__", "site-packages"),
        *(".venv", ".tox", ".nox", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".idea", ".gradle", ".terraform"),
        # of a home folder
        *(".cache", ".npm", ".rustup", ".mozilla", ".thunderbird", ".local", ".vscode-server", ".Trash"),
    }
)
_MARKS_OF_ENVIRONMENTS = ("pyvenv.cfg", "conda-meta")


class FileState(msgspec.Struct, frozen=True, gc=False):
    """A file's path, relative to its folder with forward slashes. Time and size tell whether it has changed."""

    path: str
    modified_ns: int
    size: int


class Folder:
    """A workspace folder. It reads ignore files once, when needed. A new object reads them again."""

    def __init__(self, root: Path) -> None:
        self.root = Path(os.path.realpath(root))
        # The folder's name as it is given counts too, because it may be a link from a folder of secrets.
        self._names = {self.root.as_posix(), Path(os.path.abspath(root)).as_posix()}  # noqa: PTH100
        self.ignored = Ignored(self.root)
        self._may_enter: dict[str, bool] = {"": not self.ignored.ignores_all}

    def walk(self) -> Iterator[FileState]:
        """Every file that may be read, in order of path. Folders that cannot be listed are skipped."""
        left = MAX_FILES
        pending = [""] if self._enters("") else []
        while pending and left > 0:
            folder = pending.pop()
            below: list[str] = []
            for entry in self._entries(folder):
                path = f"{folder}/{entry.name}" if folder else entry.name
                try:
                    if entry.is_dir(follow_symlinks=False):
                        if self._enters(path):
                            below.append(path)
                    elif entry.is_file(follow_symlinks=False) and self._may_list(path):
                        found = entry.stat(follow_symlinks=False)
                        if 0 < found.st_size <= MAX_BYTES:
                            left -= 1
                            yield FileState(path, found.st_mtime_ns, found.st_size)
                except OSError:
                    continue  # deleted, or not permitted
            pending += reversed(below)

    def state(self, path: str) -> FileState | None:
        """The state of one file, as `walk` would yield it; None if it would not."""
        if not self.may_read(path):
            return None
        try:
            found = os.lstat(self.root / path)
        except (OSError, ValueError):
            return None
        if not stat.S_ISREG(found.st_mode) or not 0 < found.st_size <= MAX_BYTES:
            return None
        return FileState(path, found.st_mtime_ns, found.st_size)

    def may_read(self, path: str) -> bool:
        """Whether a path may be read: it is inside the folder, not ignored, no secret, and passes no link."""
        if not self.admits(path):
            return False
        parts = path.split("/")
        above = ("/".join(parts[:depth]) for depth in range(1, len(parts) + 1))
        return not any(os.path.islink(self.root / each) for each in above)  # noqa: PTH114  (Path's raises for a long name)

    def admits(self, path: str) -> bool:
        """Whether the rules admit a path: it is inside the folder, not ignored, and no secret by its name."""
        folder = path.rpartition("/")[0]
        if not path or any(part in ("", ".", "..") for part in path.split("/")) or "\0" in path:
            return False
        return self._enters(folder) and self._may_list(path)

    def read(self, path: str) -> str | None:
        """The text of a file that `walk` yielded, lines ending in `\\n`; None if it is no text or holds secrets."""
        text = self._text(path, None)
        return None if text is None or has_secret(text, path) else text

    def read_again(self, state: FileState) -> str | None:
        """The text of a file that `read` accepted earlier; None if it has changed since."""
        return self._text(state.path, state)

    def read_part(self, path: str, start: int, size: int) -> bytes | None:
        """Up to `size` bytes of a file that `walk` yielded, from byte `start`; None if it cannot be read."""
        return self._bytes(path, None, start, size)

    def _text(self, path: str, state: FileState | None) -> str | None:
        content = self._bytes(path, state, 0, MAX_BYTES + 1)
        return decode(content) if content is not None and len(content) <= MAX_BYTES else None

    def _bytes(self, path: str, state: FileState | None, start: int, size: int) -> bytes | None:
        try:
            # A file can become a link, or a pipe, after it was listed.
            descriptor = os.open(self.root / path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | _NONBLOCK)
            with os.fdopen(descriptor, "rb") as file:
                found = os.fstat(descriptor)
                if not stat.S_ISREG(found.st_mode):
                    return None
                if state is not None and (found.st_mtime_ns, found.st_size) != (state.modified_ns, state.size):
                    return None
                file.seek(start)
                return file.read(size)
        except (OSError, ValueError):
            return None

    def relative(self, path: Path) -> str | None:
        """An absolute path relative to this folder, links resolved first; None for a path outside."""
        real = Path(os.path.realpath(path))
        return real.relative_to(self.root).as_posix() if real.is_relative_to(self.root) else None

    def names_of(self, path: Path) -> set[str]:
        """The paths inside this folder of a file that changed: with all links resolved, and those above it only.

        A file that has become a link has both. What was known of it is out of date.
        """
        above = self.relative(path.parent)
        names = {self.relative(path), None if above is None else f"{above}/{path.name}".removeprefix("./")}
        return {name for name in names if name is not None}

    def _entries(self, folder: str) -> list[os.DirEntry[str]]:
        try:
            with os.scandir(self.root / folder) as entries:
                found = sorted(entries, key=lambda entry: entry.name)
        except OSError:
            return []
        return [] if any(entry.name in _MARKS_OF_ENVIRONMENTS for entry in found) else found

    def _enters(self, path: str) -> bool:
        """Whether a folder and those above it may be entered."""
        unknown = []
        while path not in self._may_enter:
            unknown.append(path)
            path = path.rpartition("/")[0]
        may_enter = self._may_enter[path]
        for each in reversed(unknown):
            may_enter = self._may_enter[each] = may_enter and self._may_list(f"{each}/")
        return may_enter

    def _may_list(self, path: str) -> bool:
        """Whether a path may be read whose folders may be entered. A folder's path ends in a slash."""
        is_skipped = path.rstrip("/").rpartition("/")[2] in _SKIPPED
        return not is_skipped and not self._is_secret(path) and not self.ignored.ignores(path)

    def _is_secret(self, path: str) -> bool:
        return any(is_secret_name(f"{name}/{path}") for name in self._names)


_NONBLOCK = getattr(os, "O_NONBLOCK", 0)  # without it, opening a pipe would wait for a writer


def decode(content: bytes) -> str | None:
    """Source text in UTF-8, UTF-16 or Latin-1, lines ending in `\\n`; None for other content and generated text."""
    if b"\0" in content and not content.startswith(encoded_text.UTF_16_MARKS):
        return None
    try:
        text = encoded_text.decode(content)
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    if len(text) > MAX_MEAN_LINE * (text.count("\n") + 1):
        return None
    return normalize(text)
