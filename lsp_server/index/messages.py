"""The messages between a server and its indexing process: one JSON object a line."""

from __future__ import annotations

import msgspec


class Scan(msgspec.Struct, frozen=True, tag=True):
    """Compare every file of these workspace folders with their indexes, and bring these up to date."""

    roots: tuple[str, ...]


class Update(msgspec.Struct, frozen=True, tag=True):
    """These files were changed, created or deleted, in scanned folders or elsewhere. Each folder answers `Finished`."""

    paths: tuple[str, ...]


class Progress(msgspec.Struct, frozen=True, tag=True):
    """The fraction of a folder's changed bytes that is indexed so far."""

    root: str
    fraction: float


class Finished(msgspec.Struct, frozen=True, tag=True):
    """A folder's index is up to date. `num_read` files were read for it; it has `num_files` in all."""

    root: str
    num_read: int
    num_files: int


Request = Scan | Update
Event = Progress | Finished
