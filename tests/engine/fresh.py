"""A context with nothing in it, as the reference for what an engine wrote that has a history.

On the CPU flash attention adds up in half precision, so the logits of the same tokens depend on how they are cut into
batches and on which cells they lie in. With the embedded model the distance between two of the likeliest candidates was
seen to change by up to 0.18 nats; without flash attention by up to 0.09, and not at all with the batches alone. So a
choice is only wrong if it is wrong in every way of evaluating the same tokens that is tried here.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

from lsp_server.engine.backends.base import BatchToken, DecodeStatus
from lsp_server.engine.backends.llama.backend import LlamaBackend
from lsp_server.ipc.launch import EngineOptions

NEAR_TIE = 0.05  # nats; closer candidates may come in either order
WAYS = 40
_SLICES = (512, 64, 32)  # of the first ways; those after them scatter the tokens over the cache
_JUNK_TOKENS = 512


class Fresh:
    """Evaluates whole texts in an empty sequence, in one of several ways."""

    def __init__(self, model_path: str, context_tokens: int, threads: int = 1, *, flash_attention: bool = True) -> None:
        self.backend = LlamaBackend(
            EngineOptions(
                model_path,
                context_tokens=context_tokens,
                cache_tokens=context_tokens + 2 * _JUNK_TOKENS,
                num_sequences=3,
                batch_tokens=_SLICES[0],
                threads=threads,
                flash_attention=flash_attention,
            )
        )

    def rows(self, tokens: list[int], first: int, way: int = 0) -> Iterator[tuple[int, int]]:
        """Evaluate tokens; each position from `first` on, with its row in the batch that was evaluated last."""
        chooser = random.Random(way)
        for sequence in range(3):
            self.backend.truncate(sequence, 0)
        if way >= len(_SLICES):
            self._scatter(chooser)
        start = 0
        while start < len(tokens):
            size = _SLICES[way] if way < len(_SLICES) else chooser.randint(1, 128)
            self._decode(tokens[start : start + size], start, 0, first)
            for row, position in enumerate(range(start, min(start + size, len(tokens)))):
                if position >= first:
                    yield position, row
            start += size

    def _scatter(self, chooser: random.Random) -> None:
        """Leave holes in the cache: two sequences in turns, one of which goes."""
        held = {1: 0, 2: 0}
        while sum(held.values()) < _JUNK_TOKENS:
            sequence, size = chooser.choice((1, 2)), chooser.randint(1, 60)
            self._decode([chooser.randrange(300, 8000) for _ in range(size)], held[sequence], sequence, 1 << 30)
            held[sequence] += size
        self.backend.truncate(chooser.choice((1, 2)), 0)

    def _decode(self, tokens: list[int], start: int, sequence: int, first: int) -> None:
        batch = [BatchToken(token, start + at, sequence, start + at >= first) for at, token in enumerate(tokens)]
        assert self.backend.decode(batch) is DecodeStatus.OK
