"""Chunked prefill: how many tokens of a prompt one decode evaluates, by the measured speed."""

from __future__ import annotations

from typing import Self

from lsp_server.engine.backends.base import Backend

MAX_TOKENS = 512
# The longest time for one chunk, in seconds. Alone, an interruption may waste that much work. Where a decode cannot be
# interrupted, a new request may have to wait that long. Beside requests that decode, each of their tokens may wait that
# long. Background chunks are short, because the next keystroke discards the one under way.
INTERRUPTIBLE_S, UNINTERRUPTIBLE_S, SHARED_S, BACKGROUND_S = 2.0, 0.025, 0.05, 0.4
_WEIGHT = 0.25  # the weight of the newest measurement


class ChunkSizer:
    """Sizes prefill chunks by the measured speed. `tokens_per_s` is the initial speed, if it is known."""

    def __init__(
        self, batch_tokens: int, min_tokens: int, *, can_interrupt: bool, tokens_per_s: float | None = None
    ) -> None:
        self.min_tokens = min(min_tokens, batch_tokens)
        self._batch_tokens = batch_tokens
        self._alone_s = INTERRUPTIBLE_S if can_interrupt else UNINTERRUPTIBLE_S
        self._tokens_per_s = tokens_per_s

    @classmethod
    def for_backend(cls, backend: Backend) -> Self:
        """A sizer with the limits of a backend and the speed that the backend measured when it loaded."""
        return cls(
            backend.batch_tokens,
            backend.min_chunk_tokens,
            can_interrupt=backend.can_interrupt,
            tokens_per_s=backend.info.prefill_tokens_per_s or None,
        )

    def measure(self, num_tokens: int, seconds: float) -> None:
        """Record an evaluation that was mostly prefill. Small ones are ignored, because their speed says nothing."""
        if num_tokens >= self.min_tokens and seconds > 0:
            speed = num_tokens / seconds
            known = self._tokens_per_s or speed
            self._tokens_per_s = known + _WEIGHT * (speed - known)

    def seconds(self, num_tokens: int) -> float:
        """The time that this many tokens of prefill take; 0 if the speed is unknown."""
        return num_tokens / self._tokens_per_s if self._tokens_per_s else 0.0

    def chunk_tokens(self, *, shared: bool, background: bool = False) -> int:
        """The size of the next chunk, in multiples of `min_tokens`. It is `min_tokens` until a speed was measured."""
        seconds = SHARED_S if shared else min(self._alone_s, BACKGROUND_S) if background else self._alone_s
        wanted = int((self._tokens_per_s or 0) * seconds) // self.min_tokens * self.min_tokens
        return min(max(wanted, self.min_tokens), MAX_TOKENS, self._batch_tokens)

    def cut(self, num_missing: int, chunk_tokens: int) -> int:
        """How many of the missing tokens to take. The last `min_tokens` go together with the remainder."""
        before_last = (num_missing // self.min_tokens - 1) * self.min_tokens
        return min(before_last, chunk_tokens) if before_last > 0 else num_missing
