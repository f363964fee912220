"""The context of a snapshot: the folder's index, which a thread queries, and the other documents."""

from __future__ import annotations

import asyncio
import gc
import logging
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from lsp_server.context.candidates import Gathered
from lsp_server.context.gate import Gate
from lsp_server.context.gather import gather
from lsp_server.context.ranking import eligible
from lsp_server.context.recent_files import recent_files
from lsp_server.context.resolver import Resolver
from lsp_server.index.chunks import digest_of
from lsp_server.index.database import database_path, open_for_reading
from lsp_server.index.folder import Folder
from lsp_server.index.reader import IndexedChunk, Reader
from lsp_server.index.symbols import Outline, outline
from lsp_server.text.excerpts import Neighbour, Readable
from lsp_server.text.snapshot import Snapshot

logger = logging.getLogger(__name__)

MAX_FILES_KEPT = 64  # remembered outlines of unsaved documents
# A larger unsaved document counts as it was saved. Parsing this much takes some 0.2 s, once for each change.
MAX_UNSAVED_CHARACTERS = 400_000
SWITCH_S = 0.001  # with Python's default of 5 ms, the event loop would wait that long for the thread


def share_processor() -> None:
    """Let Python switch threads often enough that the event loop never waits long for another thread.

    Objects loaded so far are frozen. A garbage collection over them would stop all threads for tens of milliseconds.
    """
    sys.setswitchinterval(SWITCH_S)
    gc.freeze()


@dataclass(slots=True)
class _OpenIndex:
    """A workspace folder with its open index."""

    folder: Folder
    reader: Reader
    resolver: Resolver
    close: Callable[[], None]
    file_id: int

    def read(self, chunk: IndexedChunk) -> Sequence[str] | None:
        """A chunk's lines, if the file still has them where they were indexed."""
        content = self.folder.read_part(chunk.file.path, chunk.start, chunk.size)
        if content is not None and digest_of(content) == chunk.digest:
            return content.decode().split("\n")
        # Byte offsets are wrong where lines end in two bytes, or where the encoding is not UTF-8.
        text = self.folder.read_again(chunk.file.state)
        return None if text is None else text.split("\n")[chunk.first : chunk.last]


class Retrieval:
    """Gathers context for one server.

    Without an index, only open and visited documents are used. All text passes the gate (`gate.py`). The workspace
    folder is the snapshot's own, because its path is relative to that one.
    """

    def __init__(self, uses_index: Callable[[], bool]) -> None:
        self._uses_index = uses_index
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="context")
        self._indexes: dict[Path, _OpenIndex] = {}
        self._gate = Gate()
        self._outlines: dict[tuple[str, str, int], Outline] = {}

    async def gather(self, snapshot: Snapshot, neighbours: Sequence[Neighbour]) -> Gathered:
        """The eligible candidates for a snapshot, the best first. A thread reads, searches and ranks."""
        root = Path(snapshot.root) if snapshot.root else None
        uses_index = self._uses_index()
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, self._gather_or_note, root, snapshot, neighbours, uses_index)

    async def admit(self, neighbours: Sequence[Neighbour]) -> list[Readable]:
        """The neighbours that a prompt of another document may show. The thread asks the gate."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._gate.admit, neighbours)

    def close(self) -> None:
        """Close the open indexes and end the thread."""
        self._thread.submit(self._forget)
        self._thread.shutdown(wait=False)

    def _forget(self) -> None:
        for indexed in self._indexes.values():
            indexed.close()
        self._indexes.clear()

    def _gather_or_note(
        self, root: Path | None, snapshot: Snapshot, neighbours: Sequence[Neighbour], uses_index: bool
    ) -> Gathered:
        try:
            readable = self._gate.admit(neighbours)
            found = self._gather(root, snapshot, neighbours, readable, uses_index)
            earlier = self._gate.earlier_blocks(root, snapshot.path, neighbours, readable)
            return replace(eligible(snapshot, found), admits=earlier)
        except Exception as error:  # noqa: BLE001  (completions must work without context)
            logger.warning("Context could not be gathered: %s", type(error).__name__)
            return Gathered(notes=(f"failed: {type(error).__name__}",), admits=lambda _: False)

    def _gather(
        self,
        root: Path | None,
        snapshot: Snapshot,
        neighbours: Sequence[Neighbour],
        readable: Sequence[Readable],
        uses_index: bool,
    ) -> Gathered:
        candidates = tuple(recent_files(snapshot, readable))
        notes: tuple[str, ...] = (f"open and visited documents: {len(candidates)} of {len(neighbours)}",)
        if root is None or not uses_index:
            return Gathered(candidates, notes=notes)
        indexed = self._open(root)
        if indexed is None:
            return Gathered(candidates, notes=(*notes, "the index is not there yet"))
        unsaved = {
            each.path: self._outline(each, text)
            for each in readable
            if each.whole is not None
            and not each.is_saved
            and each.root == snapshot.root
            and len(text := each.whole()) <= MAX_UNSAVED_CHARACTERS
        }
        # Limits count this thread's own CPU time, so a busy engine takes nothing from the prompt.
        found = gather(snapshot, indexed.reader, indexed.resolver, indexed.read, time.thread_time, unsaved)
        admitted = self._gate.admit_candidates(root, found.candidates)
        return replace(found, candidates=(*candidates, *admitted), notes=(*notes, *found.notes))

    def _open(self, root: Path) -> _OpenIndex | None:
        path = database_path(root)
        file_id = path.stat().st_ino if path.exists() else 0
        if root in self._indexes and self._indexes[root].file_id != file_id:
            self._indexes.pop(root).close()  # the file was deleted or replaced
        if root not in self._indexes:
            connection = open_for_reading(path)
            if connection is None:
                return None
            reader = Reader(connection)
            resolver = Resolver(reader, root.name)
            self._indexes[root] = _OpenIndex(Folder(root), reader, resolver, connection.close, file_id)
        return self._indexes[root]

    def _outline(self, neighbour: Neighbour, text: str) -> Outline:
        key = (neighbour.root, neighbour.path, hash(text))
        if key not in self._outlines:
            if len(self._outlines) >= MAX_FILES_KEPT:
                self._outlines.clear()
            self._outlines[key] = outline(neighbour.language_id, text)
        return self._outlines[key]
