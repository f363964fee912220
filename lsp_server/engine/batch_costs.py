"""What steps take that only write, by their number of tokens: measured, and what follows from it. Pure."""

from __future__ import annotations

import statistics
from bisect import bisect_left
from collections import defaultdict, deque

# Guesses and less urgent texts in its batch make a text wait no longer for its token than this times as long.
MOST_SLOWED = 1.1
_NUM_MEASURED = 15  # batches of each size: their median, because a machine has other things to do
_RECENT_STEPS = 32  # within which a size must have been measured to be known
_FORGOTTEN_STEPS = 500  # after which a size that was not measured again is as one that never was
_LEAST_RISE = 0.9  # of what a smaller batch takes, a larger one takes at least
_MOST_FASTER = 1.5  # than prefill was when it was measured, once
_LEAST_S = 1e-9


class BatchCosts:
    """Learns what batches take. `tokens_per_s` is the speed of prefill, if known: no batch is much faster."""

    def __init__(self, tokens_per_s: float) -> None:
        self.num_steps = 0  # measured so far
        self._least_s = 1 / (_MOST_FASTER * tokens_per_s) if tokens_per_s else 0.0  # a token
        self._measured: defaultdict[int, deque[float]] = defaultdict(lambda: deque(maxlen=_NUM_MEASURED))
        self._seconds: dict[int, float] = {}
        self._measured_at: dict[int, int] = {}

    def measure(self, num_tokens: int, seconds: float) -> None:
        """Take note of what a step took that only wrote."""
        self.num_steps += 1
        measured = self._measured[num_tokens]
        measured.append(seconds)
        self._seconds[num_tokens] = statistics.median(measured)
        self._measured_at[num_tokens] = self.num_steps
        oldest = min(self._measured_at, key=self._measured_at.__getitem__)
        if self.num_steps - self._measured_at[oldest] > _FORGOTTEN_STEPS:
            del self._measured_at[oldest], self._seconds[oldest], self._measured[oldest]

    def is_known(self, num_tokens: int) -> bool:
        """Whether steps of so many tokens were measured lately: the fewer, the more lately.

        The first ones of a process are slow.
        """
        if num_tokens not in self._measured_at:
            return False
        recent_steps = min(1 << len(self._measured[num_tokens]), _RECENT_STEPS)
        return self.num_steps - self._measured_at[num_tokens] < recent_steps

    def seconds(self, num_tokens: int) -> float:
        """What a step of so many tokens takes; at least one size must have been measured.

        A size that was not is taken to be as fast as can be, so that it is tried rather too early than never: little
        faster than the next smaller one, because four tokens may cost a CPU less than three.
        """
        known = self._seconds.get(num_tokens)
        if known is None:
            least = min(self._seconds)
            smaller = max((size for size in self._seconds if size < num_tokens), default=least)
            known = max(self._seconds[least], _LEAST_RISE * self._seconds[smaller], num_tokens * self._least_s)
        return max(known, _LEAST_S)

    def most_at_once(self, num_texts: int) -> int:
        """How many of some texts to write at once, so that they are done soonest on average; all until it is known.

        Groups are written one after the other. A GPU takes hardly longer for many tokens than for one, and so writes
        all at once; where a batch costs what its tokens do, nothing is won by that, and the first is done last.
        """
        if not self._seconds:
            return num_texts
        waits = {count: self._between(count) * (-(-num_texts // count) + 1) for count in range(1, num_texts + 1)}
        return min(waits, key=lambda count: (waits[count], -count))

    def _between(self, num_tokens: int) -> float:
        """What a step is likely to take: what lies between two sizes that were measured costs what lies between.

        More tokens than were ever measured are taken to cost no more than those: they are tried once.
        """
        sizes = sorted(self._seconds)
        at = min(bisect_left(sizes, num_tokens), len(sizes) - 1)
        low, high = sizes[at - 1] if at else 0, sizes[at]
        low_s, high_s = self._seconds.get(low, 0.0), self._seconds[high]
        return low_s + (high_s - low_s) * (min(num_tokens, high) - low) / (high - low)
