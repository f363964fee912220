"""The gate: which texts of other files a prompt may show. Every text of another file passes it.

Only this module makes a `Readable` (`tests/test_architecture.py`). What puts text into prompts takes nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from lsp_server.context.candidates import Candidate
from lsp_server.index.folder import FileState, Folder
from lsp_server.text.document import excerpt_around, split_lines
from lsp_server.text.excerpts import Block, Neighbour, Readable
from lsp_server.text.secrets import has_secret, is_secret_name

MAX_REMEMBERED = 64  # verdicts on texts; excerpts of closed files


class Gate:
    """Remembers the verdicts on texts. Rules are read anew for each question, because ignore files change."""

    def __init__(self) -> None:
        self._with_secrets: dict[tuple[str, int], bool] = {}
        self._excerpts: dict[Path, tuple[FileState, tuple[int, str] | None]] = {}

    def admit(self, neighbours: Iterable[Neighbour]) -> list[Readable]:
        """The documents that may be read. One is not if it is ignored, holds a secret, or is outside by a link."""
        folders: dict[Path, Folder] = {}
        return [readable for each in neighbours if (readable := self._admit(each, folders))]

    @staticmethod
    def admit_candidates(root: Path, candidates: Sequence[Candidate]) -> tuple[Candidate, ...]:
        """The finds of a workspace folder's index that may be read. The index may be older than the ignore files."""
        folder = Folder(root)
        verdicts = {path: folder.may_read(path) for path in {each.path for each in candidates}}
        return tuple(each for each in candidates if verdicts[each.path])

    @staticmethod
    def earlier_blocks(
        root: Path | None, path: str, neighbours: Iterable[Neighbour], readable: Sequence[Readable]
    ) -> Callable[[Block], bool]:
        """What tells whether a block of an earlier choice for a document may still be shown.

        `readable` are those of the neighbours that are admitted. A block of the document's own path is of other cells
        of its notebook, which may have been moved or deleted.
        """
        refused = {each.path for each in neighbours} - {each.path for each in readable}
        admitted = {each.path for each in readable}
        cells = "\n".join(each.whole_text() for each in readable if each.path == path)
        folder = Folder(root) if root else None

        def admits(block: Block) -> bool:
            if block.path == path:
                return all(line in cells for line in block.text.split("\n"))
            if block.path in admitted:
                return True
            return block.path not in refused and folder is not None and _is_there(folder, block.path)

        return admits

    def _admit(self, neighbour: Neighbour, folders: dict[Path, Folder]) -> Readable | None:
        if is_secret_name(neighbour.path, *neighbour.names):
            return None
        path = _real_path(neighbour)
        if path is not None:
            # Outside of every workspace folder, the rules of the file's own folder count.
            root = Path(neighbour.root) if neighbour.root else path.parent
            if root not in folders:
                folders[root] = Folder(root)
            folder = folders[root]
            relative = folder.relative(path)
            if relative is None or not folder.may_read(relative):
                return None
            if not neighbour.is_open:
                return self._read_closed(folder, relative, neighbour)
        return Readable(neighbour) if neighbour.is_open and not self._has_secret(neighbour) else None

    def _has_secret(self, neighbour: Neighbour) -> bool:
        """Whether a document holds a secret anywhere in its present text, saved or not."""
        text = neighbour.whole_text()
        key = (neighbour.path, hash(text))
        if key not in self._with_secrets:
            if len(self._with_secrets) >= MAX_REMEMBERED:
                self._with_secrets.clear()
            self._with_secrets[key] = has_secret(text, neighbour.path)
        return self._with_secrets[key]

    def _read_closed(self, folder: Folder, relative: str, neighbour: Neighbour) -> Readable | None:
        """A closed file with its present text around the line that was edited last."""
        state = folder.state(relative)
        if state is None:
            return None
        key = folder.root / relative
        if self._excerpts.get(key, (None, None))[0] != state:
            if len(self._excerpts) >= MAX_REMEMBERED:
                self._excerpts.clear()
            text = folder.read(relative)
            lines = split_lines(text) if text else []
            self._excerpts[key] = (state, excerpt_around(lines, neighbour.line) if lines else None)
        excerpt = self._excerpts[key][1]
        return Readable(replace(neighbour, line=excerpt[0], text=excerpt[1])) if excerpt else None


def _is_there(folder: Folder, path: str) -> bool:
    return folder.may_read(path) and folder.state(path) is not None


def may_write(root: Path, path: Path) -> bool:
    """Whether text may be added to a file below a workspace folder, by its name there and with links resolved."""
    folder = Folder(root)
    names = {folder.relative(path), path.relative_to(root).as_posix()}
    return all(folder.admits(each) for each in names if each is not None)


def named(neighbours: Iterable[Neighbour]) -> list[Readable]:
    """Files that the user named for this one prompt, as with `infill complete --with`: no rule keeps them out."""
    return [Readable(each) for each in neighbours]


def _real_path(neighbour: Neighbour) -> Path | None:
    """The absolute path with links resolved; None for a document without a file."""
    if neighbour.names:
        return Path(neighbour.names[-1])
    return Path(neighbour.root) / neighbour.path if neighbour.root else None
