"""What the rules for reading source text see of a snapshot: the text near the cursor, and no huge line."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import lru_cache

from lsp_server.text.snapshot import Snapshot

# The text on each side of the cursor: some 700 lines, which a rule reads in a few milliseconds.
WINDOW_CHARACTERS = 30_000
# What is kept of a long line. Its head has its indentation and says what it opens; its tail is next to the cursor, or
# to the next line.
HEAD_CHARACTERS, TAIL_CHARACTERS = 250, 750
LINE_CHARACTERS = HEAD_CHARACTERS + TAIL_CHARACTERS
# A line that most likely begins outside of strings and blocks. The window should not begin inside a string.
_TOP_LINE = re.compile(r"\n[ \t]*\n(?=\w)")
_SEARCHED_CHARACTERS = 10_000
_STEP_CHARACTERS = 5000


@lru_cache(maxsize=4)
def readable(snapshot: Snapshot) -> Snapshot:
    """The part of a snapshot that rules read. `line` and `character` stay those of the document.

    First the lines are bounded and then the text. So the bound holds for a rule that looks at a line, for one that
    looks at so many characters and then at whole lines, and for one that reads all.
    """
    prefix, suffix = _end(with_short_lines(snapshot.prefix)), _beginning(with_short_lines(snapshot.suffix))
    is_same = len(prefix) == len(snapshot.prefix) and len(suffix) == len(snapshot.suffix)
    return snapshot if is_same else replace(snapshot, prefix=prefix, suffix=suffix)


def with_short_lines(text: str) -> str:
    """A text without the middles of its long lines. It has the same number of lines."""
    lines = text.split("\n")
    if max(map(len, lines)) <= LINE_CHARACTERS:
        return text
    return "\n".join(map(_short, lines))


def _short(line: str) -> str:
    return line if len(line) <= LINE_CHARACTERS else line[:HEAD_CHARACTERS] + line[-TAIL_CHARACTERS:]


def _end(text: str) -> str:
    """The end of a text. It begins at a top-level line if one is near, else at some line.

    The beginning moves in steps while text is typed, because what is read of the same text is remembered.
    """
    if len(text) <= WINDOW_CHARACTERS:
        return text
    start = -(-(len(text) - WINDOW_CHARACTERS) // _STEP_CHARACTERS) * _STEP_CHARACTERS
    if top := _TOP_LINE.search(text, start, start + _SEARCHED_CHARACTERS):
        return text[top.end() :]
    return text[text.find("\n", start) + 1 :]  # there is one, because no line is that long


def _beginning(text: str) -> str:
    """The beginning of a text, in whole lines."""
    return text if len(text) <= WINDOW_CHARACTERS else text[: text.rfind("\n", 0, WINDOW_CHARACTERS) + 1]
