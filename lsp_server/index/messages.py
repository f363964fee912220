"""What a server and its indexing process say to each other: one JSON object a line."""

from __future__ import annotations

import msgspec


class Scan(msgspec.Struct, frozen=True, tag=True):
    """Bring the indexes of these workspace folders up to date, by looking at every file."""

    roots: tuple[str, ...]


class Update(msgspec.Struct, frozen=True, tag=True):
    """These files were written, made or deleted; each is in one of the folders that were scanned."""

    paths: tuple[str, ...]


class Progress(msgspec.Struct, frozen=True, tag=True):
    """So much of a folder's files that are to be read has been."""

    root: str
    fraction: float


class Finished(msgspec.Struct, frozen=True, tag=True):
    """A folder is up to date; so many files were read for it, and so many are in its index."""

    root: str
    num_read: int
    num_files: int


Request = Scan | Update
Event = Progress | Finished
