"""Places in a line in the code units that a client counts in. No loop here is over characters: lines may be huge."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Encoding = Literal["utf-8", "utf-16", "utf-32"]


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in a line, as an index and in code units. The way to a place near a mark is short."""

    index: int
    units: int


START = Mark(0, 0)


def num_units(text: str, encoding: Encoding) -> int:
    """The length of `text` in code units of `encoding`."""
    if encoding == "utf-32" or text.isascii():
        return len(text)
    if encoding == "utf-16":
        return len(text.encode("utf-16-le", "surrogatepass")) // 2
    return len(text.encode("utf-8", "surrogatepass"))


def mark_at_units(line: str, units: int, encoding: Encoding, near: Mark = START) -> Mark:
    """The place of the character at `units`. Inside a character it is the start; past the end it is the end.

    Only the text between `near` and the place is read.
    """
    if encoding == "utf-32" or line.isascii():
        index = max(0, min(units, len(line)))
        return Mark(index, index)
    index, before = near.index, near.units
    if units < before:  # no character has less than one unit
        index = max(0, index - (before - max(0, units)))
        before -= num_units(line[index : near.index], encoding)
    # The first half of what is left, then the first half of what is left then: all together not more than once.
    end = min(len(line), index + max(0, units - before))
    while index < end:
        middle = (index + end + 1) // 2
        size = num_units(line[index:middle], encoding)
        if before + size <= units:
            index, before = middle, before + size
        else:
            end = middle - 1
    return Mark(index, before)


def mark_at_index(line: str, index: int, encoding: Encoding, near: Mark = START) -> Mark:
    """The place of an index in the line. Only the text between `near` and the place is read."""
    if index >= near.index:
        return Mark(index, near.units + num_units(line[near.index : index], encoding))
    return Mark(index, near.units - num_units(line[index : near.index], encoding))


def units_to_code_points(line: str, units: int, encoding: Encoding) -> int:
    """The index of the character at `units`. Inside a character it is the start; past the end it is the end."""
    return mark_at_units(line, units, encoding).index
