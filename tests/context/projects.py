"""Small projects on disk with their index, and what is gathered in them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from lsp_server.context.candidates import Gathered
from lsp_server.context.gather import gather
from lsp_server.context.resolver import Resolver
from lsp_server.index.build import Builder
from lsp_server.index.database import open_for_reading
from lsp_server.index.folder import Folder
from lsp_server.index.reader import IndexedChunk, Reader
from lsp_server.text.snapshot import Snapshot
from tests.builders import snapshot_at


class Project:
    """A folder of files, indexed."""

    def __init__(self, root: Path, files: dict[str, str]) -> None:
        self.root = root / "project"
        self.file = root / "index.sqlite"
        self.write(files)
        self.connection = open_for_reading(self.file)
        assert self.connection is not None
        self.reader = Reader(self.connection)
        self.resolver = Resolver(self.reader, self.root.name)
        self.folder = Folder(self.root)

    def write(self, files: dict[str, str]) -> None:
        """Write files and index them."""
        for path, text in files.items():
            (self.root / path).parent.mkdir(parents=True, exist_ok=True)
            (self.root / path).write_text(text, encoding="utf-8")
        builder = Builder(self.root, self.file)
        builder.scan()
        builder.close()

    def gather(self, snapshot: Snapshot, clock: Any = lambda: 0.0, unsaved: Any = None) -> Gathered:
        """What the index has for a snapshot."""
        return gather(snapshot, self.reader, self.resolver, self._read, clock, unsaved)

    def _read(self, chunk: IndexedChunk) -> list[str] | None:
        text = self.folder.read_again(chunk.file.state)
        return None if text is None else text.split("\n")[chunk.first : chunk.last]

    def at(self, path: str, text: str, language_id: str = "python") -> Snapshot:
        """A document of the project, with a `‸` where the cursor is."""
        snapshot = snapshot_at(text, language_id, path, self.root.name)
        return replace(snapshot, uri=(self.root / path).as_uri())

    def close(self) -> None:
        """Let go of the index."""
        assert self.connection is not None
        self.connection.close()
