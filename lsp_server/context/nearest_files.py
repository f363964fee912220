"""Which open documents become blocks where nothing else is known of a workspace."""

from __future__ import annotations

from collections.abc import Sequence

from lsp_server.text.excerpts import Block, Neighbour
from lsp_server.text.snapshot import Snapshot


def choose_nearest_files(snapshot: Snapshot, neighbours: Sequence[Neighbour], max_tokens: int) -> tuple[Block, ...]:
    """The neighbours nearest by path, then by recency, that fit; those of the document's own language first.

    They are returned in the order of their paths, not of their rank, so that touching a file does not reorder the
    prompt's head and lose its cache.
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


def _rank(snapshot: Snapshot, neighbour: Neighbour) -> tuple[bool, int, int]:
    same_language = neighbour.language_id == snapshot.language_id
    return same_language, -path_distance(snapshot.path, neighbour.path), neighbour.touched


def path_distance(left: str, right: str) -> int:
    """Steps from one file's folder to the other's, up and down the tree."""
    left_folders, right_folders = left.split("/")[:-1], right.split("/")[:-1]
    shared = 0
    for a, b in zip(left_folders, right_folders, strict=False):
        if a != b:
            break
        shared += 1
    return len(left_folders) + len(right_folders) - 2 * shared
