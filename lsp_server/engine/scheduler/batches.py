"""Composes one batch: the tokens of several requests that one decode evaluates. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from lsp_server.engine.backends.base import BatchToken
from lsp_server.engine.kvcache.slots import Slot
from lsp_server.engine.scheduler.prefill_chunks import ChunkSizer
from lsp_server.engine.scheduler.sequence import SequenceState
from lsp_server.engine.scheduler.step_times import MAX_SLOWED, StepTimes
from lsp_server.ipc.requests import Priority

# Requests that are decoded in turns yield after this many tokens (round robin).
ROUND_ROBIN_TOKENS = 64


@dataclass(frozen=True, slots=True)
class Guess:
    """Tokens that may come next. Guesses of one kind have about the same acceptance rate."""

    tokens: Sequence[int]
    kind: str


@dataclass(slots=True)
class Part:
    """The share of one request in a batch: its own `tokens` from position `start` on, then `drafted` tokens.

    `drafted` is the beginning of `guess`. `is_decoding` means that the prompt is in the cache and `tokens` is the token
    sampled last. `num_accepted` counts the drafted tokens that the model then sampled, too.
    """

    seq: SequenceState
    slot: Slot
    start: int
    tokens: list[int]
    is_decoding: bool
    guess: Guess | None = None
    drafted: list[int] = field(default_factory=list)
    num_accepted: int = 0

    @property
    def end(self) -> int:
        """The position behind the request's own tokens."""
        return self.start + len(self.tokens)

    @property
    def entries(self) -> list[BatchToken]:
        """All tokens of the part, in the backend's form. Each drafted token needs logits to be verified."""
        drafted = [
            BatchToken(token, position, self.slot.sequence, wants_logits=True)
            for position, token in enumerate(self.drafted, self.end)
        ]
        return self.seq.next_tokens(len(self.tokens)) + drafted


def compose(
    chosen: Sequence[SequenceState], chunk_sizer: ChunkSizer, step_times: StepTimes, batch_tokens: int
) -> list[Part]:
    """The next batch: one token of each request that decodes in this step, then one chunk of prefill in order.

    What is less urgent waits while the most urgent requests are prefilled. Its own prefill waits while they decode,
    unless one small chunk is all that it needs.
    """
    ready = [seq for seq in chosen if seq.is_decoding and seq.num_missing == 1]
    urgent = _most_urgent(chosen)
    prefilling = [seq for seq in urgent if seq not in ready]
    if prefilling:
        ready = [seq for seq in urgent if seq in ready]
    else:
        prefilling = [seq for seq in chosen if seq not in ready and seq.num_missing <= chunk_sizer.min_tokens]
    decoding = _decoded_now(ready, step_times)
    chunk_tokens = chunk_sizer.chunk_tokens(
        shared=bool(decoding), background=all(seq.request.priority is Priority.WARM_UP for seq in chosen)
    )
    parts: list[Part] = []
    room = batch_tokens
    for seq in decoding + prefilling:
        is_decoding = seq in decoding
        num_tokens = min(1 if is_decoding else chunk_sizer.cut(seq.num_missing, chunk_tokens), room)
        if num_tokens <= 0 or chunk_tokens <= 0:
            continue
        chunk_tokens -= 0 if is_decoding else num_tokens
        room -= num_tokens
        assert seq.slot is not None
        start = len(seq.slot.tokens)
        parts.append(Part(seq, seq.slot, start, seq.tokens[start : start + num_tokens], is_decoding))
    return parts


def _most_urgent(chosen: Sequence[SequenceState]) -> list[SequenceState]:
    """The most urgent requests, and all others of their documents."""
    urgency = min((seq.urgency for seq in chosen), default=Priority.INTERACTIVE)
    documents = {seq.request.document for seq in chosen if seq.urgency == urgency} - {""}
    return [seq for seq in chosen if seq.urgency == urgency or seq.request.document in documents]


def _decoded_now(ready: Sequence[SequenceState], step_times: StepTimes) -> list[SequenceState]:
    """The requests that decode in this step, of all that could.

    Of interactive requests, as many decode at once as minimise the mean completion time. A less urgent request joins if
    it belongs to one of their documents, or if it hardly slows them.
    """
    if len(ready) < 2:
        return list(ready)
    urgent = [seq for seq in ready if seq.urgency is Priority.INTERACTIVE]
    if not urgent or not step_times.num_steps:
        return list(ready)
    urgent.sort(key=lambda seq: seq.timings.decoded_tokens // ROUND_ROBIN_TOKENS)
    decoding = urgent[: step_times.best_num_at_once(len(urgent))]
    documents = {seq.request.document for seq in decoding} - {""}
    others = [seq for seq in ready if seq.urgency is not Priority.INTERACTIVE]
    decoding += [seq for seq in others if seq.request.document in documents]
    max_s = MAX_SLOWED * step_times.seconds(len(decoding))
    for seq in others:
        if seq.request.document not in documents and step_times.seconds(len(decoding) + 1) <= max_s:
            decoding.append(seq)
    return decoding
