"""The scheduler: continuous batching of requests on one backend.

`step()` checks deadlines, admits requests by priority, composes one batch, decodes, samples and emits. A batch has one
token and a draft of each decoding request, then a chunk of prefill. The scheduler runs in one thread, takes its clock
as an argument, and does no I/O.

A request owns its prompt and the sampled tokens. A slot owns the tokens in the KV cache. The scheduler evaluates the
difference, so prefill and decode are one operation. When nothing is missing, it samples.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import msgspec

from lsp_server.base.common_prefix import common_prefix
from lsp_server.engine.backends.base import Backend, BatchToken, DecodeStatus
from lsp_server.engine.kvcache.cache import KVCache
from lsp_server.engine.scheduler.batches import Part, compose
from lsp_server.engine.scheduler.placement import place
from lsp_server.engine.scheduler.prefill_chunks import ChunkSizer
from lsp_server.engine.scheduler.queue import AdmissionQueue, supersedes
from lsp_server.engine.scheduler.report import report
from lsp_server.engine.scheduler.sequence import SequenceState, urgency_of
from lsp_server.engine.scheduler.speculator import Speculator
from lsp_server.engine.scheduler.step_times import StepTimes
from lsp_server.engine.scheduler.tokenize import TokenizedRequest
from lsp_server.ipc.requests import Done, Event, Failed, FinishReason, Generate, Prefilled, Priority


class Scheduler:
    """Runs requests on a backend. `emit(request_id, event)` receives all their events.

    `has_pending_messages` tells whether an unread message waits that would not interrupt the next decode. `speculator`
    adds drafts. It reads `step_times`, which the scheduler measures.

    Every submitted request ends in exactly one `Done` or `Failed`. `_finish` closes the request and emits that event in
    one act.
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
        self.cache = KVCache(backend)
        self._step_times = step_times
        self._speculator = speculator
        self._emit = emit
        self._clock = clock
        self._has_pending_messages = has_pending_messages
        self._chunk_sizer = ChunkSizer.for_backend(backend)
        self._open: dict[str, SequenceState] = {}
        self._detached: dict[str, SequenceState] = {}
        self._queue = AdmissionQueue()
        self.num_failures = 0  # decodes that raised, since the last that did not
        # What the decode under way evaluates: each request and the end of its part. Other threads read it.
        self._in_flight: tuple[tuple[SequenceState, int], ...] = ()

    @property
    def has_work(self) -> bool:
        """Whether any request is open or any detached prefill is left."""
        return bool(self._open or self._detached)

    def submit(
        self, request_id: str, request: Generate, tokenized: TokenizedRequest, arrived_at: float | None = None
    ) -> None:
        """Open a request. An open request with the same document and kind ends as superseded.

        `arrived_at` is the time of arrival by the scheduler's clock; by default it is now.
        """
        for older in list(self._open.values()):
            if supersedes(older.request, request):
                self._finish(older, "superseded")
        if not self._open:
            self._queue.clear()
        if arrived_at is None:
            arrived_at = self._clock()
        self._open[request_id] = SequenceState(request_id, request, tokenized, self._queue.enqueue(request), arrived_at)

    def cancel(self, request_id: str) -> None:
        """End a request now. A request that has already ended is ignored."""
        if seq := self._open.get(request_id):
            self._finish(seq, "cancelled")

    def fail_all(self, message: str) -> None:
        """End every open request with `Failed`."""
        for seq in list(self._open.values()):
            self._finish(seq, message=message)
        for seq in list(self._detached.values()):
            self._drop_detached(seq)

    def step(self) -> None:
        """Evaluate one batch. Call it while `has_work`."""
        self._expire()
        self._admit()
        parts = self._compose()
        if not parts:
            return
        self._in_flight = tuple((part.seq, part.end) for part in parts)
        began = self._clock()
        if self._has_pending_messages():
            self._in_flight = ()
            return
        self._speculator.add_to(parts, self._draft_room(parts))
        batch = [entry for part in parts for entry in part.entries]
        started = self._clock()
        try:
            status = self.backend.decode(batch)
        except Exception:
            self.num_failures += 1
            self._roll_back(parts)
            raise
        finally:
            self._in_flight = ()
        self.num_failures = 0
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
        """Offload one idle slot that slows the others. Call it when no request has come for a moment.

        Returns false if there was no such slot, so that no further call is needed.
        """
        slot = self.cache.slots.lru_victim(self.cache.interfering_slots())
        if slot is None:
            return False
        self.cache.offload(slot)
        return True

    # Interruption. The thread that receives a message calls these while a decode is under way.

    def should_interrupt_for(self, request: Generate, tokenized: TokenizedRequest) -> bool:
        """Whether the running decode becomes useless when this request arrives.

        A decode stays useful if its tokens are also the beginning of the new prompt. Marks superseded requests as
        cancelled.
        """
        in_flight = self._in_flight
        serves_somebody = False
        for seq, end in in_flight:
            if seq.request is request:
                return False  # the worker has taken it meanwhile, and the decode is for it
            seq.cancel_pending |= supersedes(seq.request, request)
            over = seq.is_detached or seq.cancel_pending or seq.urgency > urgency_of(request)
            wanted = tokenized.anchor + tokenized.typed
            serves_somebody |= not over or common_prefix(seq.tokens[:end], wanted) == end
        return bool(in_flight) and not serves_somebody

    def should_interrupt_to_cancel(self, request_id: str) -> bool:
        """Whether the running decode serves only this request. Marks the request as cancelled.

        A prefill of an anchor is not interrupted. When the cancel takes effect, `_finish` turns it into a detached
        prefill. A warm-up just ends then.
        """
        in_flight = self._in_flight
        for seq, _ in in_flight:
            seq.cancel_pending |= seq.id == request_id
        return bool(in_flight) and all(seq.id == request_id and not seq.in_anchor for seq, _ in in_flight)

    # Admission

    def _expire(self) -> None:
        now = self._clock()
        for seq in list(self._open.values()):
            if seq.is_late(now):
                self._finish(seq, "deadline")

    def _admit(self) -> None:
        """Give slots to waiting requests, as long as they and all that are as urgent fit into the cache together.

        Less urgent ones do not count, because they give way when the cache is full. A preempted request waits until no
        more urgent one has a slot. Otherwise it could be preempted again before it has written a token.
        """
        waiting = sorted((seq for seq in self._open.values() if seq.slot is None), key=lambda seq: seq.order)
        for seq in waiting:
            placed = [other for other in self._placed() if not other.is_background and other.urgency <= seq.urgency]
            reserved = sum(other.reservation for other in placed)
            if reserved + seq.reservation > self.cache.slots.cache_tokens:
                return
            if seq.is_preempted and any(other.urgency < seq.urgency for other in placed):
                return
            if not self._place(seq):
                return

    def _placed(self) -> list[SequenceState]:
        """The requests that have a slot, the most urgent first."""
        requests = (*self._open.values(), *self._detached.values())
        return sorted((seq for seq in requests if seq.slot is not None), key=lambda seq: seq.order)

    def _place(self, seq: SequenceState) -> bool:
        """Give a slot to a request, if need be that of a less urgent one. False if none is free."""
        background = [other for other in (*self._open.values(), *self._detached.values()) if other.is_background]
        preemptible = {other.slot.sequence: other for other in background if other.slot and other is not seq}
        if seq.is_background:
            preemptible = {sequence: other for sequence, other in preemptible.items() if other.is_detached}
        slot = place(seq, self.cache, self.backend, set(preemptible))
        if slot is None and not seq.is_background and self._preempt(seq.urgency):
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
        if seq.sampler is not None:  # it was preempted, and goes on
            return True
        seq.sampler = self.backend.new_sampler(seq.request.sampling)
        seq.timings.queue_ms = (self._clock() - seq.arrived_at) * 1000
        seq.timings.prompt_tokens = seq.num_prompt_tokens
        seq.timings.reused_tokens = len(slot.tokens)
        return True

    def _preempt(self, urgency: Priority) -> bool:
        """Take the slot of the least urgent request, if it is less urgent than this. Its content stays for now.

        What no user waits for ends. Every other request goes on later as if nothing had happened.
        """
        seq = next(reversed(self._placed()), None)
        if seq is None or not (seq.is_background or seq.urgency > urgency):
            return False
        if seq.is_detached:
            self._drop_detached(seq)
        elif seq.is_background:
            self._finish(seq, "cancelled")
        else:
            self._release(seq)
            seq.slot = None
        return True

    # One batch

    def _compose(self) -> list[Part]:
        """The next batch. Background work is evaluated only when no request waits."""
        active = sorted((seq for seq in self._open.values() if seq.slot is not None), key=lambda seq: seq.order)
        foreground = [seq for seq in active if not seq.is_background]
        chosen = foreground or active or list(self._detached.values())[:1]
        parts = compose(chosen, self._chunk_sizer, self._step_times, self.backend.batch_tokens)
        self._end_finished_prefill(chosen)
        return parts if self._ensure_room(parts) else []

    def _draft_room(self, parts: list[Part]) -> int:
        """The number of drafted tokens that still fit into the batch and the cache."""
        free = self.cache.slots.cache_tokens - self.cache.slots.used_tokens
        return min(self.backend.batch_tokens, free) - sum(len(part.tokens) for part in parts)

    def _end_finished_prefill(self, chosen: list[SequenceState]) -> None:
        """End warm-ups and detached prefills whose prompt is in the cache."""
        for seq in chosen:
            if seq.slot is not None and seq.num_missing == 0:
                self._drop_detached(seq) if seq.is_detached else self._finish(seq, "length")

    def _ensure_room(self, parts: list[Part]) -> bool:
        """Make room in the cache for a batch. False if there is none yet, and something had to give way first."""
        idle = [slot for slot in self.cache.slots.slots if slot.owner is None]
        has_room = self.cache.evict_until_fits(sum(len(part.tokens) for part in parts), idle)
        if not has_room:
            self._evict_on_overflow()
        return has_room

    def _evict_on_overflow(self) -> None:
        """The cache is full: evict an idle slot, preempt the least urgent request, or end the last of equals.

        Either llama.cpp found no room where the accounting had some, or the accounting itself has none.
        """
        idle = [slot for slot in self.cache.slots.slots if slot.owner is None and slot.tokens]
        if (slot := self.cache.slots.lru_victim(idle)) is not None:
            self.cache.truncate(slot, 0)
        elif (placed := self._placed()) and not self._preempt(placed[0].urgency):
            self._finish(placed[-1], message="The model's cache is full. Raise engine.cache_tokens.")

    def _roll_back(self, parts: list[Part]) -> None:
        """An interrupted decode leaves an unknown part of its batch in the cache, for every sequence of the batch."""
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

    # Sampling

    def _sample(self, batch: list[BatchToken], parts: list[Part]) -> None:
        first_rows = {entry.sequence: row for row, entry in reversed([*enumerate(batch)]) if entry.wants_logits}
        for part in parts:
            if part.slot.sequence in first_rows:
                self._sample_part(part, first_rows[part.slot.sequence])

    def _sample_part(self, part: Part, row: int) -> None:
        """Sample the next token, and one more for each accepted draft token. Rejected draft tokens leave the cache."""
        for drafted in [*part.drafted, None]:
            token = self._sample_token(part.seq, row + part.num_accepted, drafted)
            if token is None or token != drafted:
                break
            part.num_accepted += 1
        self.cache.truncate(part.slot, part.end + part.num_accepted)

    def _sample_token(self, seq: SequenceState, row: int, drafted: int | None) -> int | None:
        """Sample a token, and append it or end the request. Returns the token if the request goes on."""
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
        # Among tokens that spell the typed bytes, the choice is the model's. So their probability counts among those
        # only.
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
        """Close a request and emit its last event. Every open request ends here."""
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
        self._emit(seq.id, Failed(message) if reason is None else Done(reason, seq.timings))

    def _drop_detached(self, seq: SequenceState) -> None:
        del self._detached[seq.id]
        self._release(seq)

    def _release(self, seq: SequenceState) -> None:
        """Release the slot of a request. Its content stays for the next prompt with the same beginning."""
        if seq.slot is not None:
            seq.slot.owner = None
            self.cache.slots.touch(seq.slot, interactive=not seq.is_background)

    # Diagnostics

    def dump(self) -> str:
        """The whole state as text, without any text of the user."""
        requests = [*self._open.values(), *self._detached.values()]
        return report(self.cache, requests, self._queue.num_requests, self._chunk_sizer.chunk_tokens(shared=False))

    def check_integrity(self) -> None:
        """Raise AssertionError if the accounting contradicts itself."""
        self.cache.slots.check_integrity()
        placed = self._placed()
        owned = {slot.owner for slot in self.cache.slots.slots if slot.owner}
        assert owned == {seq.id for seq in placed}, "slots and requests disagree"
        for seq in placed:
            assert seq.slot is not None
            held = seq.slot.tokens
            assert held == seq.tokens[: len(held)], "a slot holds tokens that its request does not have"
