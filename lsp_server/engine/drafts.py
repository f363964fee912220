"""Drafts: tokens guessed ahead, which the model checks in one batch with the token it was to evaluate anyway.

A guess is taken only where the model draws the same token from the same place, by the same rules, so that a draft
changes how soon a text is there and not the text. Where guesses come from is here; how many tokens of one are worth a
try is `draft_lengths`.
"""

from __future__ import annotations

from array import array
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from lsp_server.engine.run import Run

MOST_GUESSED = 15  # tokens
# So many of the last tokens are looked for, the most first. One alone says something only in the answer before.
KEYS = (6, 3, 2, 1)
MOST_DOCUMENTS, MOST_REMEMBERED = 32, 256  # documents, and tokens written lately in each
_WIDTH = array("i").itemsize


@dataclass(frozen=True, slots=True)
class Guess:
    """Tokens that may come next. Guesses of one kind are right about equally often."""

    tokens: Sequence[int]
    kind: str


class Source(Protocol):
    """Where guesses come from."""

    def guess(self, run: Run) -> Guess | None:
        """What a run may write next, if anything comes to mind."""
        ...

    def ended(self, run: Run) -> None:
        """A run that wrote something is over."""
        ...


class LookUp:
    """Guesses what came behind the same last tokens before: in the answers last written in the document, where the rest
    of one that was typed away from is most of the next; in the prompt, and in the text written so far.

    `is_text` tells tokens of text from control tokens, which are never guessed.
    """

    def __init__(self, is_text: Callable[[int], bool]) -> None:
        self._is_text = is_text
        self._answers: OrderedDict[str, bytes] = OrderedDict()
        self._texts: dict[str, bytearray] = {}  # of each run its tokens, as they lie in memory: searching that is quick

    def guess(self, run: Run) -> Guess | None:
        """From the longest key that is found anywhere, the latest place."""
        text = self._texts.setdefault(run.id, bytearray())
        text += array("i", run.tokens[len(text) // _WIDTH :]).tobytes()
        answers = self._answers.get(run.request.document, b"")
        for size in (size for size in KEYS if size * _WIDTH <= len(text)):
            for name, held in (("answer", answers), ("text", text if size > 1 else b"")):
                if tokens := self._behind(held, bytes(text[-size * _WIDTH :])):
                    return Guess(tokens, f"{name} {size}")
        return None

    def ended(self, run: Run) -> None:
        """Remember what it wrote, and what was typed before that."""
        self._texts.pop(run.id, None)
        if run.request.document and run.timings.decoded_tokens:
            written = array("i", run.tokens[len(run.prepared.anchor) :]).tobytes()
            known = self._answers.pop(run.request.document, b"") + written
            self._answers[run.request.document] = known[-MOST_REMEMBERED * _WIDTH :]
            if len(self._answers) > MOST_DOCUMENTS:
                self._answers.popitem(last=False)

    def _behind(self, held: bytes | bytearray, key: bytes) -> list[int]:
        """The tokens of text behind the last place where a key stands that anything follows."""
        end = len(held) - _WIDTH
        while (at := held.rfind(key, 0, max(end, 0))) >= 0:
            if at % _WIDTH == 0:
                start = at + len(key)
                return self._text_at_start(array("i", bytes(held[start : start + MOST_GUESSED * _WIDTH])))
            end = at + len(key) - 1
        return []

    def _text_at_start(self, tokens: Sequence[int]) -> list[int]:
        count = next((count for count, token in enumerate(tokens) if not self._is_text(token)), len(tokens))
        return list(tokens[:count])
