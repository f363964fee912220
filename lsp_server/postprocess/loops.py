"""Rules against models that repeat themselves, as small models do."""

from __future__ import annotations

import re
from collections.abc import Callable

from lsp_server.postprocess.lines import later_lines

# The longest group of lines that counts as a loop, and how many equal groups do.
_MAX_LINES = 4
_NUM_GROUPS = 3
# Only phrases with a name in them count: rows of zeros, rulers and tables of hexadecimal numbers are good code.
_MAX_CHARACTERS, _NUM_PHRASES = 40, 8
_NAME = re.compile(r"(?<!\w)[^\W\d]")


def repetition(text: str) -> int | None:
    """End after the first of three equal lines in a row, or of three equal groups of lines.

    Lines without letters and digits do not count: they repeat in good code.
    """
    rows = [(start - 1, end - 1) for start, end in later_lines("\n" + text) if text[start - 1 : end - 1].strip()]
    stripped = [text[start:end].strip() for start, end in rows]
    for first in range(len(rows)):
        for size in range(1, _MAX_LINES + 1):
            group = stripped[first : first + size]
            groups = [stripped[first + size * n : first + size * (n + 1)] for n in range(_NUM_GROUPS)]
            if all(each == group for each in groups) and re.search(r"\w", "".join(group)):
                return rows[first + size - 1][1]
    return None


def repeated_phrase() -> Callable[[str], int | None]:
    """End before a line in which a phrase is written eight times in a row. Nothing of such a line is kept."""
    num_scanned = 0
    found: tuple[int, int] | None = None  # where the last phrase ends, and where to end the text

    def rule(text: str) -> int | None:
        nonlocal num_scanned, found
        while found is None and num_scanned < len(text):
            num_scanned += 1
            start = text.rfind("\n", 0, num_scanned) + 1
            if _ends_in_loop(text[start:num_scanned]):
                found = (num_scanned, max(0, start - 1))
        return found[1] if found and found[0] <= len(text) else None

    return rule


def _ends_in_loop(line: str) -> bool:
    for size in range(1, min(_MAX_CHARACTERS, len(line) // _NUM_PHRASES) + 1):
        if line[-1] == line[-1 - size]:  # a quick test that mostly fails
            phrase = line[-size:]  # it may begin inside a word
            if line.endswith(phrase * _NUM_PHRASES) and _NAME.search(phrase * 2, 1):
                return True
    return False
