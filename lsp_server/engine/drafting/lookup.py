"""Drafts by look-up (prompt lookup, n-gram): the tokens that followed the same last tokens earlier.

The model verifies a draft in one batch with the token that it had to evaluate anyway. A drafted token is accepted only
if the model samples the same token at that place, by the same rules. So drafts change the time of a text, but not the
text. `lengths` chooses how many tokens are tried.
"""

from __future__ import annotations

from array import array
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Protocol

from lsp_server.engine.scheduler.batches import Guess
from lsp_server.engine.scheduler.sequence import SequenceState

MAX_DRAFTED = 15  # tokens
# The numbers of last tokens that are looked up. A single token is looked up in earlier answers only.
KEYS = (1, 2, 3, 6)
MAX_DOCUMENTS, MAX_REMEMBERED = 32, 256  # documents, and the latest tokens of each
_WIDTH = array("i").itemsize


class Source(Protocol):
    """Where guesses come from."""

    def guess(self, seq: SequenceState) -> Guess | None:
        """The tokens that a request may sample next. None if there is no guess."""
        ...

    def ended(self, seq: SequenceState) -> None:
        """Record that a request has ended."""
        ...


class Lookup:
    """Guesses the tokens that followed the same last tokens before.

    It searches the last answers of the document, then the prompt and the text so far. If the user typed over an answer,
    the rest of it is most of the next answer. `is_text` tells text tokens from control tokens, which are never guessed.
    """

    def __init__(self, is_text: Callable[[int], bool]) -> None:
        self._is_text = is_text
        self._answers: OrderedDict[str, bytes] = OrderedDict()
        self._sequences: dict[str, bytearray] = {}  # tokens by request, as bytes: quick to search

    def guess(self, seq: SequenceState) -> Guess | None:
        """The tokens behind the longest key that is found, at its latest place. Of equals, an answer wins."""
        text = self._sequences.setdefault(seq.id, bytearray())
        text += array("i", seq.tokens[len(text) // _WIDTH :]).tobytes()
        answers = self._answers.get(seq.request.document, b"")
        found = [("answer", *_longest(answers, text, KEYS)), ("text", *_longest(text, text, KEYS[1:]))]
        name, size, place = max(found, key=lambda each: each[1])
        tokens = self._text_tokens_from(answers if name == "answer" else text, place) if size else []
        return Guess(tokens, f"{name} {size}") if tokens else None

    def ended(self, seq: SequenceState) -> None:
        """Remember the typed and the sampled tokens of a request."""
        self._sequences.pop(seq.id, None)
        if seq.request.document and seq.timings.decoded_tokens:
            written = array("i", seq.tokens[len(seq.tokenized.anchor) :]).tobytes()
            known = self._answers.pop(seq.request.document, b"") + written
            self._answers[seq.request.document] = known[-MAX_REMEMBERED * _WIDTH :]
            if len(self._answers) > MAX_DOCUMENTS:
                self._answers.popitem(last=False)

    def _text_tokens_from(self, held: bytes | bytearray, place: int) -> list[int]:
        """The text tokens from a place on."""
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
    """The place behind the last occurrence of a key that any token follows; 0 for none."""
    end = len(held) - _WIDTH
    while (at := held.rfind(key, 0, max(end, 0))) >= 0:
        if at % _WIDTH == 0:
            return at + len(key)
        end = at + len(key) - 1
    return 0
