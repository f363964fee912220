"""The lines of a text, and the lines around the cursor."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from lsp_server.text.snapshot import Snapshot


def later_lines(text: str) -> Iterator[tuple[int, int]]:
    """Start and end of each complete line of a text, without its first line."""
    start = text.find("\n") + 1
    while start and (end := text.find("\n", start)) >= 0:
        yield start, end
        start = end + 1


def line_below(snapshot: Snapshot) -> str | None:
    """The first line below the cursor's line that is not blank."""
    return next(iter(lines_below(snapshot, 1)), None)


def lines_below(snapshot: Snapshot, count: int) -> list[str]:
    """The first lines below the cursor's line that are not blank."""
    below = snapshot.suffix.partition("\n")[2]
    return list(islice((line.rstrip() for line in below.split("\n") if line.strip()), count))


def indentation(line: str) -> int:
    """How far a line is indented, in characters."""
    return len(line) - len(line.lstrip())


def first_line(text: str) -> str:
    """The first line that is not blank."""
    return next((line for line in text.split("\n") if line.strip()), "")


def line_above(text: str, indent: int) -> str | None:
    """The nearest complete line that is not blank and is indented less than `indent`."""
    end = text.rfind("\n")
    while end >= 0:
        start = text.rfind("\n", 0, end) + 1
        line = text[start:end]
        if line.strip() and indentation(line) < indent:
            return line
        end = start - 1
    return None
