"""The typical time to the first token, from the last few answers."""

from __future__ import annotations

import statistics
from collections import deque

_NUM_KEPT = 9


class Latency:
    """Milliseconds from a request to its first token."""

    def __init__(self) -> None:
        self._last: deque[float] = deque(maxlen=_NUM_KEPT)

    def learn(self, first_token_ms: float) -> None:
        """Note the time to an answer's first token; 0 stands for no token."""
        if first_token_ms > 0:
            self._last.append(first_token_ms)

    def typical_ms(self) -> float | None:
        """The median of the last answers, or None before the first."""
        return statistics.median(self._last) if self._last else None
