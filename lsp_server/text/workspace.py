"""The workspace: the open documents, their order of use, and reads of single source files."""

from __future__ import annotations

import itertools
import os
import re
import stat
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path, PurePosixPath
from urllib.parse import SplitResult, unquote, urlsplit
from urllib.request import url2pathname

from lsp_server.base.errors import SourceError
from lsp_server.text.document import Document, FrozenDocument
from lsp_server.text.excerpts import Neighbour
from lsp_server.text.notebooks import Notebooks
from lsp_server.text.place import Place
from lsp_server.text.snapshot import Snapshot

NOTEBOOK_SCHEMES = ("vscode-notebook-cell", "notebook-cell")
_QUOTED_DRIVE = re.compile(r"^(/[A-Za-z])%3[Aa](?=/|$)")
# The cells of a notebook share its path, so that they are one block. Each cell has a line range of its own.
LINES_PER_CELL = 100_000
MAX_FILE_BYTES = 32 * 1024 * 1024
MAX_BELOW = 20_000  # characters of a notebook's cells
MAX_VISITED = 8  # closed files that still count as visited


def path_of(uri: str) -> Path | None:
    """The path of a `file:` URI; None for another scheme."""
    parts = _split(uri)
    if parts.scheme != "file":
        return None
    return _to_path(f"//{parts.netloc}{parts.path}" if parts.netloc not in ("", "localhost") else parts.path)


def notebook_of(uri: str) -> Path | None:
    """The notebook of a cell's URI; None for another scheme. Editors open cells as documents of their own."""
    parts = _split(uri)
    if parts.scheme not in NOTEBOOK_SCHEMES or not parts.path:
        return None
    return _to_path(parts.path)


def _to_path(quoted: str) -> Path | None:
    """The path of a URI's path; None if this system has no such path.

    VS Code quotes the colon of a Windows drive, as in `/c%3A/a.py`. Windows' `url2pathname` does not know that.
    """
    try:
        return Path(os.path.normpath(url2pathname(_QUOTED_DRIVE.sub(r"\1:", quoted))))
    except OSError:
        return None


def _split(uri: str) -> SplitResult:
    """The parts of a URI. A malformed URI, and one of a path that cannot be, counts as a path without a scheme."""
    try:
        if can_be_path(unquote(uri)):
            return urlsplit(uri)
    except ValueError:
        pass
    return SplitResult("", "", uri, "", "")


def can_be_path(text: str) -> bool:
    """Whether a file may have this name: it has no NUL, and the system can encode it."""
    try:
        return b"\0" not in os.fsencode(text)
    except UnicodeEncodeError:
        return False


def read_source(path: Path) -> str:
    """The text of a UTF-8 source file, with its own line breaks.

    Raises `SourceError` for a file that is missing, unreadable, too large or not UTF-8.
    """
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode) and not stat.S_ISDIR(status.st_mode):  # a device has no end
            raise SourceError(f"{path} is no regular file.")
        if status.st_size > MAX_FILE_BYTES:
            raise SourceError(f"{path} is larger than {MAX_FILE_BYTES >> 20} MiB; infill does not complete in it.")
        return path.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        raise SourceError(
            f"{path} is not UTF-8 (byte {error.object[error.start]:#04x} at offset {error.start}). "
            "Convert it to UTF-8 first."
        ) from None
    except FileNotFoundError:
        raise SourceError(f"There is no file {path}.") from None
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror}.") from None


@dataclass(frozen=True, slots=True)
class _Visit:
    """What is kept of a closed document. Its last text may not have been saved, so it is not kept."""

    language_id: str
    touched: int
    line: int
    is_edited: bool


class Workspace:
    """The documents that the client has open, and the workspace folders.

    The folders may change at any time. So nothing that depends on them is stored: `place_of` computes it.
    """

    def __init__(self, roots: list[Path] | None = None) -> None:
        self.roots = roots or []
        self.notebooks = Notebooks()
        self._documents: dict[str, Document] = {}
        self._touched: dict[str, int] = {}
        self._visited: dict[str, _Visit] = {}  # in the order of closing
        self._clock = itertools.count(1)

    def open(self, uri: str, language_id: str, version: int, text: str) -> Document:
        """Open a document, or open it again with a new text."""
        document = Document(uri, partial(self.place_of, uri), language_id, version, text)
        self._documents[uri] = document
        self._visited.pop(uri, None)
        self.touch(uri)
        return document

    def close(self, uri: str) -> None:
        """Close a document. A file of the workspace counts as visited from then on. An unknown URI is no error."""
        document = self._documents.pop(uri, None)
        touched = self._touched.pop(uri, 0)
        if document is not None and document.place.root and path_of(uri):
            self._visited[uri] = _Visit(
                document.language_id, touched, document.last_edited_line, document.edited_at > 0
            )
            for oldest in list(self._visited)[:-MAX_VISITED]:
                del self._visited[oldest]

    def get(self, uri: str) -> Document | None:
        """The open document of a URI, or None."""
        return self._documents.get(uri)

    def frozen(self, uri: str) -> FrozenDocument | None:
        """The open document of a URI as it is now, with its path in the present workspace folders; None if none is."""
        document = self._documents.get(uri)
        return document.frozen() if document else None

    def is_current(self, frozen: FrozenDocument) -> bool:
        """Whether a document is still open and as it was frozen."""
        document = self._documents.get(frozen.uri)
        return document is not None and document.is_still(frozen)

    def touch(self, uri: str) -> None:
        """Mark a document as the most recently used."""
        self._touched[uri] = next(self._clock)

    @property
    def num_documents(self) -> int:
        """The number of open documents."""
        return len(self._documents)

    def place_of(self, uri: str) -> Place:
        """Where a document is now. Links are resolved before its path is compared with the folders'.

        Outside every folder its path is only the file name, because the user's folders are private. A cell has the path
        of its notebook. Unprintable characters become `?`, so that a path is one line.
        """
        return self._place_of(uri, self._real_roots())

    def relative_path(self, uri: str) -> str:
        """The path of a document for prompts."""
        return self.place_of(uri).path

    def root_of(self, uri: str) -> Path | None:
        """The innermost workspace folder of a file, or None."""
        root = self.place_of(uri).root
        return Path(root) if root and path_of(uri) else None

    def neighbours(self, uri: str) -> list[Neighbour]:
        """The other open documents of the workspace folders. Without any folder, all open documents count.

        Not all of them may be read: ask the gate (`context/gate.py`) before a prompt shows one.

        Notebook cells count only for cells of the same notebook. Where the client says their order, those above count,
        and `cells_below` has the others; else all count in the order in which they were opened. Files that were closed
        lately come last. They have no text, because the last text may not have been saved.
        """
        roots = self._real_roots()
        notebook = self._notebook_of(uri)
        above, below = self.notebooks.above_and_below(uri)
        found = []
        for number, (other, document) in enumerate(self._documents.items()):
            if other == uri or other in below:
                continue
            place = self._place_of(other, roots)
            of_notebook = self._notebook_of(other)
            if of_notebook == notebook if of_notebook else self._is_inside(other, place):
                neighbour = self._neighbour(other, document, place)
                order = above.index(other) if other in above else number
                found.append(replace(neighbour, line=order * LINES_PER_CELL) if of_notebook else neighbour)
        return found + [
            Neighbour(
                place.path,
                visit.language_id,
                "",
                visit.touched,
                visit.line,
                visit.is_edited,
                root=place.root,
                is_open=False,
                names=place.names,
            )
            for closed, visit in self._visited.items()
            if (place := self._place_of(closed, roots)).root
        ]

    def with_cells_below(self, snapshot: Snapshot) -> Snapshot:
        """A cell's snapshot with the cells of its language that stand below it, as more of its suffix."""
        _, below = self.notebooks.above_and_below(snapshot.uri)
        cells = [document for each in below if (document := self._documents.get(each))]
        texts = [each.frozen().text for each in cells if each.language_id == snapshot.language_id]
        if not texts:
            return snapshot
        more = "\n\n".join(texts)[:MAX_BELOW]
        return replace(snapshot, suffix=f"{snapshot.suffix.rstrip()}\n\n{more}")

    def _notebook_of(self, uri: str) -> str | Path | None:
        """What tells a cell's notebook from others; None for a document that is no cell."""
        return self.notebooks.notebook_of(uri) or notebook_of(uri)

    def _neighbour(self, uri: str, document: Document, place: Place) -> Neighbour:
        line, text = document.excerpt_at
        return Neighbour(
            place.path,
            document.language_id,
            text,
            self._touched[uri],
            line,
            document.edited_at > 0,
            whole=document.frozen().whole,
            root=place.root,
            is_saved=document.is_saved,
            names=place.names,
        )

    def _is_inside(self, uri: str, place: Place) -> bool:
        return not self.roots or (bool(place.root) and path_of(uri) is not None)

    def _real_roots(self) -> list[tuple[Path, Path]]:
        """The folders with links resolved, and as the client spells them, the innermost first."""
        return sorted(((_real(root), root) for root in self.roots), key=lambda each: -len(each[0].parts))

    def _place_of(self, uri: str, roots: Sequence[tuple[Path, Path]]) -> Place:
        uri = self.notebooks.notebook_of(uri) or uri
        spelled = path_of(uri) or notebook_of(uri)
        if spelled is None:
            return Place(_printable(PurePosixPath(unquote(_split(uri).path)).name or "untitled"))
        real = _real(spelled)
        names = (spelled.as_posix(), real.as_posix())
        for real_root, root in roots:
            if real.is_relative_to(real_root):
                return Place(_printable(real.relative_to(real_root).as_posix()), root.name, str(root), names)
        return Place(_printable(spelled.name), names=names)


def _real(path: Path) -> Path:
    """A path with its links resolved; the path itself where that is impossible."""
    try:
        return Path(os.path.realpath(path))
    except (OSError, ValueError):
        return path


def _printable(name: str) -> str:
    return "".join(character if character.isprintable() else "?" for character in name)


def file_uri(path: Path) -> str:
    """The URI of a file."""
    return Path(os.path.abspath(path)).as_uri()  # noqa: PTH100  (`resolve` would follow links)
