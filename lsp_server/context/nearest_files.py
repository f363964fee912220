"""Blocks by path distance alone, for callers without an index."""

from __future__ import annotations

from collections.abc import Sequence

from lsp_server.text.excerpts import Block, Readable
from lsp_server.text.snapshot import Snapshot


def choose_nearest_files(snapshot: Snapshot, neighbours: Sequence[Readable], max_tokens: int) -> tuple[Block, ...]:
    """The neighbours that fit. The document's own language comes first, then the nearest path, then the latest touch.

    The blocks are returned in the order of their paths, not of their rank. So touching a file does not reorder the
    prompt's head, and the cached prefix stays valid.
    """
    chosen: list[Block] = []
    room = max_tokens
    for neighbour in sorted(neighbours, key=lambda each: _rank(snapshot, each), reverse=True):
        distance = path_distance(snapshot.path, neighbour.path)
        block = Block(neighbour.path, neighbour.language_id, neighbour.text, f"open, {distance} steps away")
        if neighbour.text.strip() and block.tokens <= room:
            chosen.append(block)
            room -= block.tokens
    return tuple(sorted(chosen, key=lambda block: block.path))


def _rank(snapshot: Snapshot, neighbour: Readable) -> tuple[bool, int, int]:
    same_language = neighbour.language_id == snapshot.language_id
    return same_language, -path_distance(snapshot.path, neighbour.path), neighbour.touched


def path_distance(left: str, right: str) -> int:
    """The number of steps from one file's folder to the other's, up and down the tree."""
    left_folders, right_folders = left.split("/")[:-1], right.split("/")[:-1]
    shared = 0
    for a, b in zip(left_folders, right_folders, strict=False):
        if a != b:
            break
        shared += 1
    return len(left_folders) + len(right_folders) - 2 * shared
