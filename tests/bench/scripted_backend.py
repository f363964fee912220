"""A model that writes a given text at the cost of writing its own, for benchmarks that must know the text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from lsp_server.engine.backends.base import BatchToken, DecodeStatus
from lsp_server.engine.backends.llama.backend import LlamaBackend


class ScriptedBackend(LlamaBackend):
    """Evaluates and samples as ever, but answers with the tokens of a text, whatever the sequence.

    Outside of the text it answers with its own tokens.
    """

    _text: Sequence[int] = ()
    _start = 0
    _spoil: Callable[[int], int] | None = None

    def follow(self, text: Sequence[int], start: int, spoil: Callable[[int], int] | None = None) -> None:
        """Write a text that begins at a position. `spoil` may replace each token by a wrong one."""
        self._text, self._start, self._spoil = text, start, spoil

    def decode(self, batch: Sequence[BatchToken]) -> DecodeStatus:
        """Evaluate, and remember the place in the text that follows each row."""
        self._places = [token.position + 1 - self._start for token in batch]
        return super().decode(batch)

    def sample(self, sampler: Any, row: int, rest: bytes = b"", *, visible: bool = False) -> int:
        """The next token of the text."""
        own = super().sample(sampler, row, rest, visible=visible)
        place = self._places[row]
        if not 0 <= place < len(self._text):
            return own
        return self._spoil(self._text[place]) if self._spoil else self._text[place]
