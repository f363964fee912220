"""One batch: which tokens of which runs are evaluated together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from lsp_server.engine.backends.base import BatchToken
from lsp_server.engine.kvcache.slots import Slot
from lsp_server.engine.scheduler.prefill_chunks import ChunkSizer
from lsp_server.engine.scheduler.sequence import SequenceState
from lsp_server.engine.scheduler.step_times import MAX_SLOWED, StepTimes
from lsp_server.ipc.requests import Priority

# Of texts that are written one after the other, a long one lets others go first after each so many tokens.
ROUND_ROBIN_TOKENS = 64


@dataclass(frozen=True, slots=True)
class Guess:
    """Tokens that may come next. Guesses of one kind are right about equally often.

    `token_s` is what it takes to guess one, in seconds.
    """

    tokens: Sequence[int]
    kind: str
    token_s: float = 0.0


@dataclass(slots=True)
class Part:
    """What one run has in a batch: `tokens` of its own from position `start` on, then some that were `drafted`: the
    beginning of a `guess`.

    `is_decoding`: its prompt is in the cache, and this is the token it wrote last. `num_accepted` of the guessed tokens
    turned out to be what it writes next.
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
        """The position behind the run's own tokens."""
        return self.start + len(self.tokens)

    @property
    def entries(self) -> list[BatchToken]:
        """All of its tokens, as a backend takes them: guesses need logits to be checked by."""
        drafted = [
            BatchToken(token, position, self.slot.sequence, wants_logits=True)
            for position, token in enumerate(self.drafted, self.end)
        ]
        return self.seq.next_tokens(len(self.tokens)) + drafted


def compose(
    chosen: Sequence[SequenceState], chunk_sizer: ChunkSizer, step_times: StepTimes, batch_tokens: int
) -> list[Part]:
    """One token of each text that is written now, then prefill in order, in a slice."""
    ready = [seq for seq in chosen if seq.is_decoding and seq.num_missing == 1]
    writing = _decoded_now(ready, step_times)
    prefilling = [seq for seq in chosen if seq not in ready]
    chunk_tokens = chunk_sizer.chunk_tokens(
        shared=bool(writing), background=all(seq.request.priority is Priority.WARM_UP for seq in chosen)
    )
    parts: list[Part] = []
    room = batch_tokens
    for seq in writing + prefilling:
        is_decoding = seq in writing
        num_tokens = min(1 if is_decoding else chunk_sizer.cut(seq.num_missing, chunk_tokens), room)
        if num_tokens <= 0 or chunk_tokens <= 0:
            continue
        chunk_tokens -= 0 if is_decoding else num_tokens
        room -= num_tokens
        assert seq.slot is not None
        start = len(seq.slot.tokens)
        parts.append(Part(seq, seq.slot, start, seq.tokens[start : start + num_tokens], is_decoding))
    return parts


def _decoded_now(ready: Sequence[SequenceState], step_times: StepTimes) -> list[SequenceState]:
    """Of texts that could all be written, those that are: of what is typed at, as many as are soonest done on average;
    of what is less urgent, what is the same document's or hardly slows them."""
    if len(ready) < 2:
        return list(ready)
    urgent = [seq for seq in ready if seq.request.priority is Priority.INTERACTIVE]
    if not urgent or not step_times.num_steps:
        return list(ready)
    urgent.sort(key=lambda seq: seq.timings.decoded_tokens // ROUND_ROBIN_TOKENS)
    written = urgent[: step_times.best_num_at_once(len(urgent))]
    documents = {seq.request.document for seq in written} - {""}
    others = [seq for seq in ready if seq.request.priority is not Priority.INTERACTIVE]
    written += [seq for seq in others if seq.request.document in documents]
    max_s = MAX_SLOWED * step_times.seconds(len(written))
    for seq in others:
        if seq.request.document not in documents and step_times.seconds(len(written) + 1) <= max_s:
            written.append(seq)
    return written
