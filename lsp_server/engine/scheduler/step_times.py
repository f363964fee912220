"""What steps take that only write, by their number of tokens: measured, and what follows from it. Pure."""

from __future__ import annotations

import statistics
from bisect import bisect_left, insort
from collections import defaultdict, deque

# Guesses and less urgent texts in its batch make a text wait no longer for its token than this times as long.
MAX_SLOWED = 1.1
_NUM_MEASURED = 9  # batches of each size: their median, because a machine has other things to do
_RECENT_STEPS = 64  # within which a size must have been measured to be known
_FORGOTTEN_STEPS = 500  # after which a size that was not measured again is as one that never was
# A size that was not measured is hoped to take this much of what lies between the next two that were; behind the
# largest, to take longer by this much of what each token adds below that.
_OPTIMISM_BETWEEN, _OPTIMISM_GROWTH = 0.9, 0.5
_MAX_FASTER = 1.5  # than prefill was when it was measured, once
_MUCH_FASTER = 0.7  # of what was known: no chance, but a machine that is faster now
_MIN_S = 1e-9
_WITH_PREFILL = 1 << 30  # stands for the size of a step that did not only write, larger than any that did


class StepTimes:
    """Learns what batches take. `tokens_per_s` is the speed of prefill, if known: no batch takes less than
    `min_token_s` a token, by that.

    Two kinds of steps do not count, where any other is known and they did not take much less. llama.cpp makes its graph
    anew where the step before was of another size: one token behind a larger batch takes a small model longer than
    where no guesses are tried. A larger batch behind one token does count, because that is how a guess is tried at
    first. And the first step of each size takes longer still.
    """

    def __init__(self, tokens_per_s: float) -> None:
        self.min_token_s = 1 / (_MAX_FASTER * tokens_per_s) if tokens_per_s else 0.0
        self.num_steps = 0  # so far that only wrote
        self._last_size = 0
        self._uncounted_s = 0.0  # what the last step took, if it did not count behind a larger one that only wrote
        self._seen_sizes: set[int] = set()  # sizes
        self._measured: defaultdict[int, deque[float]] = defaultdict(lambda: deque(maxlen=_NUM_MEASURED))
        self._seconds: dict[int, float] = {}
        self._estimates: dict[int, float] = {}  # what followed from it since it changed: each guessed token asks
        self._sizes: list[int] = []  # that were measured, ascending
        self._measured_at: dict[int, int] = {}

    def measure(self, num_tokens: int, seconds: float, *, only_decodes: bool = True) -> None:
        """Take note of a step, and of what it took if it only wrote."""
        last_size, self._last_size = self._last_size, num_tokens if only_decodes else _WITH_PREFILL
        if not only_decodes:
            return
        self.num_steps += 1
        is_first = num_tokens not in self._seen_sizes
        self._seen_sizes.add(num_tokens)
        is_slowed = is_first or num_tokens < last_size
        counts = not is_slowed or not self._seconds or seconds < _MUCH_FASTER * self._seconds.get(num_tokens, 0.0)
        self._uncounted_s = 0.0 if counts or is_first or last_size == _WITH_PREFILL else seconds
        if counts:
            self._count(num_tokens, seconds)

    def _count(self, num_tokens: int, seconds: float) -> None:
        if num_tokens not in self._seconds:
            insort(self._sizes, num_tokens)
        measured = self._measured[num_tokens]
        measured.append(seconds)
        median_s = statistics.median_low(measured)
        if median_s != self._seconds.get(num_tokens):
            self._seconds[num_tokens] = median_s
            self._estimates.clear()
        self._measured_at[num_tokens] = self.num_steps
        oldest = min(self._measured_at, key=self._measured_at.__getitem__)
        if self.num_steps - self._measured_at[oldest] > _FORGOTTEN_STEPS:
            del self._measured_at[oldest], self._seconds[oldest], self._measured[oldest]
            self._sizes.remove(oldest)
            self._estimates.clear()

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

        A size that was not is taken to be rather faster than others suggest, so that it is tried too early rather than
        never: four tokens may cost a CPU less than three.
        """
        estimate = self._estimates.get(num_tokens)
        if estimate is None:
            known = self._seconds.get(num_tokens)
            if known is None:
                known = max(self._optimistic_s(num_tokens), num_tokens * self.min_token_s)
            estimate = self._estimates[num_tokens] = max(known, _MIN_S)
        return estimate

    def last_step_s(self, num_tokens: int) -> float:
        """What the last step took, of so many tokens: what such steps take, or it itself where a guess slowed it."""
        return self._uncounted_s or self.seconds(num_tokens)

    def best_num_at_once(self, num_texts: int) -> int:
        """How many of some texts to write at once, so that they are done soonest on average; all until it is known.

        Groups are written one after the other. A GPU takes hardly longer for many tokens than for one, and so writes
        all at once; where a batch costs what its tokens do, nothing is won by that, and the first is done last.
        """
        if not self._seconds:
            return num_texts
        waits = {count: self._interpolated_s(count) * (-(-num_texts // count) + 1) for count in range(1, num_texts + 1)}
        return min(waits, key=lambda count: (waits[count], -count))

    def _interpolated_s(self, num_tokens: int) -> float:
        """What a step is likely to take: what lies between two sizes that were measured costs what lies between.

        More tokens than were ever measured are taken to cost no more than those: they are tried until one counts.
        """
        sizes = self._sizes
        at = min(bisect_left(sizes, num_tokens), len(sizes) - 1)
        low, high = sizes[at - 1] if at else 0, sizes[at]
        low_s, high_s = self._seconds.get(low, 0.0), self._seconds[high]
        return low_s + (high_s - low_s) * (min(num_tokens, high) - low) / (high - low)

    def _optimistic_s(self, num_tokens: int) -> float:
        """What a step takes of a size that was not measured, at best; not less than one of the smallest that was."""
        first, last = self._sizes[0], self._sizes[-1]
        first_s, last_s = self._seconds[first], self._seconds[last]
        if num_tokens <= first or first == last:
            return first_s
        if num_tokens < last:
            return max(first_s, _OPTIMISM_BETWEEN * self._interpolated_s(num_tokens))
        growth_s = (last_s - first_s) / (last - first)
        return max(first_s, last_s + _OPTIMISM_GROWTH * growth_s * (num_tokens - last))
