"""Slots that were offloaded to host memory. Restoring one costs a copy instead of a prefill. Pure."""

from __future__ import annotations

from collections.abc import Sequence, Sized
from dataclasses import dataclass

from lsp_server.base.common_prefix import common_prefix


@dataclass(frozen=True, slots=True)
class OffloadedSlot:
    """The content of a slot. `state` is the backend's copy; its `len` is its size in bytes."""

    tokens: list[int]
    sampled: set[int]
    num_anchor_tokens: int
    interactive: bool
    state: Sized


class OffloadedSlots:
    """The slots that were offloaded last, up to `max_bytes`."""

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self._offloaded: list[OffloadedSlot] = []  # the newest at the end

    @property
    def used_bytes(self) -> int:
        """The host memory in use."""
        return sum(len(each.state) for each in self._offloaded)

    def __len__(self) -> int:
        return len(self._offloaded)

    def reserve(self, tokens: Sequence[int], size: int) -> bool:
        """Drop offloaded prefixes of `tokens`, then the oldest slots, until `size` bytes fit. False if they never will.

        Call it before the copy is made, because old and new together would exceed the limit.
        """
        if size > self.max_bytes:
            return False
        self._offloaded = [each for each in self._offloaded if common_prefix(each.tokens, tokens) < len(each.tokens)]
        while self.used_bytes + size > self.max_bytes:
            del self._offloaded[0]
        return True

    def add(self, new: OffloadedSlot) -> None:
        """Keep a slot. It is dropped if it turned out larger than the reserved size."""
        if self.used_bytes + len(new.state) <= self.max_bytes:
            self._offloaded.append(new)

    def best_for(self, anchor: Sequence[int]) -> tuple[OffloadedSlot | None, int]:
        """The offloaded slot with the longest common prefix with an anchor, and its length. The newest of equals."""
        best, shared = None, 0
        for each in self._offloaded:
            if (count := common_prefix(each.tokens, anchor)) >= max(shared, 1):
                best, shared = each, count
        return best, shared

    def remove(self, offloaded: OffloadedSlot) -> None:
        """Forget a slot that was restored into the cache."""
        self._offloaded = [each for each in self._offloaded if each is not offloaded]
