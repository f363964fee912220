"""Where a run goes: the slot that saves most work, by reuse in place or by branching, and the tokens it then needs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from lsp_server.base.common_prefix import common_prefix
from lsp_server.engine.kvcache.cache import MIN_OFFLOADED_TOKENS, Cache
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


def place(seq: SequenceState, cache: Cache, vocabulary: Vocabulary, preemptible: set[int]) -> Slot | None:
    """Choose and prepare a slot for a run; None if every slot is taken.

    `preemptible` are sequences whose owner would give way. A slot that goes on with its anchor is used in place; from
    any other the shared head is branched into the slot that is missed least, so that what it holds stays for an undo
    or a switch back. A warm-up always branches: it never takes from a person's slot.
    """
    slots = cache.slots
    usable = [slot for slot in slots.slots if slot.owner is None or slot.sequence in preemptible]
    if not usable:
        return None
    _restore_if_better(seq, cache)
    best, shared = slots.best_for(seq.tokenized.anchor, slots.slots)
    assert best is not None
    target = best if best in usable and _continues_anchor(best, shared, seq) else None
    if target is None:
        # What was guessed before may be guessed anew in place; whatever else is the best is left for an undo.
        others = [slot for slot in usable if slot is not best or (seq.is_background and not best.interactive)] or usable
        target = slots.lru_victim([slot for slot in others if slot.owner is None] or others)
        assert target is not None
        if target is not best:
            cache.fork(best, target, len(best.tokens) if shared else 0)
        elif best.interactive:
            cache.checkpoint(best)
    _lay_out_tokens(seq, target, vocabulary)
    cache.truncate(target, min(common_prefix(target.tokens, seq.tokens), _max_reusable(seq)))
    target.num_anchor_tokens = len(seq.tokenized.anchor)
    return target


def _restore_if_better(seq: SequenceState, cache: Cache) -> None:
    """Bring back from host memory what saves the run more than any slot does, if there is a slot and room for it."""
    slots = cache.slots
    anchor = seq.tokenized.anchor
    offloaded, offloaded_shared = cache.offloaded.best_for(anchor)
    _, shared = slots.best_for(anchor, slots.slots)
    target = slots.lru_victim([slot for slot in slots.slots if slot.owner is None])
    if offloaded is None or target is None or offloaded_shared - shared < MIN_OFFLOADED_TOKENS:
        return
    cache.offload(target)
    idle = [slot for slot in slots.slots if slot.owner is None]
    if cache.evict_until_fits(len(offloaded.tokens), idle):
        cache.restore(offloaded, target)


def _continues_anchor(slot: Slot, shared: int, seq: SequenceState) -> bool:
    """Whether a slot loses nothing but typed or written text to a run."""
    if seq.is_background and slot.interactive and len(slot.tokens) > shared:
        return False
    return shared >= min(slot.num_anchor_tokens, len(slot.tokens))


def _max_reusable(seq: SequenceState) -> int:
    """The last token of a prompt is evaluated again for its logits, if anything is to be written."""
    return len(seq.tokens) - 1 if seq.tokenized.max_tokens else len(seq.tokens)


def _lay_out_tokens(seq: SequenceState, slot: Slot, vocabulary: Vocabulary) -> None:
    """The run's tokens in this slot: its anchor, then the typed text in the tokens the slot has for it, if any.

    The last token of typed text is taken back to be healed, unless it is one that the model itself wrote there.
    """
    anchor, typed = seq.tokenized.anchor, seq.tokenized.typed
    kept = replaced = 0
    if common_prefix(slot.tokens, anchor) == len(anchor):
        kept, replaced = keep_sampled(slot.tokens[len(anchor) :], typed, vocabulary.piece)
    seq.tokens = anchor + slot.tokens[len(anchor) : len(anchor) + kept] + typed[replaced:]
    written_by_model = replaced == len(typed) and len(anchor) + kept - 1 in slot.sampled
    if seq.request.heal and typed and not written_by_model:
        # Something must be evaluated before anything can be written.
        count = num_healed(seq.tokens[len(anchor) :], vocabulary, fixed_indent=seq.request.fixed_indent)
        count = min(count, len(seq.tokens) - 1)
        kept = len(seq.tokens) - count
        seq.healing_bytes = b"".join(map(vocabulary.piece, seq.tokens[kept:]))
        del seq.tokens[kept:]
    seq.num_prompt_tokens = len(seq.tokens)


def num_healed(tokens: Sequence[int], vocabulary: Vocabulary, *, fixed_indent: bool) -> int:
    """How many of the last tokens of a typed text are taken back, so that the model can write the word it begins.

    The last, if there is one. As many more as are still the beginning of one token: ` retu` is ` ret` and `u` to the
    tokeniser, and ` return` one token. What no single token can cover was cut there in training too. Of an
    indentation that is meant only the last space: the longer ones that it could begin are not wanted.
    """
    if fixed_indent or not tokens:
        return min(1, len(tokens))
    taken, rest = 1, b""
    for count, token in enumerate(reversed(tokens[-MAX_HEALED:]), 1):
        rest = vocabulary.piece(token) + rest
        if vocabulary.begins_token(rest):
            taken = count
    return taken
