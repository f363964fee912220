"""A huge line while it is edited many times in turn, as by several cursors: no edit copies all of it."""

from __future__ import annotations

from bisect import bisect_left
from itertools import accumulate

from lsp_server.text.units import Encoding, num_units, units_to_code_points

LONG_CHARACTERS = 50_000
_PIECE_CHARACTERS = 4096


class LongLine:
    """A line without its line break, in pieces."""

    def __init__(self, text: str, encoding: Encoding) -> None:
        self._encoding = encoding
        self._pieces = _parted(text)
        self._units = [num_units(piece, encoding) for piece in self._pieces]
        self._last = (0, 0)  # the piece of the last edit, and its start: the next edit is often near

    @property
    def text(self) -> str:
        """The line as it is now."""
        return "".join(self._pieces)

    def replace(self, start: int, end: int, text: str) -> None:
        """Replace a range given in the client's units. A place past the end is the end."""
        start, end = min(start, end), max(start, end)
        last, after = self._find(end)
        first, before = self._find(start)
        new = _parted(self._pieces[first][:before] + text + self._pieces[last][after:])
        self._pieces[first : last + 1] = new
        self._units[first : last + 1] = [num_units(piece, self._encoding) for piece in new]

    def _find(self, units: int) -> tuple[int, int]:
        """The piece of a place, and the index in it."""
        number, start = self._last
        if not start < units <= start + self._units[number]:
            ends = list(accumulate(self._units))
            number = min(bisect_left(ends, max(0, units)), len(ends) - 1)
            start = ends[number] - self._units[number]
            self._last = (number, start)
        return number, units_to_code_points(self._pieces[number], units - start, self._encoding)


def _parted(text: str) -> list[str]:
    """The pieces of a text. There is one at least."""
    return [text[at : at + _PIECE_CHARACTERS] for at in range(0, max(1, len(text)), _PIECE_CHARACTERS)]
