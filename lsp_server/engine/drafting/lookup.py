"""Drafts: tokens guessed ahead, which the model checks in one batch with the token it was to evaluate anyway.

A guess is taken only where the model draws the same token from the same place, by the same rules, so that a draft
changes how soon a text is there and not the text. Where guesses come from is here; how many tokens of one are worth a
try is `draft_lengths`.
"""

from __future__ import annotations

from array import array
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Protocol

from lsp_server.engine.scheduler.batches import Guess
from lsp_server.engine.scheduler.sequence import SequenceState

MAX_DRAFTED = 15  # tokens
# So many of the last tokens are looked for. One alone says something only in the answer before.
KEYS = (1, 2, 3, 6)
MAX_DOCUMENTS, MAX_REMEMBERED = 32, 256  # documents, and tokens written lately in each
_WIDTH = array("i").itemsize


class Source(Protocol):
    """Where guesses come from."""

    def guess(self, seq: SequenceState) -> Guess | None:
        """What a run may write next, if anything comes to mind."""
        ...

    def ended(self, seq: SequenceState) -> None:
        """A run that wrote something is over."""
        ...


class Lookup:
    """Guesses what came behind the same last tokens before: in the answers last written in the document, where the rest
    of one that was typed away from is most of the next; in the prompt, and in the text written so far.

    `is_text` tells tokens of text from control tokens, which are never guessed.
    """

    def __init__(self, is_text: Callable[[int], bool]) -> None:
        self._is_text = is_text
        self._answers: OrderedDict[str, bytes] = OrderedDict()
        self._sequences: dict[str, bytearray] = {}  # tokens by request, as bytes: quick to search

    def guess(self, seq: SequenceState) -> Guess | None:
        """What is behind the longest key that is found, at its latest place; of equals, in an answer."""
        text = self._sequences.setdefault(seq.id, bytearray())
        text += array("i", seq.tokens[len(text) // _WIDTH :]).tobytes()
        answers = self._answers.get(seq.request.document, b"")
        found = [("answer", *_longest(answers, text, KEYS)), ("text", *_longest(text, text, KEYS[1:]))]
        name, size, place = max(found, key=lambda each: each[1])
        tokens = self._text_tokens_from(answers if name == "answer" else text, place) if size else []
        return Guess(tokens, f"{name} {size}") if tokens else None

    def ended(self, seq: SequenceState) -> None:
        """Remember what it wrote, and what was typed before that."""
        self._sequences.pop(seq.id, None)
        if seq.request.document and seq.timings.decoded_tokens:
            written = array("i", seq.tokens[len(seq.tokenized.anchor) :]).tobytes()
            known = self._answers.pop(seq.request.document, b"") + written
            self._answers[seq.request.document] = known[-MAX_REMEMBERED * _WIDTH :]
            if len(self._answers) > MAX_DOCUMENTS:
                self._answers.popitem(last=False)

    def _text_tokens_from(self, held: bytes | bytearray, place: int) -> list[int]:
        """The tokens of text from a place on."""
        tokens = array("i", bytes(held[place : place + MAX_DRAFTED * _WIDTH]))
        count = next((count for count, token in enumerate(tokens) if not self._is_text(token)), len(tokens))
        return list(tokens[:count])


def _longest(held: bytes | bytearray, text: bytearray, keys: Sequence[int]) -> tuple[int, int]:
    """The size of the longest key that is found, 0 for none, and the place behind it."""
    found = 0, 0
    for size in keys:
        key = bytes(text[-size * _WIDTH :])
        place = _place_behind(held, key) if len(key) == size * _WIDTH else 0
        if not place:
            break
        found = size, place
    return found


def _place_behind(held: bytes | bytearray, key: bytes) -> int:
    """The place behind the last occurrence of a key that anything follows, or 0."""
    end = len(held) - _WIDTH
    while (at := held.rfind(key, 0, max(end, 0))) >= 0:
        if at % _WIDTH == 0:
            return at + len(key)
        end = at + len(key) - 1
    return 0
