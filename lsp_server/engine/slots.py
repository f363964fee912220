"""Slots: which tokens each sequence of the KV cache holds, and who uses it. Pure bookkeeping."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(slots=True)
class Slot:
    """One sequence of the cache. `tokens` are in the cache, in order; `owner` is the request that runs in it."""

    sequence: int
    tokens: list[int] = field(default_factory=list)
    owner: str | None = None
    last_used: int = 0


def common_prefix(left: Sequence[int], right: Sequence[int]) -> int:
    """How many leading tokens two sequences share."""
    shared = 0
    for a, b in zip(left, right, strict=False):
        if a != b:
            break
        shared += 1
    return shared


class Slots:
    """All slots, and the choice of one for a prompt: the longest reuse, then the least recently used."""

    def __init__(self, num_slots: int, cache_tokens: int) -> None:
        self.slots = [Slot(sequence) for sequence in range(num_slots)]
        self.cache_tokens = cache_tokens
        self._clock = 0

    @property
    def used_tokens(self) -> int:
        """Cells of the cache that hold something."""
        return sum(len(slot.tokens) for slot in self.slots)

    def acquire(self, prompt: Sequence[int], owner: str) -> tuple[Slot, int] | None:
        """Give `owner` the free slot that shares most with `prompt`, and how many tokens that is.

        A slot whose content would be mostly thrown away is passed over for a less recently used one, so that
        two documents typed in turn keep a slot each. None if every slot is taken.
        """
        free = [slot for slot in self.slots if slot.owner is None]
        if not free:
            return None
        reuse = {slot.sequence: common_prefix(slot.tokens, prompt) for slot in free}

        best = max(free, key=lambda slot: (reuse[slot.sequence], -slot.last_used))
        if reuse[best.sequence] * 2 < min(len(best.tokens), len(prompt)):
            best = min(free, key=lambda slot: (len(slot.tokens) > 0, slot.last_used))
        best.owner = owner
        self.touch(best)
        return best, reuse[best.sequence]

    def touch(self, slot: Slot) -> None:
        """Mark a slot as the most recently used."""
        self._clock += 1
        slot.last_used = self._clock

    def release(self, slot: Slot) -> None:
        """Free a slot; what it holds stays for the next prompt that begins the same."""
        slot.owner = None
        self.touch(slot)

    def least_recent_idle(self) -> Slot | None:
        """The idle slot whose content is the least missed, or None if none holds anything."""
        idle = [slot for slot in self.slots if slot.owner is None and slot.tokens]
        return min(idle, key=lambda slot: slot.last_used, default=None)

    def check_integrity(self) -> None:
        """Raise AssertionError if the accounting contradicts itself."""
        assert self.used_tokens <= self.cache_tokens, "more tokens in slots than the cache has cells"
        owners = [slot.owner for slot in self.slots if slot.owner is not None]
        assert len(owners) == len(set(owners)), "one request owns two slots"
