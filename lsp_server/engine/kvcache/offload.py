"""Slots that were moved out of the cache into host memory: returning to a document costs a copy, not a prefill."""

from __future__ import annotations

from collections.abc import Sequence, Sized
from dataclasses import dataclass

from lsp_server.base.common_prefix import common_prefix


@dataclass(frozen=True, slots=True)
class OffloadedSlot:
    """What a slot held; `state` is the backend's, and as long as the bytes it takes."""

    tokens: list[int]
    sampled: set[int]
    num_anchor_tokens: int
    interactive: bool
    state: Sized


class OffloadedSlots:
    """Those saved last, as many as `max_bytes` hold."""

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self._offloaded: list[OffloadedSlot] = []  # the one saved last at the end

    @property
    def used_bytes(self) -> int:
        """Host memory that is taken."""
        return sum(len(each.state) for each in self._offloaded)

    def __len__(self) -> int:
        return len(self._offloaded)

    def reserve(self, tokens: Sequence[int], size: int) -> bool:
        """Drop what a sequence of tokens goes on with, and the oldest, until so many bytes fit; false if they never do.

        Before anything is copied: both at once would take more than there is.
        """
        if size > self.max_bytes:
            return False
        self._offloaded = [each for each in self._offloaded if common_prefix(each.tokens, tokens) < len(each.tokens)]
        while self.used_bytes + size > self.max_bytes:
            del self._offloaded[0]
        return True

    def add(self, new: OffloadedSlot) -> None:
        """Keep a slot that room was made for, unless it has become larger than that."""
        if self.used_bytes + len(new.state) <= self.max_bytes:
            self._offloaded.append(new)

    def best_for(self, anchor: Sequence[int]) -> tuple[OffloadedSlot | None, int]:
        """The one that shares most with an anchor, and how many tokens that is; the newest of equals."""
        best, shared = None, 0
        for each in self._offloaded:
            if (count := common_prefix(each.tokens, anchor)) >= max(shared, 1):
                best, shared = each, count
        return best, shared

    def remove(self, offloaded: OffloadedSlot) -> None:
        """It is in the cache again."""
        self._offloaded = [each for each in self._offloaded if each is not offloaded]
