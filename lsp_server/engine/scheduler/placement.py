"""Chooses the slot for a request, in place or by a fork, and lays out the tokens of the request in it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from lsp_server.base.common_prefix import common_prefix
from lsp_server.engine.kvcache.cache import MIN_OFFLOADED_TOKENS, KVCache
from lsp_server.engine.kvcache.slots import Slot
from lsp_server.engine.scheduler.reuse import keep_sampled
from lsp_server.engine.scheduler.sequence import SequenceState

MAX_HEALED = 4  # tokens


class Vocabulary(Protocol):
    """The part of a backend that placement needs."""

    def piece(self, token: int) -> bytes:
        """The bytes of a token."""
        ...

    def begins_token(self, text: bytes) -> bool:
        """Whether some token begins with these bytes."""
        ...


def place(seq: SequenceState, cache: KVCache, vocabulary: Vocabulary, preemptible: set[int]) -> Slot | None:
    """Choose and prepare a slot for a request. None if every slot is taken.

    A preempted request goes on in any slot, with the tokens that it had. `preemptible` are sequences whose owner would
    give way. A slot that already holds the anchor is used in place. Otherwise the least recently used slot is emptied
    and forked from the slot with the longest common prefix. The forked slot keeps its content for an undo or a switch
    back. A warm-up never takes over an interactive slot in place, though it may evict one.
    """
    slots = cache.slots
    usable = [slot for slot in slots.slots if slot.owner is None or slot.sequence in preemptible]
    if not usable:
        return None
    _restore_if_better(seq, cache)
    best, shared = slots.best_for(_wanted(seq), slots.slots)
    assert best is not None
    target = best if best in usable and _continues_anchor(best, shared, seq) else None
    if target is None:
        # A speculative slot may be overwritten by another warm-up. Any other best slot stays as it is for an undo.
        others = [slot for slot in usable if slot is not best or (seq.is_background and not best.interactive)] or usable
        target = slots.lru_victim([slot for slot in others if slot.owner is None] or others)
        assert target is not None
        if target is not best:
            cache.fork(best, target, len(best.tokens) if shared else 0)
        elif best.interactive:
            cache.checkpoint(best)
    if not seq.tokens:
        _lay_out_tokens(seq, target, vocabulary)
    cache.truncate(target, min(common_prefix(target.tokens, seq.tokens), _max_reusable(seq)))
    target.num_anchor_tokens = len(seq.tokenized.anchor)
    return target


def _wanted(seq: SequenceState) -> list[int]:
    """The tokens that a slot should hold: the anchor, or after preemption all."""
    return seq.tokens or seq.tokenized.anchor


def _restore_if_better(seq: SequenceState, cache: KVCache) -> None:
    """Restore an offloaded slot if it saves more prefill than any slot does, and if a slot and room are free."""
    slots = cache.slots
    wanted = _wanted(seq)
    offloaded, offloaded_shared = cache.offloaded.best_for(wanted)
    _, shared = slots.best_for(wanted, slots.slots)
    target = slots.lru_victim([slot for slot in slots.slots if slot.owner is None])
    if offloaded is None or target is None or offloaded_shared - shared < MIN_OFFLOADED_TOKENS:
        return
    cache.offload(target)
    idle = [slot for slot in slots.slots if slot.owner is None]
    if cache.evict_until_fits(len(offloaded.tokens), idle):
        cache.restore(offloaded, target)


def _continues_anchor(slot: Slot, shared: int, seq: SequenceState) -> bool:
    """Whether the request drops no anchor tokens of this slot, only typed or sampled ones."""
    if seq.is_background and slot.interactive and len(slot.tokens) > shared:
        return False
    return shared >= min(slot.num_anchor_tokens, len(slot.tokens))


def _max_reusable(seq: SequenceState) -> int:
    """The maximum number of reusable tokens. The last token's logits are needed, so it is evaluated again."""
    return len(seq.tokens) - 1 if seq.tokenized.max_tokens else len(seq.tokens)


def _lay_out_tokens(seq: SequenceState, slot: Slot, vocabulary: Vocabulary) -> None:
    """Lay out the tokens of the request: its anchor, then the typed text in the tokens that the slot has for it, if
    any.

    Healing takes back the last token of the typed text, unless the model itself sampled that token there.
    """
    anchor, typed = seq.tokenized.anchor, seq.tokenized.typed
    kept = replaced = 0
    if common_prefix(slot.tokens, anchor) == len(anchor):
        kept, replaced = keep_sampled(slot.tokens[len(anchor) :], typed, vocabulary.piece)
    seq.tokens = anchor + slot.tokens[len(anchor) : len(anchor) + kept] + typed[replaced:]
    written_by_model = replaced == len(typed) and len(anchor) + kept - 1 in slot.sampled
    if seq.request.heal and typed and not written_by_model:
        # At least one token must be left to evaluate, or there are no logits.
        count = num_healed(seq.tokens[len(anchor) :], vocabulary, fixed_indent=seq.request.fixed_indent)
        count = min(count, len(seq.tokens) - 1)
        kept = len(seq.tokens) - count
        seq.healing_bytes = b"".join(map(vocabulary.piece, seq.tokens[kept:]))
        del seq.tokens[kept:]
    seq.num_prompt_tokens = len(seq.tokens)


def num_healed(tokens: Sequence[int], vocabulary: Vocabulary, *, fixed_indent: bool) -> int:
    """How many of the last typed tokens are taken back, so that the model can complete the word that they begin.

    The last token always counts, if there is one. More tokens count while together they are the beginning of one token.
    For example ` retu` is tokenised as ` ret` and `u`, but ` return` is one token. Text that no single token covers was
    cut at the same place in training. With `fixed_indent` only the last space counts, because longer indentation tokens
    are not wanted.
    """
    if fixed_indent or not tokens:
        return min(1, len(tokens))
    taken, rest = 1, b""
    for count, token in enumerate(reversed(tokens[-MAX_HEALED:]), 1):
        rest = vocabulary.piece(token) + rest
        if vocabulary.begins_token(rest):
            taken = count
    return taken
