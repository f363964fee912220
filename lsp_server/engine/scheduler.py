"""The scheduler: which tokens are evaluated next, for whom.

`step()` is the whole system: take cancellations, admit by priority, compose one batch (running sequences first,
then a slice of prefill), decode, sample, emit. It is bookkeeping: one thread, an injected clock, no I/O.

A run's tokens are its prompt followed by what the model wrote; a slot's tokens are those of them that are in the
cache. Prefill and decode are therefore one thing: evaluate what the slot lacks, and once it lacks nothing, sample.
"""

from __future__ import annotations

import codecs
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import msgspec

from lsp_server.engine.backend import Backend, BatchToken, DecodeStatus, Sampler
from lsp_server.engine.fit import fit
from lsp_server.engine.messages import Chunk, Done, Event, Failed, FinishReason, Generate, Prefilled, Timings
from lsp_server.engine.slots import Slot, Slots
from lsp_server.errors import InfillError, PromptError

logger = logging.getLogger(__name__)

PREFILL_SLICE_TOKENS = 128  # between two slices a cancellation is seen and a running sequence gets its token


@dataclass(slots=True)
class Run:
    """One open request. It waits while it has no slot."""

    id: str
    request: Generate
    arrival: int
    arrived_at: float
    tokens: list[int] = field(default_factory=list)
    num_prompt_tokens: int = 0
    slot: Slot | None = None
    sampler: Sampler | None = None
    timings: Timings = field(default_factory=Timings)
    admitted_at: float = 0.0
    first_token_at: float = 0.0
    decoder: codecs.IncrementalDecoder = field(
        default_factory=lambda: codecs.getincrementaldecoder("utf-8")(errors="replace")
    )

    @property
    def num_missing(self) -> int:
        """Tokens that are not in the cache yet."""
        assert self.slot is not None
        return len(self.tokens) - len(self.slot.tokens)

    @property
    def order(self) -> tuple[int, int]:
        """Who goes first."""
        return self.request.priority, self.arrival


class Scheduler:
    """Runs requests on a backend. `emit(request_id, event)` receives everything they produce.

    Every submitted request ends in exactly one `Done` or `Failed`: leaving the table `_runs` and emitting that
    event are one act, `_finish`.
    """

    def __init__(
        self,
        backend: Backend,
        emit: Callable[[str, Event], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.backend = backend
        self.slots = Slots(backend.num_sequences, backend.info.cache_tokens)
        self._emit = emit
        self._clock = clock
        self._runs: dict[str, Run] = {}
        self._num_arrived = 0

    @property
    def has_work(self) -> bool:
        """Whether any request is open."""
        return bool(self._runs)

    def submit(self, request_id: str, request: Generate) -> None:
        """Open a request. One for the same document and kind that is still open ends as superseded."""
        for older in list(self._runs.values()):
            same = (older.request.document, older.request.kind) == (request.document, request.kind)
            if request.document and same:
                self._finish(older, "superseded")
        self._num_arrived += 1
        self._runs[request_id] = Run(request_id, request, self._num_arrived, self._clock())

    def cancel(self, request_id: str) -> None:
        """End a request now; one that has ended already is left alone."""
        if run := self._runs.get(request_id):
            self._finish(run, "cancelled")

    def fail_all(self, message: str) -> None:
        """End every open request by a fault."""
        for run in list(self._runs.values()):
            self._finish(run, message=message)

    def step(self) -> None:
        """Do one batch worth of work. Call it while `has_work`."""
        self._expire()
        self._admit()
        batch, runs = self._compose()
        if not batch:
            return
        started = self._clock()
        try:
            status = self.backend.decode(batch)
        except Exception:
            self._roll_back(runs)
            raise
        if status is DecodeStatus.INTERRUPTED:
            self._roll_back(runs)
        elif status is DecodeStatus.CACHE_FULL:
            self._make_room(runs)
        else:
            self._account(batch, runs, self._clock() - started)
            self._sample(batch, runs)

    # Admission

    def _expire(self) -> None:
        now = self._clock()
        for run in list(self._runs.values()):
            deadline_ms = run.request.deadline_ms
            if deadline_ms is not None and (now - run.arrived_at) * 1000 >= deadline_ms:
                self._finish(run, "deadline")

    def _admit(self) -> None:
        """Give slots to waiting requests, as long as all admitted ones together fit the cache."""
        waiting = sorted((run for run in self._runs.values() if run.slot is None), key=lambda run: run.order)
        for run in waiting:
            try:
                self._tokenize(run)
            except InfillError as error:
                self._finish(run, message=str(error))
                continue
            reserved = sum(self._reservation(other) for other in self._runs.values() if other.slot)
            if reserved + self._reservation(run) > self.slots.cache_tokens:
                return
            found = self.slots.acquire(run.tokens, run.id)
            if found is None:
                return
            self._start(run, *found)

    def _tokenize(self, run: Run) -> None:
        if not run.tokens:
            room = min(self.backend.info.window_tokens, self.slots.cache_tokens)
            run.tokens = fit(run.request.prompt, self.backend, room - run.request.max_tokens)
            if not run.tokens:
                raise PromptError("The prompt is empty.")
            run.num_prompt_tokens = len(run.tokens)

    def _reservation(self, run: Run) -> int:
        return run.num_prompt_tokens + run.request.max_tokens

    def _start(self, run: Run, slot: Slot, num_reused: int) -> None:
        # The last token of a prompt is always evaluated: its logits are what we came for.
        num_reused = min(num_reused, len(run.tokens) - 1)
        self._truncate(slot, num_reused)
        run.slot = slot
        run.sampler = self.backend.new_sampler(run.request.sampling)
        run.admitted_at = self._clock()
        run.timings.queue_ms = (run.admitted_at - run.arrived_at) * 1000
        run.timings.prompt_tokens = run.num_prompt_tokens
        run.timings.reused_tokens = len(slot.tokens)

    def _truncate(self, slot: Slot, num_tokens: int) -> None:
        kept = self.backend.truncate(slot.sequence, num_tokens)
        del slot.tokens[num_tokens if kept else 0 :]

    # One batch

    def _compose(self) -> tuple[list[BatchToken], list[Run]]:
        """The next batch: one token of each running sequence, then prefill slices in order of priority."""
        active = sorted((run for run in self._runs.values() if run.slot is not None), key=lambda run: run.order)
        decoding = [run for run in active if run.num_missing == 1]
        prefilling = [run for run in active if run.num_missing > 1]
        batch: list[BatchToken] = []
        runs: list[Run] = []
        room = self.backend.batch_tokens
        slice_room = PREFILL_SLICE_TOKENS
        for run in decoding + prefilling:
            num_tokens = min(run.num_missing, room, slice_room if run.num_missing > 1 else room)
            if num_tokens <= 0:
                break
            batch.extend(self._batch_tokens(run, num_tokens))
            runs.append(run)
            room -= num_tokens
            slice_room -= num_tokens if run.num_missing > 1 else 0
        self._evict_for(len(batch))
        return batch, runs

    def _batch_tokens(self, run: Run, num_tokens: int) -> list[BatchToken]:
        assert run.slot is not None
        start = len(run.slot.tokens)
        last = len(run.tokens) - 1
        return [
            BatchToken(run.tokens[position], position, run.slot.sequence, wants_logits=position == last)
            for position in range(start, start + num_tokens)
        ]

    def _evict_for(self, num_tokens: int) -> None:
        while self.slots.used_tokens + num_tokens > self.slots.cache_tokens:
            idle = self.slots.least_recent_idle()
            assert idle is not None, "admitted requests fit the cache by themselves"
            self._truncate(idle, 0)

    def _roll_back(self, runs: list[Run]) -> None:
        """An interrupted decode leaves an unknown part of its batch in the cache, of every sequence in it."""
        for run in runs:
            assert run.slot is not None
            self._truncate(run.slot, len(run.slot.tokens))

    def _make_room(self, runs: list[Run]) -> None:
        """The cache was full although the books say otherwise: give up what is idle, then the last in line."""
        if idle := self.slots.least_recent_idle():
            self._truncate(idle, 0)
        else:
            self._finish(runs[-1], message="The model's cache is full. Raise engine.cache_tokens.")

    def _account(self, batch: list[BatchToken], runs: list[Run], seconds: float) -> None:
        for run in runs:
            assert run.slot is not None
            tokens = [entry.token for entry in batch if entry.sequence == run.slot.sequence]
            if len(run.slot.tokens) < run.num_prompt_tokens:
                run.timings.prefill_ms += seconds * 1000
            else:
                run.timings.decode_ms += seconds * 1000
            run.slot.tokens.extend(tokens)

    def _sample(self, batch: list[BatchToken], runs: list[Run]) -> None:
        rows = {entry.sequence: row for row, entry in enumerate(batch) if entry.wants_logits}
        for run in runs:
            assert run.slot is not None
            row = rows.get(run.slot.sequence)
            if row is not None:
                self._take(run, self.backend.sample(run.sampler, row))

    def _take(self, run: Run, token: int) -> None:
        """Add a token the model wrote, or end the run by it."""
        if not run.first_token_at:
            run.first_token_at = self._clock()
            run.timings.first_token_ms = (run.first_token_at - run.arrived_at) * 1000
            self._emit(run.id, Prefilled(msgspec.structs.replace(run.timings)))
        if not run.request.max_tokens:
            self._finish(run, "length")
            return
        if self.backend.is_end(token):
            self._finish(run, "end")
            return
        run.tokens.append(token)
        run.timings.decoded_tokens += 1
        if text := run.decoder.decode(self.backend.piece(token)):
            self._emit(run.id, Chunk(text))
        if run.timings.decoded_tokens >= run.request.max_tokens:
            self._finish(run, "length")

    # Endings

    def _finish(self, run: Run, reason: FinishReason | None = None, message: str = "") -> None:
        """The only way out of the table of open requests."""
        del self._runs[run.id]
        if run.slot is not None:
            self.slots.release(run.slot)
        if run.sampler is not None:
            self.backend.free_sampler(run.sampler)
        run.timings.total_ms = (self._clock() - run.arrived_at) * 1000
        if reason is None:
            self._emit(run.id, Failed(message))
            return
        if reason == "end" and (rest := run.decoder.decode(b"", final=True)):
            self._emit(run.id, Chunk(rest))
        self._emit(run.id, Done(reason, run.timings))

    # For people

    def dump(self) -> str:
        """The whole state as text, without any of the user's."""
        lines = [f"cache {self.slots.used_tokens}/{self.slots.cache_tokens} tokens, {len(self._runs)} open"]
        lines += [
            f"  slot {slot.sequence}: {len(slot.tokens)} tokens, {slot.owner or 'idle'}" for slot in self.slots.slots
        ]
        for run in sorted(self._runs.values(), key=lambda run: run.order):
            state = f"missing {run.num_missing}" if run.slot else "waiting"
            lines.append(
                f"  run {run.id}: {run.request.kind}, {run.request.priority.name.lower()}, {state}, "
                f"{run.timings.decoded_tokens}/{run.request.max_tokens} written"
            )
        return "\n".join(lines)

    def check_integrity(self) -> None:
        """Raise AssertionError if the books contradict each other."""
        self.slots.check_integrity()
        owned = {slot.owner for slot in self.slots.slots if slot.owner}
        running = {run.id for run in self._runs.values() if run.slot is not None}
        assert owned == running, "slots and open requests disagree"
        for run in self._runs.values():
            if run.slot is not None:
                held = run.slot.tokens
                assert held == run.tokens[: len(held)], "a slot holds what its request did not ask for"
