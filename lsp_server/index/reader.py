"""Queries of an index, for the server: definitions, imports and chunks, by file, name and word."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from lsp_server.index.folder import FileState
from lsp_server.index.symbols import Symbol
from lsp_server.languages.imports import Import
from lsp_server.languages.script_config import ScriptConfig, decode_script_config

MAX_REMEMBERED = 4000  # files
MAX_REMEMBERED_TERMS = 20_000
CHANGES_PER_RECOUNT = 50

# BM25 (Robertson and Zaragoza, The Probabilistic Relevance Framework, 2009), each term counted once a chunk.
TERM_SATURATION, LENGTH_NORMALIZATION = 1.2, 0.75
MEAN_LINES = 16  # of a chunk, approximately


class IndexedFile(msgspec.Struct, frozen=True, gc=False):
    """A file of the index. A changed file gets a new number."""

    number: int
    path: str
    language_id: str
    state: FileState


class IndexedChunk(msgspec.Struct, frozen=True, gc=False):
    """Lines `first` to before `last` of a file.

    In a UTF-8 file with `\\n` line ends they are `size` bytes from byte `start`. `digest` is `chunks.digest_of` them.
    A higher `similarity` is more similar.
    """

    file: IndexedFile
    first: int
    last: int
    start: int
    size: int
    digest: bytes
    similarity: float


class Reader:
    """Queries an index, and remembers results by file number."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._version = -1
        self._changes = 0
        self._folders: list[str] | None = None
        self._numbers_by_name: dict[str, list[int]] | None = None
        self._frequencies: dict[str, int] = {}
        self._containing: dict[str, list[int]] = {}
        self._defining: dict[tuple[str, tuple[str, ...]], list[int]] = {}
        self._symbols: dict[int, list[Symbol]] = {}
        self._imports: dict[int, list[Import]] = {}

    def refresh(self) -> bool:
        """Drop outdated results if another connection has changed the index. Returns whether it has."""
        version = self._connection.execute("PRAGMA data_version").fetchone()[0]
        if version == self._version:
            return False
        self._version = version
        self._folders = None
        self._numbers_by_name = None
        self._containing.clear()
        self._defining.clear()
        self._changes += 1
        if self._changes % CHANGES_PER_RECOUNT == 0:
            self._frequencies.clear()
        for remembered in (self._symbols, self._imports):
            if len(remembered) > MAX_REMEMBERED:
                remembered.clear()
        return True

    def files(self, column: str, values: list[str]) -> list[IndexedFile]:
        """The files whose `path`, `folder` or `tail`, by `column`, is among the values."""
        found = []
        for start in range(0, len(values), 500):
            some = values[start : start + 500]
            marks = ",".join("?" * len(some))
            query = f"SELECT id, path, language, modified_ns, size FROM files WHERE {column} IN ({marks})"  # noqa: S608
            found += [_file(row) for row in self._connection.execute(query, some)]
        return found

    def files_in_folder(self, ending: str) -> list[IndexedFile]:
        """The files of the folder whose path ends in `ending`. Of several, the shortest path counts."""
        if self._folders is None:
            self._folders = [row[0] for row in self._connection.execute("SELECT DISTINCT folder FROM files")]
        found = [folder for folder in self._folders if f"/{folder}".endswith(f"/{ending}")]
        return self.files("folder", [min(found, key=len)]) if found else []

    def files_named(self, names: list[str]) -> list[IndexedFile]:
        """The files with one of these names, in any folder."""
        if self._numbers_by_name is None:
            self._numbers_by_name = {}
            for number, path in self._connection.execute("SELECT id, path FROM files"):
                self._numbers_by_name.setdefault(path.rpartition("/")[2], []).append(number)
        numbers = [number for name in names for number in self._numbers_by_name.get(name, [])]
        return [file for number in numbers if (file := self.file(number))]

    def file(self, number: int) -> IndexedFile | None:
        """The file with a number; None if it has changed or is gone."""
        query = "SELECT id, path, language, modified_ns, size FROM files WHERE id = ?"
        row = self._connection.execute(query, (number,)).fetchone()
        return _file(row) if row else None

    def symbols(self, number: int) -> list[Symbol]:
        """A file's definitions, in order."""
        if number not in self._symbols:
            query = (
                "SELECT name, kind, container, line, last, text, doc FROM symbols WHERE file = ? ORDER BY line, rowid"
            )
            self._symbols[number] = [Symbol(*row) for row in self._connection.execute(query, (number,))]
        return self._symbols[number]

    def imports(self, number: int) -> list[Import]:
        """A file's imports."""
        if number not in self._imports:
            query = "SELECT module, name, alias FROM imports WHERE file = ?"
            self._imports[number] = [Import(*row) for row in self._connection.execute(query, (number,))]
        return self._imports[number]

    def files_defining(self, name: str, kinds: tuple[str, ...], limit: int) -> list[int]:
        """The numbers of up to `limit` files that define a name at top level."""
        if (name, kinds) not in self._defining:
            marks = ",".join("?" * len(kinds))
            query = f"SELECT DISTINCT file FROM symbols WHERE name = ? AND container = '' AND kind IN ({marks}) LIMIT ?"  # noqa: S608
            rows = self._connection.execute(query, (name, *kinds, limit))
            self._defining[name, kinds] = [row[0] for row in rows]
        return self._defining[name, kinds]

    def script_configs(self) -> dict[str, ScriptConfig]:
        """The module settings of tsconfig.json, jsconfig.json and package.json files, by path."""
        query = "SELECT path, text FROM script_configs JOIN files ON files.id = script_configs.file"
        return {path: decode_script_config(text) for path, text in self._connection.execute(query)}

    def frequencies(self, terms: Iterable[str]) -> dict[str, int]:
        """The number of chunks that contain each term. Terms in no chunk are left out.

        Counts are kept while the index changes little.
        """
        wanted = list(terms)
        unknown = [term for term in wanted if term not in self._frequencies]
        if unknown:
            if len(self._frequencies) > MAX_REMEMBERED_TERMS:
                self._frequencies.clear()
                unknown = wanted
            marks = ",".join("?" * len(unknown))
            query = f"SELECT term, doc FROM vocabulary WHERE term IN ({marks})"  # noqa: S608
            self._frequencies.update(dict.fromkeys(unknown, 0))
            self._frequencies.update(self._connection.execute(query, unknown))
        return {term: count for term in wanted if (count := self._frequencies[term])}

    def search(self, terms: Sequence[str], limit: int) -> list[IndexedChunk]:
        """The chunks most similar to some terms, by BM25. FTS5's own ranking would look up every chunk's length."""
        # This counts deleted chunks too. Counting the live ones would visit each.
        num_chunks = self._connection.execute("SELECT coalesce(max(id), 0) FROM chunks").fetchone()[0]
        weights: dict[int, float] = {}
        for term in terms:
            numbers = self._chunks_with(term)
            weight = math.log(1 + (num_chunks - len(numbers) + 0.5) / (len(numbers) + 0.5))
            for number in numbers:
                weights[number] = weights.get(number, 0.0) + weight
        best = sorted(weights, key=weights.__getitem__, reverse=True)[: 2 * limit]
        marks = ",".join("?" * len(best))
        query = f"""SELECT files.id, path, language, modified_ns, files.size, first, last, start, chunks.size, digest,
                    chunks.id FROM chunks JOIN files ON files.id = file WHERE chunks.id IN ({marks})"""  # noqa: S608
        found = []
        for *file, first, last, start, size, digest, number in self._connection.execute(query, best):
            similarity = weights[number] * _length_share(last - first)
            found.append(IndexedChunk(_file(file), first, last, start, size, digest, similarity))
        return sorted(found, key=lambda chunk: chunk.similarity, reverse=True)[:limit]

    def _chunks_with(self, term: str) -> list[int]:
        """The numbers of the chunks that contain a term."""
        if term not in self._containing:
            if len(self._containing) > MAX_REMEMBERED_TERMS:
                self._containing.clear()
            query = "SELECT words.rowid FROM words JOIN chunks ON chunks.id = words.rowid WHERE words MATCH ?"
            self._containing[term] = [row[0] for row in self._connection.execute(query, (f'"{term}"',))]
        return self._containing[term]


def _length_share(num_lines: int) -> float:
    """The BM25 weight of one occurrence in a chunk of so many lines."""
    length = 1 - LENGTH_NORMALIZATION + LENGTH_NORMALIZATION * num_lines / MEAN_LINES
    return (TERM_SATURATION + 1) / (TERM_SATURATION * length + 1)


def _file(row: Sequence[Any]) -> IndexedFile:
    number, path, language_id, modified_ns, size = row
    return IndexedFile(number, path, language_id, FileState(path, modified_ns, size))
