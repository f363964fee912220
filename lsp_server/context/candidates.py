"""Candidates: excerpts of other files, with a score on one scale for all sources."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import msgspec

from lsp_server.text.excerpts import Block


class Candidate(msgspec.Struct, frozen=True, gc=False):
    """Whole lines of another file, verbatim, beginning at `line` (0-based).

    `score` estimates from 0 to 1 how probable it is that the text at the cursor needs something that stands only here.
    `heads` are lines that explain the excerpt, such as its class's first line, with their numbers. `brief` is the
    beginning of a single line up to the defined name, for use when there is little room. It is empty if it would save
    little. `source` and `reason` are for people.
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


def _admits_all(_: Block) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Gathered:
    """The finds of all sources: candidates, which of their files import which others, and a trace line a source.

    `admits` says whether a block of an earlier choice may still be shown.
    """

    candidates: tuple[Candidate, ...] = ()
    dependencies: Mapping[str, frozenset[str]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    admits: Callable[[Block], bool] = _admits_all
