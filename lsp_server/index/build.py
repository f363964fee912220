"""Brings the index of a folder up to date: reads new and changed files, and removes deleted ones."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterable
from pathlib import Path

from lsp_server.index.database import ParsedFile, Writer, database_path, open_database, parse, remove_database
from lsp_server.index.folder import FileState, Folder
from lsp_server.index.ignored import IGNORE_FILES
from lsp_server.languages.syntax import language_of

BATCH_BYTES = 400_000

Report = Callable[[float], None]


def read_and_parse(folder: Folder, state: FileState) -> ParsedFile:
    """Read one file and parse it for the index."""
    language_id = language_of(state.path)
    return parse(state, language_id, folder.read(state.path))


class Builder:
    """Keeps the index of one folder. An index that turns out damaged is built again."""

    def __init__(self, root: Path, path: Path | None = None) -> None:
        self.root = root
        self.path = path or database_path(root)
        self._folder = Folder(root)
        self._rules = self._folder.ignored.outer_rules()
        self._connection = open_database(self.path)

    def close(self) -> None:
        """Close the index."""
        self._connection.close()

    def scan(self, report: Report = lambda _: None) -> int:
        """Compare every file with its indexed state, and index the changed ones. Returns the number of files read.

        `report` gets the fraction of bytes that is done.
        """
        return self._repaired(lambda writer: self._scan(writer, report))

    def update(self, paths: Iterable[Path]) -> int:
        """Index some files again, by their absolute paths; files elsewhere do not matter.

        All files are compared if ignore rules may have changed. Returns the number of files read.
        """
        self._folder = Folder(self.root)
        inside = sorted({name for path in paths for name in self._folder.names_of(path)})
        if self._rules != self._folder.ignored.outer_rules() or any(
            name.rpartition("/")[2] in IGNORE_FILES for name in inside
        ):
            return self.scan()
        return self._repaired(lambda writer: self._update(writer, inside)) if inside else 0

    @property
    def num_files(self) -> int:
        """The number of files in the index."""
        return int(self._connection.execute("SELECT count(*) FROM files").fetchone()[0])

    def _repaired(self, change: Callable[[Writer], int]) -> int:
        try:
            return change(Writer(self._connection))
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError) and "locked" in str(error):
                return 0  # another process has written for very long; the next scan catches up
            self._connection.close()
            remove_database(self.path)
            self._connection = open_database(self.path)
            return self._scan(Writer(self._connection), lambda _: None)

    def _scan(self, writer: Writer, report: Report) -> int:
        writer.reset_if_bloated()
        self._folder = Folder(self.root)  # ignore files may have changed
        self._rules = self._folder.ignored.outer_rules()
        known = writer.states()
        changed = [state for state in self._folder.walk() if known.pop(state.path, None) != state]
        writer.remove(known)
        total = sum(state.size for state in changed)
        done = 0
        batch: list[ParsedFile] = []
        for state in changed:
            batch.append(read_and_parse(self._folder, state))
            done += state.size
            if sum(parsed.state.size for parsed in batch) >= BATCH_BYTES:
                writer.write(batch)
                batch = []
                report(done / total)
        writer.write(batch)
        return len(changed)

    def _update(self, writer: Writer, paths: list[str]) -> int:
        found = [(path, self._folder.state(path)) for path in paths]
        states = [state for _, state in found if state is not None]
        gone = [path for path, state in found if state is None]
        if any(os.path.isdir(self.root / path) for path in gone):  # noqa: PTH112
            return self._scan(writer, lambda _: None)
        writer.remove(gone)
        writer.write([read_and_parse(self._folder, state) for state in states])
        return len(states)
