"""Slots: the tokens of each sequence of the KV cache, their owners, and how full the cache is. Pure.

Sequences may share cells: a forked slot holds the same cells as its source up to the fork. Each evaluated token gets a
number, its cell. The count of distinct cells is the exact fill of the cache.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from lsp_server.base.common_prefix import common_prefix


@dataclass(slots=True)
class Slot:
    """One sequence of the cache.

    `tokens` are in the cache, in order, in the cells numbered `cells`. The model sampled the tokens at the positions in
    `sampled`. `num_anchor_tokens` is the length of the anchor that the slot was last used for.
    """

    sequence: int
    tokens: list[int] = field(default_factory=list)
    cells: list[int] = field(default_factory=list)
    sampled: set[int] = field(default_factory=set)
    num_anchor_tokens: int = 0
    owner: str | None = None
    last_used: int = 0
    interactive: bool = False  # the last request was a user's, not a speculative one


class Slots:
    """All slots of a cache of `cache_tokens` cells."""

    def __init__(self, num_slots: int, cache_tokens: int) -> None:
        self.slots = [Slot(sequence) for sequence in range(num_slots)]
        self.cache_tokens = cache_tokens
        self._references: dict[int, int] = {}  # the number of slots that hold a cell
        self._next_cell = 0
        self._clock = 0

    @property
    def used_tokens(self) -> int:
        """The number of cells in use."""
        return len(self._references)

    def num_own_tokens(self, slot: Slot) -> int:
        """The number of tokens whose cells no other slot holds."""
        return sum(self._references[cell] == 1 for cell in slot.cells)

    # Selection

    def best_for(self, anchor: Sequence[int], among: Sequence[Slot]) -> tuple[Slot | None, int]:
        """The slot with the longest common prefix with an anchor, and its length. The most recently used of equals."""
        best, shared = None, 0
        for slot in among:
            count = common_prefix(slot.tokens, anchor)
            if best is None or (count, slot.last_used) > (shared, best.last_used):
                best, shared = slot, count
        return best, shared

    def lru_victim(self, among: Sequence[Slot]) -> Slot | None:
        """The slot to evict: an empty one, else a speculative one, else the least recently used."""
        return min(among, key=lambda slot: (bool(slot.tokens), slot.interactive, slot.last_used), default=None)

    def touch(self, slot: Slot, *, interactive: bool) -> None:
        """Mark a slot as the most recently used."""
        self._clock += 1
        slot.last_used = self._clock
        slot.interactive = interactive

    # Content

    def append(self, slot: Slot, tokens: Sequence[int], *, first_sampled: int) -> None:
        """Record tokens that were evaluated into a slot. The model sampled those from position `first_sampled` on."""
        start = len(slot.tokens)
        cells = range(self._next_cell, self._next_cell + len(tokens))
        self._next_cell += len(tokens)
        slot.tokens.extend(tokens)
        slot.cells.extend(cells)
        self._references.update(dict.fromkeys(cells, 1))
        slot.sampled.update(range(max(start, first_sampled), start + len(tokens)))

    def truncate(self, slot: Slot, num_tokens: int) -> None:
        """Record that the tail of a slot was dropped."""
        slot.sampled.difference_update(range(num_tokens, len(slot.tokens)))
        for cell in slot.cells[num_tokens:]:
            self._references[cell] -= 1
            if not self._references[cell]:
                del self._references[cell]
        del slot.tokens[num_tokens:]
        del slot.cells[num_tokens:]

    def fork(self, source: Slot, target: Slot, num_tokens: int) -> None:
        """Record that an empty slot now shares the first tokens of another."""
        assert not target.tokens, "a fork goes into an empty slot"
        target.tokens = source.tokens[:num_tokens]
        target.cells = source.cells[:num_tokens]
        target.sampled = {position for position in source.sampled if position < num_tokens}
        for cell in target.cells:
            self._references[cell] += 1

    def check_integrity(self) -> None:
        """Raise AssertionError if the accounting contradicts itself."""
        assert self.used_tokens <= self.cache_tokens, "more tokens in slots than the cache has cells"
        counted = Counter(cell for slot in self.slots for cell in slot.cells)
        assert counted == self._references, "cells are not counted as they are held"
        assert all(len(slot.tokens) == len(slot.cells) for slot in self.slots), "a token without a cell"
        owners = [slot.owner for slot in self.slots if slot.owner is not None]
        assert len(owners) == len(set(owners)), "one request owns two slots"
