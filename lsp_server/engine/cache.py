"""The KV cache: the books of `slots` and the backend's memory, always changed together."""

from __future__ import annotations

from collections.abc import Sequence

from lsp_server.engine.backend import Backend
from lsp_server.engine.slots import Slot, Slots


class Cache:
    """What the scheduler does to the cache."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self.slots = Slots(backend.num_sequences, backend.info.cache_tokens)

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

    def branch(self, source: Slot, target: Slot, num_tokens: int) -> None:
        """Replace what `target` holds by the first tokens of `source`."""
        self.truncate(target, 0)
        if num_tokens and self._backend.info.can_drop_tail:
            self._backend.branch(source.sequence, target.sequence, num_tokens)
            self.slots.branch(source, target, num_tokens)

    def commit(self, slot: Slot, tokens: Sequence[int], *, first_sampled: int) -> None:
        """The backend has evaluated tokens into a slot."""
        self.slots.append(slot, tokens, first_sampled=first_sampled)

    def make_room(self, num_tokens: int, idle: Sequence[Slot]) -> bool:
        """Empty idle slots, the least missed first, until `num_tokens` more fit; false if they never will."""
        remaining = [slot for slot in idle if slot.tokens]
        while self.slots.used_tokens + num_tokens > self.slots.cache_tokens:
            slot = self.slots.oldest(remaining)
            if slot is None:
                return False
            remaining.remove(slot)
            self.truncate(slot, 0)
        return True
