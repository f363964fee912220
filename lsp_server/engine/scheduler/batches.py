"""One batch: which tokens of which runs are evaluated together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from lsp_server.engine.backends.base import BatchToken
from lsp_server.engine.drafting.lookup import Guess
from lsp_server.engine.kvcache.slots import Slot
from lsp_server.engine.scheduler.chunks import Pace
from lsp_server.engine.scheduler.sequence import Run
from lsp_server.engine.scheduler.step_times import MOST_SLOWED, BatchCosts
from lsp_server.ipc.requests import Priority

# Of texts that are written one after the other, a long one lets others go first after each so many tokens.
TURN_TOKENS = 64


@dataclass(slots=True)
class Part:
    """What one run has in a batch: `tokens` of its own from position `start` on, then some that were `guessed`: the
    beginning of a `guess`.

    `is_writing`: its prompt is in the cache, and this is the token it wrote last. `num_right` of the guessed tokens
    turned out to be what it writes next.
    """

    run: Run
    slot: Slot
    start: int
    tokens: list[int]
    is_writing: bool
    guess: Guess | None = None
    guessed: list[int] = field(default_factory=list)
    num_right: int = 0

    @property
    def end(self) -> int:
        """The position behind the run's own tokens."""
        return self.start + len(self.tokens)

    @property
    def entries(self) -> list[BatchToken]:
        """All of its tokens, as a backend takes them: guesses need logits to be checked by."""
        guessed = [
            BatchToken(token, position, self.slot.sequence, wants_logits=True)
            for position, token in enumerate(self.guessed, self.end)
        ]
        return self.run.next_tokens(len(self.tokens)) + guessed


def compose(chosen: Sequence[Run], pace: Pace, costs: BatchCosts, batch_tokens: int) -> list[Part]:
    """One token of each text that is written now, then prefill in order, in a slice."""
    ready = [run for run in chosen if run.is_decoding and run.num_missing == 1]
    writing = _written_now(ready, costs)
    prefilling = [run for run in chosen if run not in ready]
    slice_tokens = pace.slice_tokens(
        shared=bool(writing), background=all(run.request.priority is Priority.WARM_UP for run in chosen)
    )
    parts: list[Part] = []
    room = batch_tokens
    for run in writing + prefilling:
        is_writing = run in writing
        num_tokens = min(1 if is_writing else pace.cut(run.num_missing, slice_tokens), room)
        if num_tokens <= 0 or slice_tokens <= 0:
            continue
        slice_tokens -= 0 if is_writing else num_tokens
        room -= num_tokens
        assert run.slot is not None
        start = len(run.slot.tokens)
        parts.append(Part(run, run.slot, start, run.tokens[start : start + num_tokens], is_writing))
    return parts


def _written_now(ready: Sequence[Run], costs: BatchCosts) -> list[Run]:
    """Of texts that could all be written, those that are: of what is typed at, as many as are soonest done on average;
    of what is less urgent, what is the same document's or hardly slows them."""
    if len(ready) < 2:
        return list(ready)
    urgent = [run for run in ready if run.request.priority is Priority.INTERACTIVE]
    if not urgent or not costs.num_steps:
        return list(ready)
    urgent.sort(key=lambda run: run.timings.decoded_tokens // TURN_TOKENS)
    written = urgent[: costs.most_at_once(len(urgent))]
    documents = {run.request.document for run in written} - {""}
    others = [run for run in ready if run.request.priority is not Priority.INTERACTIVE]
    written += [run for run in others if run.request.document in documents]
    most_s = MOST_SLOWED * costs.seconds(len(written))
    for run in others:
        if run.request.document not in documents and costs.seconds(len(written) + 1) <= most_s:
            written.append(run)
    return written
