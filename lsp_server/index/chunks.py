"""Files in pieces that belong together, for finding similar code. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

MOST_LINES = 24
LEAST_LINES = 8


def chunk_lines(lines: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Ranges of lines, first and one past the last, cut at blank lines where less is nested, if there are any."""
    first = 0
    while first < len(lines):
        last = _cut(lines, first)
        if any(line.strip() for line in lines[first:last]):
            yield first, last
        first = last


def _cut(lines: Sequence[str], first: int) -> int:
    end = min(first + MOST_LINES, len(lines))
    if end == len(lines):
        return end
    best, least_nested = end, 1 << 30
    for index in range(first + LEAST_LINES, end):
        line = lines[index]
        if line.strip() and not lines[index - 1].strip():
            nested = len(line) - len(line.lstrip())
            if nested <= least_nested:
                best, least_nested = index, nested
    return best
