"""The KV cache: changes the accounting of `slots` and `offload` and the backend's memory together."""

from __future__ import annotations

from collections.abc import Sequence

from lsp_server.engine.backends.base import Backend
from lsp_server.engine.kvcache.offload import OffloadedSlot, OffloadedSlots
from lsp_server.engine.kvcache.slots import Slot, Slots

# Below this, a prefill is as fast as a copy.
MIN_OFFLOADED_TOKENS = 128


class KVCache:
    """The operations on the cache. Each updates the backend and the accounting."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self.slots = Slots(backend.num_sequences, backend.info.cache_tokens)
        self.offloaded = OffloadedSlots(
            backend.info.parameters.host_cache_bytes if backend.info.supports_rollback else 0
        )
        # One percent more, for what a backend saves besides the cells.
        self._token_bytes = 1.01 * backend.info.cache_bytes / max(1, backend.info.cache_tokens)

    def truncate(self, slot: Slot, num_tokens: int) -> None:
        """Keep the first tokens of a slot. Keeps none if the model supports no rollback."""
        if num_tokens >= len(slot.tokens) and num_tokens > 0:
            return
        kept = self._backend.truncate(slot.sequence, num_tokens)
        self.slots.truncate(slot, num_tokens if kept else 0)

    def roll_back(self, slot: Slot) -> None:
        """Undo what an interrupted decode has put behind the slot's tokens."""
        if not self._backend.truncate(slot.sequence, len(slot.tokens)):
            self.slots.truncate(slot, 0)

    def fork(self, source: Slot, target: Slot, num_tokens: int) -> None:
        """Offload `target`, then share the first tokens of `source` with it."""
        self.offload(target)
        if num_tokens and self._backend.info.supports_rollback:
            self._backend.fork(source.sequence, target.sequence, num_tokens)
            self.slots.fork(source, target, num_tokens)

    def commit(self, slot: Slot, tokens: Sequence[int], *, first_sampled: int) -> None:
        """Record that the backend has evaluated tokens into a slot."""
        self.slots.append(slot, tokens, first_sampled=first_sampled)

    def offload(self, slot: Slot) -> None:
        """Empty a slot. Its content goes to host memory if it is worth the copy."""
        self.checkpoint(slot)
        self.truncate(slot, 0)

    def checkpoint(self, slot: Slot) -> None:
        """Copy the content of a slot to host memory if it is worth the copy. The slot keeps it."""
        if self._is_worth_offloading(slot) and self.offloaded.reserve(slot.tokens, self._size(slot)):
            state = self._backend.save(slot.sequence)
            self.offloaded.add(
                OffloadedSlot(list(slot.tokens), set(slot.sampled), slot.num_anchor_tokens, slot.interactive, state)
            )

    def _is_worth_offloading(self, slot: Slot) -> bool:
        return self.slots.num_own_tokens(slot) >= MIN_OFFLOADED_TOKENS and self._size(slot) <= self.offloaded.max_bytes

    def _size(self, slot: Slot) -> int:
        """The estimated size of a copy of a slot, in bytes."""
        return int(self._token_bytes * len(slot.tokens)) + 1

    def restore(self, offloaded: OffloadedSlot, slot: Slot) -> None:
        """Copy an offloaded slot back into an empty one. The slot stays empty if the backend cannot restore it."""
        self.offloaded.remove(offloaded)
        if self._backend.restore(slot.sequence, offloaded.state):
            self.slots.append(slot, offloaded.tokens, first_sampled=len(offloaded.tokens))
            slot.sampled = set(offloaded.sampled)
            slot.num_anchor_tokens = offloaded.num_anchor_tokens
            self.slots.touch(slot, interactive=offloaded.interactive)
        else:
            self.truncate(slot, 0)

    def evict_until_fits(self, num_tokens: int, idle: Sequence[Slot]) -> bool:
        """Offload idle slots, the least recently used first, until `num_tokens` more fit. False if they never will."""
        remaining = [slot for slot in idle if slot.tokens]
        while self.slots.used_tokens + num_tokens > self.slots.cache_tokens:
            slot = self.slots.lru_victim(remaining)
            if slot is None:
                return False
            remaining.remove(slot)
            self.offload(slot)
        return True

    def interfering_slots(self) -> list[Slot]:
        """Idle slots that slow down the most recent one, because attention passes over their cells, too.

        Two kinds of slots are spared. A slot that was prepared after the most recent one is probably needed next. A
        slot that shares more than a quarter of its tokens is another anchor of the same document.
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
