"""The source that needs no index: documents edited, open or closed lately. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lsp_server.context.candidates import Candidate
from lsp_server.context.nearest_files import path_distance
from lsp_server.text.excerpts import Readable
from lsp_server.text.snapshot import Snapshot

CELL, EDITED, OPEN = 0.6, 0.35, 0.15
LATER_SHARE = 0.7  # of the score of the document touched next after this one
CLOSED_SHARE = 0.7
OTHER_LANGUAGE_SHARE = 0.4


def recent_files(snapshot: Snapshot, neighbours: Sequence[Readable]) -> Iterator[Candidate]:
    """An excerpt of each document around its last edit, and the other cells of a notebook."""
    recent = sorted(neighbours, key=lambda each: (each.is_edited, each.touched), reverse=True)
    for rank, each in enumerate(recent):
        score = (EDITED if each.is_edited else OPEN) * LATER_SHARE**rank
        if each.language_id != snapshot.language_id:
            score *= OTHER_LANGUAGE_SHARE
        if not each.is_open:
            score *= CLOSED_SHARE
        source = "recent edits" if each.is_edited else "open documents" if each.is_open else "visited files"
        if each.path == snapshot.path:
            score, source = CELL * LATER_SHARE**rank, "notebook"
        distance = path_distance(snapshot.path, each.path)
        text = each.text.rstrip("\n")
        yield Candidate(each.path, each.language_id, each.line, text, score, source, f"{distance} steps away")
