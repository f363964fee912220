"""How many tokens to evaluate at once, from how fast evaluation has been."""

from __future__ import annotations

from typing import Self

from lsp_server.engine.backends.base import Backend

MAX_TOKENS = 512
# Alone, a slice is as long as an interruption may throw away, or where a decode cannot be interrupted, as long as a
# request may wait for it. Beside sequences that are being written it is as long as their readers may wait for a token.
# What nobody waits for goes in short ones: the next keystroke throws away the one under way.
INTERRUPTIBLE_S, UNINTERRUPTIBLE_S, SHARED_S, BACKGROUND_S = 2.0, 0.025, 0.05, 0.4
_WEIGHT = 0.25  # of the newest measurement


class ChunkSizer:
    """Tokens a second of prefill, measured; `tokens_per_s` is what is known of it to begin with, if anything."""

    def __init__(
        self, batch_tokens: int, min_tokens: int, *, can_interrupt: bool, tokens_per_s: float | None = None
    ) -> None:
        self.min_tokens = min_tokens
        self._batch_tokens = batch_tokens
        self._alone_s = INTERRUPTIBLE_S if can_interrupt else UNINTERRUPTIBLE_S
        self._tokens_per_s = tokens_per_s

    @classmethod
    def for_backend(cls, backend: Backend) -> Self:
        """A sizer with the limits of a backend and the speed that it measured when it loaded."""
        return cls(
            backend.batch_tokens,
            backend.min_chunk_tokens,
            can_interrupt=backend.can_interrupt,
            tokens_per_s=backend.info.prefill_tokens_per_s or None,
        )

    def measure(self, num_tokens: int, seconds: float) -> None:
        """Take note of an evaluation of mostly prefill; small ones tell nothing."""
        if num_tokens >= self.min_tokens and seconds > 0:
            speed = num_tokens / seconds
            known = self._tokens_per_s or speed
            self._tokens_per_s = known + _WEIGHT * (speed - known)

    def seconds(self, num_tokens: int) -> float:
        """What so many tokens of prefill take; 0 if nobody knows."""
        return num_tokens / self._tokens_per_s if self._tokens_per_s else 0.0

    def chunk_tokens(self, *, shared: bool, background: bool = False) -> int:
        """The next slice, in steps of `min_tokens`; the least until something has been measured."""
        seconds = SHARED_S if shared else min(self._alone_s, BACKGROUND_S) if background else self._alone_s
        wanted = int((self._tokens_per_s or 0) * seconds) // self.min_tokens * self.min_tokens
        return min(max(wanted, self.min_tokens), MAX_TOKENS, self._batch_tokens)

    def cut(self, num_missing: int, chunk_tokens: int) -> int:
        """How many of the missing tokens to take: a slice, with the last `min_tokens` left to take along the rest."""
        before_last = (num_missing // self.min_tokens - 1) * self.min_tokens
        return min(before_last, chunk_tokens) if before_last > 0 else num_missing
