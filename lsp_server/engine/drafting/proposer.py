"""Puts drafts into batches and learns from their acceptance."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from lsp_server.engine.backends.base import Backend
from lsp_server.engine.drafting.lengths import DraftLengths
from lsp_server.engine.drafting.lookup import Lookup, Source
from lsp_server.engine.scheduler.batches import Guess, Part
from lsp_server.engine.scheduler.scheduler import Scheduler
from lsp_server.engine.scheduler.sequence import SequenceState
from lsp_server.engine.scheduler.step_times import StepTimes
from lsp_server.ipc.requests import Event


class Drafter:
    """A `Speculator`. It adds no drafts if the model supports no rollback or if drafts are switched off.

    `step_times` are measured by the scheduler. `source` is where guesses come from, by default look-up.
    """

    def __init__(
        self,
        backend: Backend,
        step_times: StepTimes,
        source: Source | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._source = source or Lookup(lambda token: bool(backend.piece(token)))
        self._lengths = DraftLengths(step_times)
        self._clock = clock
        self._lookup_s = self._spent_s = 0.0  # the time of the last look-up, and the time spent in this step
        self._is_on = backend.info.parameters.drafts and backend.info.supports_rollback

    def add_to(self, parts: Sequence[Part], room: int) -> None:
        """Add at most `room` drafted tokens to a batch that only decodes.

        Beside a prefill, drafts would delay its first token.
        """
        if not self._is_on or not all(part.is_decoding for part in parts):
            return
        # Beside a small model on a fast machine, even look-up takes a share of time that matters.
        if self._lengths.can_afford_lookup(self._lookup_s):
            began = self._clock()
            self._guess_for(parts, room)
            self._lookup_s = self._spent_s = self._clock() - began

    def evaluated(self, parts: Sequence[Part]) -> None:
        """Learn which drafted tokens of a batch were accepted."""
        if not self._is_on or not all(part.is_decoding for part in parts):
            return
        own = [part for part in parts if part.drafted]
        num_drafted, num_accepted = sum(len(part.drafted) for part in own), sum(part.num_accepted for part in own)
        self._lengths.charge(len(parts), num_drafted, num_accepted, self._spent_s)
        self._spent_s = 0.0
        for part in own:
            if part.guess is not None:
                self._lengths.learn(part.guess.kind, len(part.drafted), part.num_accepted)

    def ended(self, seq: SequenceState) -> None:
        """Record that a request has ended."""
        if self._is_on:
            self._source.ended(seq)

    def _guess_for(self, parts: Sequence[Part], room: int) -> None:
        guesses = [self._guess(part.seq) for part in parts]
        for part, guess, length in zip(parts, guesses, self._lengths.choose(guesses, room), strict=True):
            part.guess = guess
            part.drafted = list(guess.tokens[:length]) if guess else []

    def _guess(self, seq: SequenceState) -> Guess | None:
        """The tokens that a request may sample next."""
        if (max_tokens := _max_drafted(seq)) <= 0:
            return None
        guess = self._source.guess(seq)
        return Guess(guess.tokens[:max_tokens], guess.kind) if guess else None


def drafting_scheduler(
    backend: Backend,
    emit: Callable[[str, Event], None],
    clock: Callable[[], float] = time.monotonic,
    has_pending_messages: Callable[[], bool] = lambda: False,
    source: Source | None = None,
) -> Scheduler:
    """A scheduler with speculative decoding. `Scheduler` and `Drafter` explain the arguments."""
    step_times = StepTimes(backend.info.prefill_tokens_per_s)
    drafter = Drafter(backend, step_times, source, clock)
    return Scheduler(backend, emit, step_times, drafter, clock, has_pending_messages)


def _max_drafted(seq: SequenceState) -> int:
    """The maximum length of a draft: none while healing, and never beyond the token limit."""
    # Behind the last drafted token one more is sampled.
    return 0 if seq.healing_bytes else seq.tokenized.max_tokens - seq.timings.decoded_tokens - 1
