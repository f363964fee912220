"""The KV cache: the books of `slots` and `offloaded` and the backend's memory, always changed together."""

from __future__ import annotations

from collections.abc import Sequence

from lsp_server.engine.backends.base import Backend
from lsp_server.engine.kvcache.offload import OffloadedSlot, OffloadedSlots
from lsp_server.engine.kvcache.slots import Slot, Slots

# Fewer tokens are evaluated again as soon as they are copied.
MIN_OFFLOADED_TOKENS = 128


class Cache:
    """What the scheduler does to the cache."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self.slots = Slots(backend.num_sequences, backend.info.cache_tokens)
        self.offloaded = OffloadedSlots(
            backend.info.parameters.host_cache_bytes if backend.info.supports_rollback else 0
        )
        # With some room for what a backend writes besides.
        self._token_bytes = 1.01 * backend.info.cache_bytes / max(1, backend.info.cache_tokens)

    def truncate(self, slot: Slot, num_tokens: int) -> None:
        """Keep the first tokens of a slot; none of them if the model cannot drop a tail."""
        if num_tokens >= len(slot.tokens) and num_tokens > 0:
            return
        kept = self._backend.truncate(slot.sequence, num_tokens)
        self.slots.truncate(slot, num_tokens if kept else 0)

    def roll_back(self, slot: Slot) -> None:
        """Undo whatever an interrupted decode has put behind the slot's tokens."""
        if not self._backend.truncate(slot.sequence, len(slot.tokens)):
            self.slots.truncate(slot, 0)

    def fork(self, source: Slot, target: Slot, num_tokens: int) -> None:
        """Replace what `target` holds, which is saved, by the first tokens of `source`."""
        self.offload(target)
        if num_tokens and self._backend.info.supports_rollback:
            self._backend.fork(source.sequence, target.sequence, num_tokens)
            self.slots.fork(source, target, num_tokens)

    def commit(self, slot: Slot, tokens: Sequence[int], *, first_sampled: int) -> None:
        """The backend has evaluated tokens into a slot."""
        self.slots.append(slot, tokens, first_sampled=first_sampled)

    def offload(self, slot: Slot) -> None:
        """Empty a slot; what it holds goes to host memory if it is worth it."""
        self.checkpoint(slot)
        self.truncate(slot, 0)

    def checkpoint(self, slot: Slot) -> None:
        """Copy what a slot holds to host memory if it is worth it, before some of it is dropped."""
        if self._is_worth_offloading(slot) and self.offloaded.reserve(slot.tokens, self._size(slot)):
            state = self._backend.save(slot.sequence)
            self.offloaded.add(
                OffloadedSlot(list(slot.tokens), set(slot.sampled), slot.num_anchor_tokens, slot.interactive, state)
            )

    def _is_worth_offloading(self, slot: Slot) -> bool:
        return self.slots.num_own_tokens(slot) >= MIN_OFFLOADED_TOKENS and self._size(slot) <= self.offloaded.max_bytes

    def _size(self, slot: Slot) -> int:
        """Bytes that a copy of a slot takes, about."""
        return int(self._token_bytes * len(slot.tokens)) + 1

    def restore(self, offloaded: OffloadedSlot, slot: Slot) -> None:
        """Put into an empty slot what was saved; it stays empty where the backend cannot."""
        self.offloaded.remove(offloaded)
        if self._backend.restore(slot.sequence, offloaded.state):
            self.slots.append(slot, offloaded.tokens, first_sampled=len(offloaded.tokens))
            slot.sampled = set(offloaded.sampled)
            slot.num_anchor_tokens = offloaded.num_anchor_tokens
            self.slots.touch(slot, interactive=offloaded.interactive)
        else:
            self.truncate(slot, 0)

    def evict_until_fits(self, num_tokens: int, idle: Sequence[Slot]) -> bool:
        """Empty idle slots, the least missed first, until `num_tokens` more fit; false if they never will."""
        remaining = [slot for slot in idle if slot.tokens]
        while self.slots.used_tokens + num_tokens > self.slots.cache_tokens:
            slot = self.slots.lru_victim(remaining)
            if slot is None:
                return False
            remaining.remove(slot)
            self.offload(slot)
        return True

    def interfering_slots(self) -> list[Slot]:
        """Idle slots that slow down the one used last, because its attention passes over their cells too.

        What was prepared after it stays, because it comes next; and what shares a good part of its tokens: it is
        another anchor of the same document.
        """
        if not self._backend.is_slowed_by_idle_cells:
            return []
        held = [slot for slot in self.slots.slots if slot.tokens]
        recent = max((slot for slot in held if slot.interactive), key=lambda slot: slot.last_used, default=None)
        return [
            slot
            for slot in held
            if slot.owner is None
            and recent is not None
            and slot.last_used < recent.last_used
            and self.slots.num_own_tokens(slot) >= len(slot.tokens) * 3 // 4
            and self._is_worth_offloading(slot)
        ]
