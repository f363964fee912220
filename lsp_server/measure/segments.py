"""Segments of held-out files, to be typed again between the text before and after them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from lsp_server.measure.held_out import MODULES, source_lines

NUM_LINES = 20
_BEGINS = re.compile(r"\s*(?:async def|def|class)\b")
_GOLDEN = 0.6180339887  # steps of this share of a file stay far from one another


@dataclass(frozen=True, slots=True)
class Segment:
    """Whole lines to type, and the module's text around them: a line break ends `before` and begins `after`."""

    module: str
    before: str
    to_type: str
    after: str


def choose_segments(count: int, num_lines: int = NUM_LINES) -> list[Segment]:
    """Segments of so many lines: one of each held-out module, then a second of each, and so on.

    The same Python gives the same segments. A segment begins with a function or a class, if one begins further down.
    """
    texts = [(module, lines) for module in sorted(MODULES) if (lines := source_lines(module))]
    return [_segment(*texts[number % len(texts)], number // len(texts), num_lines) for number in range(count)]


def _segment(module: str, lines: Sequence[str], number: int, num_lines: int) -> Segment:
    place = int(len(lines) * ((0.5 + number * _GOLDEN) % 1))
    start = next((at for at in range(place, len(lines) - num_lines) if _BEGINS.match(lines[at])), None)
    if start is None:
        start = max(0, min(place, len(lines) - num_lines))
    before = "".join(f"{line}\n" for line in lines[:start])
    after = "".join(f"\n{line}" for line in lines[start + num_lines :])
    return Segment(module, before, "\n".join(lines[start : start + num_lines]).rstrip(), after)
