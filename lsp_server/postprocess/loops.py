"""Finds loops: small models repeat lines and phrases. A loop has no end; a table and a list have one."""

from __future__ import annotations

import math
import re
from collections.abc import Callable

from lsp_server.languages.balance import begins_close
from lsp_server.postprocess.lines import later_lines
from lsp_server.text.snapshot import Snapshot

# The longest group of lines that counts as a loop, how many equal groups do, and how long they are together.
_MAX_LINES, _NUM_GROUPS, _MIN_OF_GROUPS = 4, 3, 60
_MIN_OF_ROWS = 1000  # characters. Rows of a table repeat, but a table ends before that
_ROW = re.compile(r"[-*+|]\s|.*[,|\\]$")
_TAG = re.compile(r"</?[\w:.-]+(?:\s[^<>]*)?>")

# The longest phrase that counts as a loop, and how many in a row do.
_MAX_PHRASE, _NUM_PHRASES = 40, 8
_MIN_OF_PHRASES = 400  # characters of nothing but a phrase. They are a loop before the stream ends
_STEP = 50  # characters from one look to the next
# Without a name, a phrase is a ruler, or data: zeros, hexadecimal numbers.
_NAME = re.compile(r"(?<!\w)[^\W\d]")


def repetition(snapshot: Snapshot) -> Callable[[str], int | None]:
    """End after the first of three equal groups of lines in a row. Short ones take more: 60 characters together.

    Lines are compared with their indentation. Lines that close something repeat where blocks end. Rows of a table
    repeat too: lines without a name, tags without a text, items of a list.
    """
    before = snapshot.line_prefix

    def rule(text: str) -> int | None:
        lines = f"{before}{text}"
        places = [place for place in later_lines(f"\n{lines}") if lines[place[0] - 1 : place[1] - 1].strip()]
        rows = [lines[start - 1 : end - 1].rstrip() for start, end in places]
        for first in range(len(rows)):
            for size in range(1, _MAX_LINES + 1):
                if _begins_loop(rows, first, size, snapshot.language_id):
                    return places[first + size - 1][1] - 1 - len(before)
        return None

    return rule


def _begins_loop(rows: list[str], first: int, size: int, language_id: str) -> bool:
    """Whether so many equal groups of `size` lines begin with the line `first` that they are a loop."""
    group = rows[first : first + size]
    if rows[first : first + size * _NUM_GROUPS] != group * _NUM_GROUPS:
        return False
    if all(begins_close(row, language_id) for row in group):
        return False
    least = _MIN_OF_ROWS if all(map(_is_table_row, group)) else _MIN_OF_GROUPS
    num_groups = max(_NUM_GROUPS, math.ceil(least / sum(len(row.strip()) for row in group)))
    return rows[first : first + size * num_groups] == group * num_groups


def _is_table_row(line: str) -> bool:
    stripped = line.strip()
    return bool(_ROW.match(stripped)) or not _NAME.search(_TAG.sub("", stripped))


def endless_phrase() -> Callable[[str], int | None]:
    """End a line of which the last 400 characters are one phrase, again and again. The first phrase is kept."""
    num_scanned = 0
    found: tuple[int, int] | None = None  # where the last phrase ends, and where to end the text

    def rule(text: str) -> int | None:
        nonlocal num_scanned, found
        while found is None and num_scanned + _STEP <= len(text):
            num_scanned += _STEP
            if (length := _second_phrase(text[:num_scanned], _MIN_OF_PHRASES)) is not None:
                found = (num_scanned, length)
        return found[1] if found and found[0] <= len(text) else None

    return rule


def drop_loop(text: str, _: Snapshot) -> str:
    """Drop phrases of which a text repeats the last one until its end. The first one is kept."""
    return text[: _second_phrase(text)]


def _second_phrase(text: str, least: int = 0) -> int | None:
    """Where the second phrase begins, if a text ends with eight equal ones, of `least` characters together."""
    line = text[text.rfind("\n") + 1 :]
    for size in range(1, min(_MAX_PHRASE, len(line) // _NUM_PHRASES) + 1):
        if line[-1] != line[-1 - size]:  # a quick test that mostly fails
            continue
        phrase = line[-size:]  # it may begin inside a word
        num_phrases = max(_NUM_PHRASES, -(-least // size))
        if line.endswith(phrase * num_phrases) and _NAME.search(phrase * 2, 1):
            start = len(text) - size * num_phrases
            while start > len(text) - len(line) and text[start - 1] == text[start - 1 + size]:
                start -= 1
            return start + size
    return None
