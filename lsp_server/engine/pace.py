"""How many tokens to evaluate at once, from how fast evaluation has been."""

from __future__ import annotations

LEAST_TOKENS, MOST_TOKENS = 32, 512
# Alone, a slice is as long as an interruption may have to throw away; beside sequences that are being written, as
# long as their readers may wait between two tokens.
ALONE_S, SHARED_S = 0.25, 0.05
_WEIGHT = 0.25  # of the newest measurement


class Pace:
    """Tokens a second of prefill, measured."""

    def __init__(self, batch_tokens: int) -> None:
        self._batch_tokens = batch_tokens
        self._tokens_per_s: float | None = None

    def measure(self, num_tokens: int, seconds: float) -> None:
        """Take note of an evaluation of mostly prefill; small ones tell nothing."""
        if num_tokens >= LEAST_TOKENS and seconds > 0:
            speed = num_tokens / seconds
            known = self._tokens_per_s or speed
            self._tokens_per_s = known + _WEIGHT * (speed - known)

    def slice_tokens(self, *, shared: bool) -> int:
        """The next slice, in steps of `LEAST_TOKENS`; the least until something has been measured."""
        if self._tokens_per_s is None:
            wanted = 2 * LEAST_TOKENS
        else:
            wanted = int(self._tokens_per_s * (SHARED_S if shared else ALONE_S)) // LEAST_TOKENS * LEAST_TOKENS
        return min(max(wanted, LEAST_TOKENS), MOST_TOKENS, self._batch_tokens)
