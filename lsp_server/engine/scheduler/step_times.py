"""A model of step times: how long a decode takes by its number of tokens, as measured. Pure."""

from __future__ import annotations

import statistics
from bisect import bisect_left, insort
from collections import defaultdict, deque

# Drafts and less urgent requests in a batch may make a token take this many times as long, at most.
MAX_SLOWED = 1.1
_NUM_MEASURED = 9  # of each size; their median counts, because other programs disturb single steps
_RECENT_STEPS = 64  # a size counts as known if it was measured within this many steps
_FORGOTTEN_STEPS = 500  # a size is forgotten if it was not measured again within this many steps
# A size between two measured ones is estimated at this share of the interpolated time. Behind the largest, each token
# is estimated to add this share of what tokens added before.
_OPTIMISM_BETWEEN, _OPTIMISM_GROWTH = 0.9, 0.5
_MAX_FASTER = 1.5  # than the prefill speed, which was measured only once
_MUCH_FASTER = 0.7  # of the known time: too much for chance, so the machine is faster now
_MIN_S = 1e-9
_WITH_PREFILL = 1 << 30  # stands for the size of a step with prefill; larger than any other


class StepTimes:
    """Learns the time of a step from its number of tokens.

    `tokens_per_s` is the prefill speed, if it is known. It sets a lower bound for every step: `min_token_s` per token.

    Two kinds of steps are ignored, unless nothing else is known or they were much faster. The first is a step that
    follows a larger one: llama.cpp rebuilds its graph when the size changes. On a small model, one token after a draft
    is therefore slower than one token without drafts. A larger step after a smaller one does count, because every draft
    begins that way. The second is the first step of each size, which takes even longer.
    """

    def __init__(self, tokens_per_s: float) -> None:
        self.min_token_s = 1 / (_MAX_FASTER * tokens_per_s) if tokens_per_s else 0.0
        self.num_steps = 0  # number of steps so far that only decoded
        self._last_size = 0
        self._uncounted_s = 0.0  # time of the last step if it was ignored for following a larger one that only decoded
        self._seen_sizes: set[int] = set()
        self._measured: defaultdict[int, deque[float]] = defaultdict(lambda: deque(maxlen=_NUM_MEASURED))
        self._seconds: dict[int, float] = {}
        self._estimates: dict[int, float] = {}  # cached estimates; every drafted token asks for one
        self._sizes: list[int] = []  # measured sizes, ascending
        self._measured_at: dict[int, int] = {}

    def measure(self, num_tokens: int, seconds: float, *, only_decodes: bool = True) -> None:
        """Record a step. Its time counts only if it had no prefill."""
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
        """Whether steps of this size were measured lately. With few measurements, they must be more recent.

        The first steps of a process are slow.
        """
        if num_tokens not in self._measured_at:
            return False
        recent_steps = min(1 << len(self._measured[num_tokens]), _RECENT_STEPS)
        return self.num_steps - self._measured_at[num_tokens] < recent_steps

    def seconds(self, num_tokens: int) -> float:
        """The time of a step of this size. At least one size must have been measured.

        The estimate of an unmeasured size is optimistic, so that it is tried early rather than never. On a CPU four
        tokens may cost less than three.
        """
        estimate = self._estimates.get(num_tokens)
        if estimate is None:
            known = self._seconds.get(num_tokens)
            if known is None:
                known = max(self._optimistic_s(num_tokens), num_tokens * self.min_token_s)
            estimate = self._estimates[num_tokens] = max(known, _MIN_S)
        return estimate

    def last_step_s(self, num_tokens: int) -> float:
        """The time of the last step: the typical time of its size, or its own time if a draft had slowed it."""
        return self._uncounted_s or self.seconds(num_tokens)

    def best_num_at_once(self, num_texts: int) -> int:
        """How many requests to decode at once, so that their mean completion time is the shortest.

        Groups are decoded one after the other. A GPU decodes many tokens in hardly more time than one, so all requests
        go at once. Where each token costs as much as the first, one after the other is best. All go at once while
        nothing is known.
        """
        if not self._seconds:
            return num_texts
        waits = {count: self._interpolated_s(count) * (-(-num_texts // count) + 1) for count in range(1, num_texts + 1)}
        return min(waits, key=lambda count: (waits[count], -count))

    def _interpolated_s(self, num_tokens: int) -> float:
        """The time of a step, interpolated between measured sizes.

        More tokens than were ever measured cost as much as the largest measured size. So they are tried.
        """
        sizes = self._sizes
        at = min(bisect_left(sizes, num_tokens), len(sizes) - 1)
        low, high = sizes[at - 1] if at else 0, sizes[at]
        low_s, high_s = self._seconds.get(low, 0.0), self._seconds[high]
        return low_s + (high_s - low_s) * (min(num_tokens, high) - low) / (high - low)

    def _optimistic_s(self, num_tokens: int) -> float:
        """The best-case time of a step of an unmeasured size; at least that of the smallest measured one."""
        first, last = self._sizes[0], self._sizes[-1]
        first_s, last_s = self._seconds[first], self._seconds[last]
        if num_tokens <= first or first == last:
            return first_s
        if num_tokens < last:
            return max(first_s, _OPTIMISM_BETWEEN * self._interpolated_s(num_tokens))
        growth_s = (last_s - first_s) / (last - first)
        return max(first_s, last_s + _OPTIMISM_GROWTH * growth_s * (num_tokens - last))
