"""The workspace: the open documents, their order of use, and reads of single source files."""

from __future__ import annotations

import itertools
import os
from dataclasses import replace
from pathlib import Path, PurePosixPath
from urllib.parse import SplitResult, unquote, urlsplit
from urllib.request import url2pathname

from lsp_server.base.errors import SourceError
from lsp_server.text.document import Document, FrozenDocument
from lsp_server.text.excerpts import Neighbour

NOTEBOOK_SCHEMES = ("vscode-notebook-cell", "notebook-cell")
# The cells of a notebook share its path, so that they are one block. Each cell has a line range of its own.
LINES_PER_CELL = 100_000
MAX_FILE_BYTES = 32 * 1024 * 1024
MAX_VISITED = 8  # closed files that still count as visited


def path_of(uri: str) -> Path | None:
    """The path of a `file:` URI; None for another scheme."""
    parts = _split(uri)
    if parts.scheme != "file":
        return None
    authority = f"//{parts.netloc}" if parts.netloc not in ("", "localhost") else ""
    return Path(os.path.normpath(url2pathname(authority + parts.path)))


def notebook_of(uri: str) -> Path | None:
    """The notebook of a cell's URI; None for another scheme. Editors open cells as documents of their own."""
    parts = _split(uri)
    if parts.scheme not in NOTEBOOK_SCHEMES or not parts.path:
        return None
    return Path(os.path.normpath(url2pathname(parts.path)))


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
        if path.stat().st_size > MAX_FILE_BYTES:
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


class Workspace:
    """The documents that the client has open, and the workspace folders."""

    def __init__(self, roots: list[Path] | None = None) -> None:
        self.roots = roots or []
        self._documents: dict[str, Document] = {}
        self._touched: dict[str, int] = {}
        self._visited: dict[str, Neighbour] = {}  # in the order of closing
        self._clock = itertools.count(1)

    def open(self, uri: str, language_id: str, version: int, text: str) -> Document:
        """Open a document, or open it again with a new text."""
        document = Document(uri, self.relative_path(uri), language_id, version, text, self._project_name(uri))
        self._documents[uri] = document
        self._visited.pop(uri, None)
        self.touch(uri)
        return document

    def close(self, uri: str) -> None:
        """Close a document. A file of the workspace counts as visited from then on. An unknown URI is no error."""
        document = self._documents.pop(uri, None)
        touched = self._touched.pop(uri, 0)
        if document is not None and (root := self.root_of(uri)):
            self._visited[uri] = Neighbour(
                document.path,
                document.language_id,
                "",
                touched,
                document.last_edited_line,
                document.edited_at > 0,
                root=str(root),
                is_open=False,
            )
            for oldest in list(self._visited)[:-MAX_VISITED]:
                del self._visited[oldest]

    def get(self, uri: str) -> Document | None:
        """The open document of a URI, or None."""
        return self._documents.get(uri)

    def frozen(self, uri: str) -> FrozenDocument | None:
        """The open document of a URI as it is now, with its path in the present workspace folders; None if none is."""
        document = self._documents.get(uri)
        if document is None:
            return None
        return document.frozen(self.relative_path(uri), self._project_name(uri), self.root_of(uri))

    def touch(self, uri: str) -> None:
        """Mark a document as the most recently used."""
        self._touched[uri] = next(self._clock)

    @property
    def num_documents(self) -> int:
        """The number of open documents."""
        return len(self._documents)

    def relative_path(self, uri: str) -> str:
        """The path of a document for prompts: relative to its workspace folder, with forward slashes.

        Outside every folder it is only the file name, because the user's folders are private. Unprintable characters
        become `?`, so that a path is one line.
        """
        name = self._relative_path(uri)
        return "".join(character if character.isprintable() else "?" for character in name)

    def _relative_path(self, uri: str) -> str:
        path = path_of(uri)
        if path is None:
            return PurePosixPath(unquote(_split(uri).path)).name or "untitled"
        root = self._root_of(path)
        return path.relative_to(root).as_posix() if root else path.name

    def root_of(self, uri: str) -> Path | None:
        """The innermost workspace folder of a document, or None."""
        path = path_of(uri)
        return self._root_of(path) if path else None

    def texts_in_same_language(self, uri: str) -> list[str]:
        """The texts of the other open workspace documents in a document's language."""
        language_id = self._documents[uri].language_id
        return [
            document.text
            for other, document in self._documents.items()
            if other != uri and document.language_id == language_id and self._is_inside(other)
        ]

    def _root_of(self, path: Path) -> Path | None:
        """The innermost workspace folder of a path, or None."""
        around = [root for root in self.roots if path.is_relative_to(root)]
        return max(around, key=lambda root: len(root.parts), default=None)

    def _project_name(self, uri: str) -> str:
        path = path_of(uri)
        root = self._root_of(path) if path else None
        return root.name if root else ""

    def neighbours(self, uri: str) -> list[Neighbour]:
        """The other open documents of the workspace folders. Without any folder, all open documents count.

        Notebook cells count only for cells of the same notebook, in the order in which they were opened. Files that
        were closed lately come last. They have no text, because the last text may not have been saved.
        """
        notebook = notebook_of(uri)
        found = []
        for number, (other, document) in enumerate(self._documents.items()):
            of_notebook = notebook_of(other)
            if other != uri and (of_notebook == notebook if of_notebook else self._is_inside(other)):
                neighbour = self._neighbour(other, document)
                found.append(replace(neighbour, line=number * LINES_PER_CELL) if of_notebook else neighbour)
        return found + list(self._visited.values())

    def _neighbour(self, uri: str, document: Document) -> Neighbour:
        line, text = document.excerpt_at
        path = path_of(uri) or notebook_of(uri)
        root = self._root_of(path) if path else None
        return Neighbour(
            document.path,
            document.language_id,
            text,
            self._touched[uri],
            line,
            document.edited_at > 0,
            whole=None if document.is_saved else document.normalized,
            root=str(root or ""),
        )

    def _is_inside(self, uri: str) -> bool:
        path = path_of(uri)
        return not self.roots or (path is not None and self._root_of(path) is not None)


def file_uri(path: Path) -> str:
    """The URI of a file."""
    return Path(os.path.abspath(path)).as_uri()  # noqa: PTH100  (`resolve` would follow links)
