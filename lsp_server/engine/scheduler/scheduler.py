"""The scheduler: which tokens are evaluated next, for whom.

`step()` is the whole system: take deadlines, admit by priority, compose one batch (running sequences with their drafts
first, then a slice of prefill), decode, sample, emit. It is bookkeeping: one thread, an injected clock, no I/O.

A run's tokens are its prompt followed by what the model wrote; a slot's tokens are those of them that are in the
cache. Prefill and decode are therefore one thing: evaluate what the slot lacks, and once it lacks nothing, sample.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import msgspec

from lsp_server.base.common_prefix import common_prefix
from lsp_server.engine.backends.base import Backend, BatchToken, DecodeStatus
from lsp_server.engine.kvcache.cache import Cache
from lsp_server.engine.scheduler.batches import Part, compose
from lsp_server.engine.scheduler.placement import place
from lsp_server.engine.scheduler.prefill_chunks import ChunkSizer
from lsp_server.engine.scheduler.queue import AdmissionQueue
from lsp_server.engine.scheduler.sequence import SequenceState
from lsp_server.engine.scheduler.speculator import Speculator
from lsp_server.engine.scheduler.step_times import StepTimes
from lsp_server.engine.scheduler.tokenize import TokenizedRequest
from lsp_server.ipc.requests import Done, Event, Failed, FinishReason, Generate, Prefilled


class Scheduler:
    """Runs requests on a backend. `emit(request_id, event)` receives everything they produce.

    `has_pending_messages` tells whether a message waits that was not read yet, and would not interrupt the next decode.
    `speculator` adds drafts. It reads `step_times`, which the scheduler measures.

    Every submitted request ends in exactly one `Done` or `Failed`: leaving the table of open runs and emitting that
    event are one act, `_finish`.
    """

    def __init__(
        self,
        backend: Backend,
        emit: Callable[[str, Event], None],
        step_times: StepTimes,
        speculator: Speculator,
        clock: Callable[[], float] = time.monotonic,
        has_pending_messages: Callable[[], bool] = lambda: False,
    ) -> None:
        self.backend = backend
        self.cache = Cache(backend)
        self._step_times = step_times
        self._speculator = speculator
        self._emit = emit
        self._clock = clock
        self._has_pending_messages = has_pending_messages
        self._chunk_sizer = ChunkSizer.for_backend(backend)
        self._open: dict[str, SequenceState] = {}
        self._detached: dict[str, SequenceState] = {}
        self._queue = AdmissionQueue()
        # What the decode under way evaluates: each run, and the end of its part. Read by other threads.
        self._in_flight: tuple[tuple[SequenceState, int], ...] = ()

    @property
    def has_work(self) -> bool:
        """Whether there is anything to do."""
        return bool(self._open or self._detached)

    def submit(
        self, request_id: str, request: Generate, tokenized: TokenizedRequest, arrived_at: float | None = None
    ) -> None:
        """Open a request. One for the same document and kind that is still open ends as superseded.

        `arrived_at` is when it came, by the scheduler's clock, if not just now.
        """
        for older in list(self._open.values()):
            if _supersedes(older.request, request):
                self._finish(older, "superseded")
        if not self._open:
            self._queue.clear()
        if arrived_at is None:
            arrived_at = self._clock()
        self._open[request_id] = SequenceState(request_id, request, tokenized, self._queue.enqueue(request), arrived_at)

    def cancel(self, request_id: str) -> None:
        """End a request now; one that has ended already is left alone."""
        if seq := self._open.get(request_id):
            self._finish(seq, "cancelled")

    def fail_all(self, message: str) -> None:
        """End every open request by a fault."""
        for seq in list(self._open.values()):
            self._finish(seq, message=message)
        for seq in list(self._detached.values()):
            self._drop_detached(seq)

    def step(self) -> None:
        """Do one batch worth of work. Call it while `has_work`."""
        self._expire()
        self._admit()
        parts = self._compose()
        if not parts:
            return
        self._in_flight = tuple((part.seq, part.end) for part in parts)
        began = self._clock()
        is_pending = self._has_pending_messages()
        if not is_pending:
            self._speculator.add_to(parts, self._draft_room(parts))
            is_pending = self._has_pending_messages()  # a draft model takes its time
        if is_pending:
            self._in_flight = ()
            return
        batch = [entry for part in parts for entry in part.entries]
        started = self._clock()
        try:
            status = self.backend.decode(batch)
        except Exception:
            self._roll_back(parts)
            raise
        finally:
            self._in_flight = ()
        seconds = self._clock() - started
        if status is DecodeStatus.INTERRUPTED:
            self._roll_back(parts)
        elif status is DecodeStatus.CACHE_FULL:
            self._evict_on_overflow()
        else:
            self._chunk_sizer.measure(sum(len(part.tokens) for part in parts), seconds)
            self._account(parts, started - began + seconds)
            self._sample(batch, parts)
            only_decodes = all(part.is_decoding for part in parts)
            self._step_times.measure(len(batch), self._clock() - started, only_decodes=only_decodes)
            self._speculator.evaluated(parts)

    def offload_idle(self) -> bool:
        """Move one idle slot that slows the others out of the cache; call it when nothing is asked for a moment.

        False if there was none, and there is nothing more to do.
        """
        slot = self.cache.slots.lru_victim(self.cache.interfering_slots())
        if slot is None:
            return False
        self.cache.offload(slot)
        return True

    # Interruption: asked by the thread that receives a message, while a decode is under way

    def should_interrupt_for(self, request: Generate, tokenized: TokenizedRequest) -> bool:
        """Whether the decode under way serves nobody once this request is in: not those it is evaluated for, and not
        the request itself, which may well want the same tokens of the same anchor. Notes whom it supersedes."""
        in_flight = self._in_flight
        serves_somebody = False
        for seq, end in in_flight:
            if seq.request is request:
                return False  # it was taken meanwhile, and is what the decode is for
            seq.cancel_pending |= _supersedes(seq.request, request)
            over = seq.is_detached or seq.cancel_pending or seq.request.priority > request.priority
            wanted = tokenized.anchor + tokenized.typed
            serves_somebody |= not over or common_prefix(seq.tokens[:end], wanted) == end
        return bool(in_flight) and not serves_somebody

    def should_interrupt_to_cancel(self, request_id: str) -> bool:
        """Whether the decode under way is for this request alone, and not its anchor's prefill, which goes on until
        somebody wants something else. Notes that the request is given up."""
        in_flight = self._in_flight
        for seq, _ in in_flight:
            seq.cancel_pending |= seq.id == request_id
        return bool(in_flight) and all(seq.id == request_id and not seq.in_anchor for seq, _ in in_flight)

    # Admission

    def _expire(self) -> None:
        now = self._clock()
        for seq in list(self._open.values()):
            deadline_ms = seq.request.deadline_ms
            if deadline_ms is not None and (now - seq.arrived_at) * 1000 >= deadline_ms:
                self._finish(seq, "deadline")

    def _admit(self) -> None:
        """Give slots to waiting requests, as long as all admitted ones together fit the cache."""
        waiting = sorted((seq for seq in self._open.values() if seq.slot is None), key=lambda seq: seq.order)
        for seq in waiting:
            placed = [other for other in self._open.values() if other.slot and not other.is_background]
            reserved = sum(other.reservation for other in placed)
            if reserved + seq.reservation > self.cache.slots.cache_tokens:
                return
            if not self._place(seq):
                return

    def _place(self, seq: SequenceState) -> bool:
        """Put a run into a slot, taking it from an orphan or a warm-up if theirs is the best; false if none is free."""
        background = [other for other in (*self._open.values(), *self._detached.values()) if other.is_background]
        preemptible = {other.slot.sequence: other for other in background if other.slot and other is not seq}
        if seq.is_background:
            preemptible = {sequence: other for sequence, other in preemptible.items() if other.is_detached}
        slot = place(seq, self.cache, self.backend, set(preemptible))
        if slot is None:
            return False
        if preempted := preemptible.get(slot.sequence):
            preempted.slot = None
            self._drop_detached(preempted) if preempted.is_detached else self._finish(preempted, "superseded")
        for detached in list(self._detached.values()):
            if detached.request.document == seq.request.document:
                self._drop_detached(detached)
        slot.owner = seq.id
        seq.slot = slot
        seq.sampler = self.backend.new_sampler(seq.request.sampling)
        seq.timings.queue_ms = (self._clock() - seq.arrived_at) * 1000
        seq.timings.prompt_tokens = seq.num_prompt_tokens
        seq.timings.reused_tokens = len(slot.tokens)
        return True

    # One batch

    def _compose(self) -> list[Part]:
        """The next batch: one token of each sequence being written, then prefill in order of priority, in a slice.

        What nobody waits for is evaluated only when nobody waits.
        """
        active = sorted((seq for seq in self._open.values() if seq.slot is not None), key=lambda seq: seq.order)
        foreground = [seq for seq in active if not seq.is_background]
        chosen = foreground or active or list(self._detached.values())[:1]
        parts = compose(chosen, self._chunk_sizer, self._step_times, self.backend.batch_tokens)
        self._end_finished_prefill(chosen)
        return parts if self._ensure_room(parts) else []

    def _draft_room(self, parts: list[Part]) -> int:
        """How many guessed tokens there is room for."""
        free = self.cache.slots.cache_tokens - self.cache.slots.used_tokens
        return min(self.backend.batch_tokens, free) - sum(len(part.tokens) for part in parts)

    def _end_finished_prefill(self, chosen: list[SequenceState]) -> None:
        """A run that only warms the cache, and whose prompt is in it, is done."""
        for seq in chosen:
            if seq.slot is not None and seq.num_missing == 0:
                self._finish_prefill(seq)

    def _finish_prefill(self, seq: SequenceState) -> None:
        if seq.is_detached:
            self._drop_detached(seq)
        else:
            self._finish(seq, "length")

    def _ensure_room(self, parts: list[Part]) -> bool:
        """Whether the cache has or can make room for a batch; what nobody waits for gives way first."""
        idle = [slot for slot in self.cache.slots.slots if slot.owner is None]
        has_room = self.cache.evict_until_fits(sum(len(part.tokens) for part in parts), idle)
        if not has_room and not self._preempt_background():
            self._evict_on_overflow()
        return has_room

    def _preempt_background(self) -> bool:
        """End a run that nobody waits for and that holds a slot; false if there is none."""
        for seq in [*self._detached.values(), *self._open.values()]:
            if seq.is_background and seq.slot is not None:
                self._drop_detached(seq) if seq.is_detached else self._finish(seq, "cancelled")
                return True
        return False

    def _evict_on_overflow(self) -> None:
        """The cache was full although the books say otherwise: give up what is idle, then the last in line."""
        idle = [slot for slot in self.cache.slots.slots if slot.owner is None and slot.tokens]
        if (slot := self.cache.slots.lru_victim(idle)) is not None:
            self.cache.truncate(slot, 0)
        elif not self._preempt_background():
            last = max((seq for seq in self._open.values() if seq.slot is not None), key=lambda seq: seq.order)
            self._finish(last, message="The model's cache is full. Raise engine.cache_tokens.")

    def _roll_back(self, parts: list[Part]) -> None:
        """An interrupted decode leaves an unknown part of its batch in the cache, of every sequence in it."""
        for part in parts:
            self.cache.roll_back(part.slot)

    def _account(self, parts: list[Part], seconds: float) -> None:
        for part in parts:
            timings = part.seq.timings
            if part.is_decoding:
                timings.decode_ms += seconds * 1000
                timings.drafted_tokens += len(part.drafted)
            else:
                timings.prefill_ms += seconds * 1000
            self.cache.commit(part.slot, part.tokens + part.drafted, first_sampled=part.seq.num_prompt_tokens)

    # Writing

    def _sample(self, batch: list[BatchToken], parts: list[Part]) -> None:
        first_rows: dict[int, int] = {}
        for row, entry in enumerate(batch):
            if entry.wants_logits:
                first_rows.setdefault(entry.sequence, row)
        for part in parts:
            if part.slot.sequence in first_rows:
                self._sample_part(part, first_rows[part.slot.sequence])

    def _sample_part(self, part: Part, row: int) -> None:
        """Draw the next token, and one more for each guess that was right; what was guessed wrong is forgotten."""
        for drafted in [*part.drafted, None]:
            token = self._sample_token(part.seq, row + part.num_accepted, drafted)
            if token is None or token != drafted:
                break
            part.num_accepted += 1
        self.cache.truncate(part.slot, part.end + part.num_accepted)

    def _sample_token(self, seq: SequenceState, row: int, drafted: int | None) -> int | None:
        """Draw the next token and add it to the text, or end the run by it; the token, if the text goes on."""
        must_be_visible = seq.request.fixed_indent and not seq.has_text
        token = self.backend.sample(seq.sampler, row, seq.healing_bytes, visible=must_be_visible)
        if not seq.is_announced:
            seq.is_announced = True
            self._queue.answered(seq.request)
            seq.timings.first_token_ms = (self._clock() - seq.arrived_at) * 1000
            self._emit(seq.id, Prefilled(msgspec.structs.replace(seq.timings)))
        if self.backend.is_end(token):
            self._finish(seq, "end")
            return None
        piece = self.backend.piece(token)
        # That a token spells what was typed is no guess; which of those that do, and how it goes on, is one.
        if seq.wants_logprobs and seq.is_low_confidence(
            self.backend.logprob(row, token, seq.healing_bytes, visible=must_be_visible), piece
        ):
            self._finish(seq, "low_confidence")
            return None
        seq.tokens.append(token)
        seq.timings.decoded_tokens += 1
        seq.timings.accepted_tokens += token == drafted
        if chunk := seq.take_chunk(piece):
            self._emit(seq.id, chunk)
        if seq.timings.decoded_tokens >= seq.tokenized.max_tokens:
            self._finish(seq, "length")
            return None
        return token

    # Endings

    def _finish(self, seq: SequenceState, reason: FinishReason | None = None, message: str = "") -> None:
        """The only way out of the table of open requests."""
        del self._open[seq.id]
        self._speculator.ended(seq)
        if seq.sampler is not None:
            self.backend.free_sampler(seq.sampler)
            seq.sampler = None
        if reason in ("cancelled", "superseded", "deadline") and seq.in_anchor and not seq.is_background:
            seq.is_detached = True
            del seq.tokens[len(seq.tokenized.anchor) :]
            self._detached[seq.id] = seq
        else:
            self._release(seq)
        seq.timings.total_ms = (self._clock() - seq.arrived_at) * 1000
        if reason is None:
            self._emit(seq.id, Failed(message))
            return
        self._emit(seq.id, Done(reason, seq.timings))

    def _drop_detached(self, seq: SequenceState) -> None:
        del self._detached[seq.id]
        self._release(seq)

    def _release(self, seq: SequenceState) -> None:
        """Free a run's slot; what it holds stays for the next prompt that begins the same."""
        if seq.slot is not None:
            seq.slot.owner = None
            self.cache.slots.touch(seq.slot, interactive=not seq.is_background)

    # For people

    def dump(self) -> str:
        """The whole state as text, without any of the user's."""
        slots = self.cache.slots
        summary = (
            f"cache {slots.used_tokens}/{slots.cache_tokens} tokens, {self._queue.num_requests} asked, "
            f"{len(self._open)} open, {len(self._detached)} detached, "
            f"{len(self.cache.offloaded)} saved in {self.cache.offloaded.used_bytes >> 20} MiB, "
            f"next slice {self._chunk_sizer.chunk_tokens(shared=False)} tokens"
        )
        lines = [summary]
        for slot in slots.slots:
            use = slot.owner or ("idle" if slot.interactive else "idle, speculative")
            lines.append(f"  slot {slot.sequence}: {len(slot.tokens)} tokens, anchor {slot.num_anchor_tokens}, {use}")
        for seq in sorted((*self._open.values(), *self._detached.values()), key=lambda seq: seq.order):
            state = f"missing {seq.num_missing}" if seq.slot else "waiting"
            lines.append(
                f"  run {seq.id}: {seq.request.kind}, {seq.request.priority.name.lower()}, {state}, "
                f"{seq.timings.decoded_tokens}/{seq.tokenized.max_tokens} written{', detached' * seq.is_detached}"
            )
        return "\n".join(lines)

    def check_integrity(self) -> None:
        """Raise AssertionError if the books contradict each other."""
        self.cache.slots.check_integrity()
        placed = [seq for seq in (*self._open.values(), *self._detached.values()) if seq.slot is not None]
        owned = {slot.owner for slot in self.cache.slots.slots if slot.owner}
        assert owned == {seq.id for seq in placed}, "slots and runs disagree"
        for seq in placed:
            assert seq.slot is not None
            held = seq.slot.tokens
            assert held == seq.tokens[: len(held)], "a slot holds what its run did not ask for"


def _supersedes(left: Generate, right: Generate) -> bool:
    return bool(left.document) and (left.document, left.kind) == (right.document, right.kind)
