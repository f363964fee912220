"""Texts that are read again and again while they grow: what is read above the cursor is read once. Pure.

A text is read in steps of whole lines, and the last steps are remembered. A new line above the cursor costs the lines
behind the last step; a letter on the cursor's line costs nothing.
"""

from __future__ import annotations

import functools

from lsp_server.languages.balance import Balance, Delimiter, balance_behind
from lsp_server.languages.lexer import START, State, code_in, lex

_STEP = 4096  # characters, lexed in less than a millisecond
_NUM_REMEMBERED = 64


class Reading:
    """A text that is read up to its end. What the lexer finds is found at once, the rest if somebody asks."""

    def __init__(self, text: str, language_id: str) -> None:
        self._text = text
        self._language_id = language_id
        self._start = step_before(text)
        self._above = read(text[: self._start], language_id) if self._start else None
        spans, self.state = lex(text, language_id, self._above.state if self._above else START, self._start)
        self._code = code_in(text, spans)

    @property
    def code(self) -> str:
        """The text without strings and comments. The length is the same."""
        pieces, reading = [], self
        while True:
            pieces.append(reading._code)
            if reading._above is None:
                return "".join(reversed(pieces))
            reading = reading._above

    @functools.cached_property
    def balance(self) -> Balance:
        """What the text opens and closes."""
        above = self._above.balance if self._above else Balance()
        return balance_behind(above, self._text, self._code, self._language_id, self._start)

    @property
    def opens(self) -> tuple[Delimiter, ...]:
        """What the text leaves open, outermost first."""
        return self.balance.opens


@functools.lru_cache(maxsize=_NUM_REMEMBERED)
def read(text: str, language_id: str) -> Reading:
    """A text from the beginning of a document or of a window. Pass the lines above the cursor's."""
    return Reading(text, language_id)


def state_after(text: str, language_id: str) -> State:
    """What is open at the end of a text."""
    return read(text, language_id).state


def step_before(text: str) -> int:
    """Where the last step of a text begins: at a line's start. 0: the text is one step.

    It depends only on what stands before it. A line that goes on behind a backslash is not parted from the next.
    """
    start = text.rfind("\n", 0, max(0, len(text) - 1) // _STEP * _STEP) + 1
    while text.endswith("\\\n", 0, start):
        start = text.rfind("\n", 0, start - 1) + 1
    return start
