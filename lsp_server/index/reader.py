"""What an index says, for the server: definitions, imports and chunks, by file, name and word."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

import msgspec

from lsp_server.index.folder import FileState
from lsp_server.index.import_syntax import Import
from lsp_server.index.script_config import ScriptConfig, decode_script_config
from lsp_server.index.symbols import Symbol

MOST_REMEMBERED = 4000  # files
MOST_REMEMBERED_TERMS = 20_000
CHANGES_TO_COUNT_ANEW = 50


class IndexedFile(msgspec.Struct, frozen=True, gc=False):
    """A file as the index knows it."""

    number: int
    path: str
    language_id: str
    state: FileState


class Reader:
    """Queries an index. What it returns of a file is remembered: a file that changes gets another number."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._version = -1
        self._changes = 0
        self._folders: list[str] | None = None
        self._numbers_by_name: dict[str, list[int]] | None = None
        self._frequencies: dict[str, int] = {}
        self._defining: dict[tuple[str, tuple[str, ...]], list[int]] = {}
        self._symbols: dict[int, list[Symbol]] = {}
        self._imports: dict[int, list[Import]] = {}

    def refresh(self) -> bool:
        """Forget what may be wrong by now if another connection has changed the index since; whether it has."""
        version = self._connection.execute("PRAGMA data_version").fetchone()[0]
        if version == self._version:
            return False
        self._version = version
        self._folders = None
        self._numbers_by_name = None
        self._defining.clear()
        self._changes += 1
        if self._changes % CHANGES_TO_COUNT_ANEW == 0:
            self._frequencies.clear()
        for remembered in (self._symbols, self._imports):
            if len(remembered) > MOST_REMEMBERED:
                remembered.clear()
        return True

    def files(self, column: str, values: list[str]) -> list[IndexedFile]:
        """The files whose `path`, `folder` or `tail` is one of some values."""
        found = []
        for start in range(0, len(values), 500):
            some = values[start : start + 500]
            marks = ",".join("?" * len(some))
            query = f"SELECT id, path, language, modified_ns, size FROM files WHERE {column} IN ({marks})"  # noqa: S608
            found += [_file(row) for row in self._connection.execute(query, some)]
        return found

    def files_below(self, ending: str) -> list[IndexedFile]:
        """The files of the folder whose path is, or ends in, some names; of several folders, the shortest path's."""
        if self._folders is None:
            self._folders = [row[0] for row in self._connection.execute("SELECT DISTINCT folder FROM files")]
        found = [folder for folder in self._folders if f"/{folder}".endswith(f"/{ending}")]
        return self.files("folder", [min(found, key=len)]) if found else []

    def files_called(self, names: list[str]) -> list[IndexedFile]:
        """The files of some names, wherever they are."""
        if self._numbers_by_name is None:
            self._numbers_by_name = {}
            for number, path in self._connection.execute("SELECT id, path FROM files"):
                self._numbers_by_name.setdefault(path.rpartition("/")[2], []).append(number)
        numbers = [number for name in names for number in self._numbers_by_name.get(name, [])]
        return [file for number in numbers if (file := self.file(number))]

    def file(self, number: int) -> IndexedFile | None:
        """A file by its number."""
        query = "SELECT id, path, language, modified_ns, size FROM files WHERE id = ?"
        row = self._connection.execute(query, (number,)).fetchone()
        return _file(row) if row else None

    def symbols(self, number: int) -> list[Symbol]:
        """What a file defines, in order."""
        if number not in self._symbols:
            query = (
                "SELECT name, kind, container, line, last, text, doc FROM symbols WHERE file = ? ORDER BY line, rowid"
            )
            self._symbols[number] = [Symbol(*row) for row in self._connection.execute(query, (number,))]
        return self._symbols[number]

    def imports(self, number: int) -> list[Import]:
        """What a file imports."""
        if number not in self._imports:
            query = "SELECT module, name, alias FROM imports WHERE file = ?"
            self._imports[number] = [Import(*row) for row in self._connection.execute(query, (number,))]
        return self._imports[number]

    def defining(self, name: str, kinds: tuple[str, ...], most: int) -> list[int]:
        """The files that define a name at their top, at most so many."""
        if (name, kinds) not in self._defining:
            marks = ",".join("?" * len(kinds))
            query = f"SELECT DISTINCT file FROM symbols WHERE name = ? AND container = '' AND kind IN ({marks}) LIMIT ?"  # noqa: S608
            rows = self._connection.execute(query, (name, *kinds, most))
            self._defining[name, kinds] = [row[0] for row in rows]
        return self._defining[name, kinds]

    def script_configs(self) -> dict[str, ScriptConfig]:
        """What files say of where JavaScript's and TypeScript's modules are, by their paths."""
        query = "SELECT path, text FROM script_configs JOIN files ON files.id = script_configs.file"
        return {path: decode_script_config(text) for path, text in self._connection.execute(query)}

    def frequencies(self, terms: Iterable[str]) -> dict[str, int]:
        """In how many chunks each term is, those that are in none left out.

        What was counted once is not counted again for small changes of the index.
        """
        wanted = list(terms)
        unknown = [term for term in wanted if term not in self._frequencies]
        if unknown:
            if len(self._frequencies) > MOST_REMEMBERED_TERMS:
                self._frequencies.clear()
                unknown = wanted
            marks = ",".join("?" * len(unknown))
            query = f"SELECT term, doc FROM vocabulary WHERE term IN ({marks})"  # noqa: S608
            self._frequencies.update(dict.fromkeys(unknown, 0))
            self._frequencies.update(self._connection.execute(query, unknown))
        return {term: count for term in wanted if (count := self._frequencies[term])}

    def similar(self, terms: list[str], most: int) -> list[tuple[int, int, int, float]]:
        """Chunks with some of the terms: file, first line, one past the last, and BM25 (more is more alike)."""
        query = """SELECT chunks.file, chunks.first, chunks.last, -rank FROM words JOIN chunks
                   ON chunks.id = words.rowid WHERE words MATCH ? ORDER BY rank LIMIT ?"""
        matched = " OR ".join(f'"{term}"' for term in terms)
        return list(self._connection.execute(query, (matched, most)))


def _file(row: tuple[int, str, str, int, int]) -> IndexedFile:
    number, path, language_id, modified_ns, size = row
    return IndexedFile(number, path, language_id, FileState(path, modified_ns, size))
