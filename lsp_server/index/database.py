"""The index of one workspace folder: an SQLite file that may be deleted at any time. A damaged one is deleted.

One transaction holds the changes of one file or one batch of files. A killed process leaves the state before it.
Several servers may write at once. Each waits for the others, and skips files that another has brought up to date.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sqlite3
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from lsp_server.index.chunks import Chunk, chunks_of
from lsp_server.index.folder import FileState
from lsp_server.index.symbols import Outline, outline
from lsp_server.index.words import terms_of
from lsp_server.languages.script_config import is_script_config, read_script_config

VERSION = 5  # of the schema, the parsing and the rules about secrets; an index of another version is built again
BUSY_MS = 10_000
LOCKED_RETRY_S = 0.05
# A deleted chunk leaves its words in the table. When they reach this share, `reset_if_bloated` builds the table again.
MAX_DEAD_SHARE = 0.5
MIN_DEAD = 2000

# The errors of reading an index. SQLite's messages quote a damaged schema, which need not be UTF-8.
IndexFailure = (sqlite3.Error, UnicodeDecodeError)

_SCHEMA = """
CREATE TABLE files (id INTEGER PRIMARY KEY AUTOINCREMENT, path TEXT NOT NULL UNIQUE, folder TEXT NOT NULL,
                    tail TEXT NOT NULL, language TEXT NOT NULL, modified_ns INTEGER NOT NULL, size INTEGER NOT NULL);
CREATE INDEX files_by_folder ON files (folder);
CREATE INDEX files_by_tail ON files (tail);
CREATE TABLE symbols (file INTEGER NOT NULL, name TEXT NOT NULL, kind TEXT NOT NULL, container TEXT NOT NULL,
                      line INTEGER NOT NULL, last INTEGER NOT NULL, text TEXT NOT NULL,
                      doc TEXT NOT NULL);
CREATE INDEX symbols_by_file ON symbols (file);
CREATE INDEX symbols_by_name ON symbols (name) WHERE container = '';
CREATE TABLE imports (file INTEGER NOT NULL, module TEXT NOT NULL, name TEXT NOT NULL, alias TEXT NOT NULL);
CREATE INDEX imports_by_file ON imports (file);
CREATE TABLE script_configs (file INTEGER PRIMARY KEY, text TEXT NOT NULL);
CREATE TABLE chunks (id INTEGER PRIMARY KEY AUTOINCREMENT, file INTEGER NOT NULL, first INTEGER NOT NULL,
                     last INTEGER NOT NULL, start INTEGER NOT NULL, size INTEGER NOT NULL, digest BLOB NOT NULL);
CREATE INDEX chunks_by_file ON chunks (file);
CREATE VIRTUAL TABLE words USING fts5 (terms, content='', columnsize=1, detail=full);
CREATE VIRTUAL TABLE vocabulary USING fts5vocab (words, row);
"""
_TABLES = ("files", "symbols", "imports", "script_configs", "chunks", "words", "vocabulary")


@dataclass(frozen=True, slots=True)
class ParsedFile:
    """One file as it goes into the index.

    `script_config` is what tsconfig.json, jsconfig.json or package.json says about module paths, else empty.
    """

    state: FileState
    language_id: str
    outline: Outline
    chunks: list[Chunk]
    script_config: str = ""


def parse(state: FileState, language_id: str, text: str | None) -> ParsedFile:
    """Parse a text for the index. None stands for an unreadable file or one with secrets.

    Such a file is indexed as empty, so that it is not read again until it changes.
    """
    if text is None:
        return ParsedFile(state, language_id, Outline(), [])
    script_config = read_script_config(state.path, text) if is_script_config(state.path) else ""
    return ParsedFile(state, language_id, outline(language_id, text), list(chunks_of(text)), script_config)


def path_tail(path: str) -> str:
    """The last two names of a path, by which modules are looked up."""
    return "/".join(path.rsplit("/", 2)[-2:])


def database_path(root: Path) -> Path:
    """The path of a folder's index, which is in the user's cache and never in the folder."""
    real = os.path.realpath(root)
    name = hashlib.sha256(os.fsencode(real)).hexdigest()[:32]
    return platformdirs.user_cache_path("infill") / "index" / f"{name}.sqlite"


def open_database(path: Path) -> sqlite3.Connection:
    """Open an index for writing. One that is missing, damaged or of another version is created."""
    path.parent.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + BUSY_MS / 1000
    while True:
        try:
            return _open_checked(path)
        except IndexFailure as error:
            if not (isinstance(error, sqlite3.OperationalError) and "locked" in str(error)):
                break
            if time.monotonic() > deadline:
                raise
            time.sleep(LOCKED_RETRY_S)  # SQLite does not wait by itself to change the journal's mode
    remove_database(path)
    return _open_checked(path)


def open_for_reading(path: Path) -> sqlite3.Connection | None:
    """Open an index for queries by one thread at a time; None while there is no usable index."""
    if not path.exists():
        return None
    try:
        connection = sqlite3.connect(
            f"{path.as_uri()}?mode=ro", uri=True, isolation_level=None, check_same_thread=False, timeout=0.05
        )
        if connection.execute("PRAGMA user_version").fetchone()[0] == VERSION:
            return connection
        connection.close()
    except IndexFailure:
        pass
    return None


def counts(path: Path) -> tuple[int, int] | None:
    """The numbers of files and definitions in an index; None if no index can be read."""
    connection = open_for_reading(path)
    if connection is None:
        return None
    with contextlib.closing(connection):
        try:
            query = "SELECT (SELECT count(*) FROM files), (SELECT count(*) FROM symbols)"
            files, symbols = connection.execute(query).fetchone()
        except IndexFailure:
            return None
        return files, symbols


def remove_database(path: Path) -> None:
    """Delete an index and the files that SQLite keeps beside it."""
    for suffix in ("", "-wal", "-shm"):
        with contextlib.suppress(OSError):
            os.unlink(f"{path}{suffix}")  # noqa: PTH108


def _open_checked(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, timeout=BUSY_MS / 1000)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")  # with WAL, a power cut loses only the last writes
        connection.execute("PRAGMA cache_size = -16000")
        connection.execute("BEGIN IMMEDIATE")
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version == 0:
            for statement in _SCHEMA.split(";"):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {VERSION}")
        connection.execute("COMMIT")
        if version not in (0, VERSION):
            raise sqlite3.DatabaseError("another version")
        if connection.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
            raise sqlite3.DatabaseError("damaged")
        for table in _TABLES:
            connection.execute(f"SELECT 1 FROM {table} LIMIT 1")  # noqa: S608  (names from above)
    except BaseException:
        connection.close()
        raise
    return connection


class Writer:
    """Writes to an index."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def states(self) -> dict[str, FileState]:
        """The state of every file in the index at the time it was read, by path."""
        rows = self._connection.execute("SELECT path, modified_ns, size FROM files")
        return {path: FileState(path, modified_ns, size) for path, modified_ns, size in rows}

    def write(self, files: Iterable[ParsedFile]) -> None:
        """Insert files, or replace them."""
        with self._transaction():
            for parsed in files:
                self._write(parsed)

    def remove(self, paths: Iterable[str]) -> None:
        """Remove files, and all files below folders. Unknown paths are no error."""
        with self._transaction():
            for path in paths:
                self._remove(path)

    def reset_if_bloated(self) -> None:
        """Empty the index if too many words belong to deleted chunks. The scan that follows fills it again."""
        live = self._connection.execute("SELECT count(*) FROM chunks").fetchone()[0]
        ever = self._connection.execute(
            "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'chunks'"
        ).fetchone()[0]
        if ever - live > max(MIN_DEAD, live * MAX_DEAD_SHARE):
            with self._transaction():
                for table in ("files", "symbols", "imports", "script_configs", "chunks", "sqlite_sequence"):
                    self._connection.execute(f"DELETE FROM {table}")  # noqa: S608  (names from the line above)
                self._connection.execute("INSERT INTO words(words) VALUES ('delete-all')")

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    def _remove(self, path: str) -> None:
        # Paths below a folder sort between the folder's path plus "/" and its path plus "0", the character after "/".
        query = "SELECT id FROM files WHERE path = ? OR (path > ? AND path < ?)"
        for row in self._connection.execute(query, (path, f"{path}/", f"{path}0")).fetchall():
            for statement in (
                "DELETE FROM symbols WHERE file = ?",
                "DELETE FROM imports WHERE file = ?",
                "DELETE FROM script_configs WHERE file = ?",
                "DELETE FROM chunks WHERE file = ?",
                "DELETE FROM files WHERE id = ?",
            ):
                self._connection.execute(statement, row)

    def _write(self, parsed: ParsedFile) -> None:
        state, connection = parsed.state, self._connection
        known = connection.execute("SELECT modified_ns, size FROM files WHERE path = ?", (state.path,)).fetchone()
        if known == (state.modified_ns, state.size):
            return  # another server has indexed it
        digests = self._digests(state.path)
        self._remove(state.path)
        folder = state.path.rpartition("/")[0]
        file = connection.execute(
            "INSERT INTO files (path, folder, tail, language, modified_ns, size) VALUES (?, ?, ?, ?, ?, ?)",
            (state.path, folder, path_tail(state.path), parsed.language_id, state.modified_ns, state.size),
        ).lastrowid
        connection.executemany(
            "INSERT INTO symbols VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            [(file, each.name, each.kind, each.container, each.line, each.last, each.text, each.doc)
             for each in parsed.outline.symbols],
        )  # fmt: skip
        connection.executemany(
            "INSERT INTO imports VALUES (?, ?, ?, ?)",
            [(file, each.module, each.name, each.alias) for each in parsed.outline.imports],
        )
        if parsed.script_config:
            connection.execute("INSERT INTO script_configs VALUES (?, ?)", (file, parsed.script_config))
        for chunk in parsed.chunks:
            # A chunk that the file had before, at any line, keeps its number. The word table refers to that number.
            known_as = digests[chunk.digest].pop() if digests.get(chunk.digest) else None
            written = connection.execute(
                "INSERT INTO chunks (id, file, first, last, start, size, digest) VALUES (?, ?, ?, ?, ?, ?, ?)",
                (known_as, file, chunk.first, chunk.last, chunk.start, chunk.size, chunk.digest),
            )
            if known_as is None:
                words = " ".join(sorted(terms_of(chunk.text)))
                connection.execute("INSERT INTO words (rowid, terms) VALUES (?, ?)", (written.lastrowid, words))

    def _digests(self, path: str) -> dict[bytes, list[int]]:
        """The numbers of a file's chunks, by digest."""
        query = "SELECT digest, chunks.id FROM chunks JOIN files ON files.id = chunks.file WHERE path = ?"
        found: dict[bytes, list[int]] = {}
        for digest, number in self._connection.execute(query, (path,)):
            found.setdefault(digest, []).append(number)
        return found
