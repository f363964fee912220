"""The scheduler's state as text, for bug reports and `infill.dumpState`. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from lsp_server.engine.kvcache.cache import KVCache
from lsp_server.engine.scheduler.sequence import SequenceState


def report(cache: KVCache, requests: Sequence[SequenceState], num_submitted: int, chunk_tokens: int) -> str:
    """A line for the cache, then one for each slot and for each open request. It has no text of the user."""
    slots = cache.slots
    num_detached = sum(seq.is_detached for seq in requests)
    summary = (
        f"cache {slots.used_tokens}/{slots.cache_tokens} tokens, {num_submitted} submitted, "
        f"{len(requests) - num_detached} open, {num_detached} detached, "
        f"{len(cache.offloaded)} offloaded in {cache.offloaded.used_bytes >> 20} MiB, "
        f"next chunk {chunk_tokens} tokens"
    )
    lines = [summary]
    for slot in slots.slots:
        use = slot.owner or ("idle" if slot.interactive else "idle, speculative")
        lines.append(f"  slot {slot.sequence}: {len(slot.tokens)} tokens, anchor {slot.num_anchor_tokens}, {use}")
    for seq in sorted(requests, key=lambda seq: seq.order):
        state = f"missing {seq.num_missing}" if seq.slot else "preempted" if seq.is_preempted else "waiting"
        lines.append(
            f"  request {seq.id}: {seq.request.kind}, {seq.request.priority.name.lower()}, {state}, "
            f"{seq.timings.decoded_tokens}/{seq.tokenized.max_tokens} decoded{', detached' * seq.is_detached}"
        )
    return "\n".join(lines)
