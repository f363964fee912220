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
    """A text that is read up to its end. What the lexer finds is found at once, the rest if somebody asks.

    `spans` are those from `start` on, where the last step begins. `state` is what is open at the end.
    """

    state: State

    def __init__(self, text: str, language_id: str) -> None:
        self._text = text
        self._language_id = language_id
        self.start = step_before(text)
        self._above: Reading | None = read(text[: self.start], language_id) if self.start else None
        state = self._above.state if self._above else START
        self.spans, self.state = lex(text, language_id, state, self.start)

    @functools.cached_property
    def code(self) -> str:
        """The text without strings and comments. The length is the same."""
        return (self._above.code if self._above else "") + code_in(self._text, self.spans)

    @functools.cached_property
    def balance(self) -> Balance:
        """What the text opens and closes."""
        above = self._above.balance if self._above else Balance()
        return balance_behind(above, self._text, self.code[self.start :], self._language_id, self.start)

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
