"""Candidates: excerpts of other files that may be worth their tokens, with a score that all sources share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec


class Candidate(msgspec.Struct, frozen=True, gc=False):
    """Whole lines of another file, verbatim, beginning at `line` (0-based).

    `score` is about how probable it is that the text at the cursor needs something that only stands here, from 0 to 1.
    `heads` are lines it makes no sense without, such as its class's first, with their numbers. `brief` is the beginning
    of its only line that says what it is, for where there is little room; empty if that is all of it. `source` and
    `reason` are for people.
    """

    path: str
    language_id: str
    line: int
    text: str
    score: float
    source: str
    reason: str
    heads: tuple[tuple[int, str], ...] = ()
    brief: str = ""


@dataclass(frozen=True, slots=True)
class Gathered:
    """What all sources found: candidates, which of their files import which others, and a line on each source."""

    candidates: tuple[Candidate, ...] = ()
    dependencies: Mapping[str, frozenset[str]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
