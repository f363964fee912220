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
from lsp_server.engine.drafting.lookup import Source
from lsp_server.engine.drafting.proposer import Drafter
from lsp_server.engine.kvcache.cache import Cache
from lsp_server.engine.scheduler.batches import Part, compose
from lsp_server.engine.scheduler.chunks import Pace
from lsp_server.engine.scheduler.placement import place
from lsp_server.engine.scheduler.queue import Turns
from lsp_server.engine.scheduler.sequence import Run
from lsp_server.engine.scheduler.step_times import BatchCosts
from lsp_server.engine.scheduler.tokenize import Prepared
from lsp_server.ipc.requests import Done, Event, Failed, FinishReason, Generate, Prefilled


class Scheduler:
    """Runs requests on a backend. `emit(request_id, event)` receives everything they produce.

    `has_news` tells whether a message waits that came too late to interrupt the next decode, and too early to be seen.
    `guesses` are where drafts come from, if not from what was read and written.

    Every submitted request ends in exactly one `Done` or `Failed`: leaving the table of open runs and emitting that
    event are one act, `_finish`.
    """

    def __init__(
        self,
        backend: Backend,
        emit: Callable[[str, Event], None],
        clock: Callable[[], float] = time.monotonic,
        has_news: Callable[[], bool] = lambda: False,
        guesses: Source | None = None,
    ) -> None:
        self.backend = backend
        self.cache = Cache(backend)
        self._costs = BatchCosts(backend.info.prefill_tokens_per_s)
        self._drafter = Drafter(backend, self._costs, guesses, clock, has_news)
        self._emit = emit
        self._clock = clock
        self._has_news = has_news
        self._pace = Pace(
            backend.batch_tokens,
            can_interrupt=backend.can_interrupt,
            tokens_per_s=backend.info.prefill_tokens_per_s or None,
        )
        self._open: dict[str, Run] = {}
        self._orphans: dict[str, Run] = {}
        self._turns = Turns()
        # What the decode under way evaluates: each run, and the end of its part. Read by other threads.
        self._in_flight: tuple[tuple[Run, int], ...] = ()

    @property
    def has_work(self) -> bool:
        """Whether there is anything to do."""
        return bool(self._open or self._orphans)

    def submit(self, request_id: str, request: Generate, prepared: Prepared, arrived_at: float | None = None) -> None:
        """Open a request. One for the same document and kind that is still open ends as superseded.

        `arrived_at` is when it came, by the scheduler's clock, if not just now.
        """
        for older in list(self._open.values()):
            if _same_place(older.request, request):
                self._finish(older, "superseded")
        if not self._open:
            self._turns.clear()
        if arrived_at is None:
            arrived_at = self._clock()
        self._open[request_id] = Run(request_id, request, prepared, self._turns.take(request), arrived_at)

    def cancel(self, request_id: str) -> None:
        """End a request now; one that has ended already is left alone."""
        if run := self._open.get(request_id):
            self._finish(run, "cancelled")

    def fail_all(self, message: str) -> None:
        """End every open request by a fault."""
        for run in list(self._open.values()):
            self._finish(run, message=message)
        for run in list(self._orphans.values()):
            self._drop_orphan(run)

    def step(self) -> None:
        """Do one batch worth of work. Call it while `has_work`."""
        self._expire()
        self._admit()
        parts = self._compose()
        if not parts:
            return
        self._in_flight = tuple((part.run, part.end) for part in parts)
        began = self._clock()
        is_news = self._has_news()
        if not is_news:
            self._drafter.add_to(parts, self._room_beside(parts))
            is_news = self._has_news()  # a draft model takes its time
        if is_news:
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
            self._relieve()
        else:
            self._pace.measure(sum(len(part.tokens) for part in parts), seconds)
            self._account(parts, started - began + seconds)
            self._sample(batch, parts)
            only_writes = all(part.is_writing for part in parts)
            self._costs.measure(len(batch), self._clock() - started, only_writes=only_writes)
            self._drafter.evaluated(parts)

    def tidy(self) -> bool:
        """Move one idle slot that slows the others out of the cache; call it when nothing is asked for a moment.

        False if there was none, and there is nothing more to do.
        """
        slot = self.cache.slots.oldest(self.cache.in_the_way())
        if slot is None:
            return False
        self.cache.save(slot)
        return True

    # Interruption: asked by the thread that receives a message, while a decode is under way

    def should_interrupt_for(self, request: Generate, prepared: Prepared) -> bool:
        """Whether the decode under way serves nobody once this request is in: not those it is evaluated for, and not
        the request itself, which may well want the same tokens of the same anchor. Notes whom it supersedes."""
        in_flight = self._in_flight
        serves_somebody = False
        for run, end in in_flight:
            if run.request is request:
                return False  # it was taken meanwhile, and is what the decode is for
            run.is_given_up |= _same_place(run.request, request)
            over = run.is_orphan or run.is_given_up or run.request.priority > request.priority
            wanted = prepared.anchor + prepared.typed
            serves_somebody |= not over or common_prefix(run.tokens[:end], wanted) == end
        return bool(in_flight) and not serves_somebody

    def should_interrupt_to_cancel(self, request_id: str) -> bool:
        """Whether the decode under way is for this request alone, and not its anchor's prefill, which goes on until
        somebody wants something else. Notes that the request is given up."""
        in_flight = self._in_flight
        for run, _ in in_flight:
            run.is_given_up |= run.id == request_id
        return bool(in_flight) and all(run.id == request_id and not run.in_anchor for run, _ in in_flight)

    # Admission

    def _expire(self) -> None:
        now = self._clock()
        for run in list(self._open.values()):
            deadline_ms = run.request.deadline_ms
            if deadline_ms is not None and (now - run.arrived_at) * 1000 >= deadline_ms:
                self._finish(run, "deadline")

    def _admit(self) -> None:
        """Give slots to waiting requests, as long as all admitted ones together fit the cache."""
        waiting = sorted((run for run in self._open.values() if run.slot is None), key=lambda run: run.order)
        for run in waiting:
            placed = [other for other in self._open.values() if other.slot and not other.is_background]
            reserved = sum(other.reservation for other in placed)
            if reserved + run.reservation > self.cache.slots.cache_tokens:
                return
            if not self._place(run):
                return

    def _place(self, run: Run) -> bool:
        """Put a run into a slot, taking it from an orphan or a warm-up if theirs is the best; false if none is free."""
        background = [other for other in (*self._open.values(), *self._orphans.values()) if other.is_background]
        takeable = {other.slot.sequence: other for other in background if other.slot and other is not run}
        if run.is_background:
            takeable = {sequence: other for sequence, other in takeable.items() if other.is_orphan}
        slot = place(run, self.cache, self.backend, set(takeable))
        if slot is None:
            return False
        if robbed := takeable.get(slot.sequence):
            robbed.slot = None
            self._drop_orphan(robbed) if robbed.is_orphan else self._finish(robbed, "superseded")
        for orphan in list(self._orphans.values()):
            if orphan.request.document == run.request.document:
                self._drop_orphan(orphan)
        slot.owner = run.id
        run.slot = slot
        run.sampler = self.backend.new_sampler(run.request.sampling)
        run.timings.queue_ms = (self._clock() - run.arrived_at) * 1000
        run.timings.prompt_tokens = run.num_prompt_tokens
        run.timings.reused_tokens = len(slot.tokens)
        return True

    # One batch

    def _compose(self) -> list[Part]:
        """The next batch: one token of each sequence being written, then prefill in order of priority, in a slice.

        What nobody waits for is evaluated only when nobody waits.
        """
        active = sorted((run for run in self._open.values() if run.slot is not None), key=lambda run: run.order)
        foreground = [run for run in active if not run.is_background]
        chosen = foreground or active or list(self._orphans.values())[:1]
        parts = compose(chosen, self._pace, self._costs, self.backend.batch_tokens)
        self._settle_finished_prefill(chosen)
        return parts if self._have_room(parts) else []

    def _room_beside(self, parts: list[Part]) -> int:
        """How many guessed tokens there is room for."""
        free = self.cache.slots.cache_tokens - self.cache.slots.used_tokens
        return min(self.backend.batch_tokens, free) - sum(len(part.tokens) for part in parts)

    def _settle_finished_prefill(self, chosen: list[Run]) -> None:
        """A run that only warms the cache, and whose prompt is in it, is done."""
        for run in chosen:
            if run.slot is not None and run.num_missing == 0:
                self._finish_prefill(run)

    def _finish_prefill(self, run: Run) -> None:
        if run.is_orphan:
            self._drop_orphan(run)
        else:
            self._finish(run, "length")

    def _have_room(self, parts: list[Part]) -> bool:
        """Whether the cache has or can make room for a batch; what nobody waits for gives way first."""
        idle = [slot for slot in self.cache.slots.slots if slot.owner is None]
        has_room = self.cache.make_room(sum(len(part.tokens) for part in parts), idle)
        if not has_room and not self._give_up_background():
            self._relieve()
        return has_room

    def _give_up_background(self) -> bool:
        """End a run that nobody waits for and that holds a slot; false if there is none."""
        for run in [*self._orphans.values(), *self._open.values()]:
            if run.is_background and run.slot is not None:
                self._drop_orphan(run) if run.is_orphan else self._finish(run, "cancelled")
                return True
        return False

    def _relieve(self) -> None:
        """The cache was full although the books say otherwise: give up what is idle, then the last in line."""
        idle = [slot for slot in self.cache.slots.slots if slot.owner is None and slot.tokens]
        if (slot := self.cache.slots.oldest(idle)) is not None:
            self.cache.truncate(slot, 0)
        elif not self._give_up_background():
            last = max((run for run in self._open.values() if run.slot is not None), key=lambda run: run.order)
            self._finish(last, message="The model's cache is full. Raise engine.cache_tokens.")

    def _roll_back(self, parts: list[Part]) -> None:
        """An interrupted decode leaves an unknown part of its batch in the cache, of every sequence in it."""
        for part in parts:
            self.cache.roll_back(part.slot)

    def _account(self, parts: list[Part], seconds: float) -> None:
        for part in parts:
            timings = part.run.timings
            if part.is_writing:
                timings.decode_ms += seconds * 1000
                timings.drafted_tokens += len(part.guessed)
            else:
                timings.prefill_ms += seconds * 1000
            self.cache.commit(part.slot, part.tokens + part.guessed, first_sampled=part.run.num_prompt_tokens)

    # Writing

    def _sample(self, batch: list[BatchToken], parts: list[Part]) -> None:
        first_rows: dict[int, int] = {}
        for row, entry in enumerate(batch):
            if entry.wants_logits:
                first_rows.setdefault(entry.sequence, row)
        for part in parts:
            if part.slot.sequence in first_rows:
                self._write_all(part, first_rows[part.slot.sequence])

    def _write_all(self, part: Part, row: int) -> None:
        """Draw the next token, and one more for each guess that was right; what was guessed wrong is forgotten."""
        for guessed in [*part.guessed, None]:
            token = self._write(part.run, row + part.num_right, guessed)
            if token is None or token != guessed:
                break
            part.num_right += 1
        self.cache.truncate(part.slot, part.end + part.num_right)

    def _write(self, run: Run, row: int, guessed: int | None) -> int | None:
        """Draw the next token and add it to the text, or end the run by it; the token, if the text goes on."""
        must_show = run.request.indented and not run.has_text
        token = self.backend.sample(run.sampler, row, run.rest, visible=must_show)
        if not run.is_announced:
            run.is_announced = True
            self._turns.had_by(run.request)
            run.timings.first_token_ms = (self._clock() - run.arrived_at) * 1000
            self._emit(run.id, Prefilled(msgspec.structs.replace(run.timings)))
        if self.backend.is_end(token):
            self._finish(run, "end")
            return None
        piece = self.backend.piece(token)
        # That a token spells what was typed is no guess; which of those that do, and how it goes on, is one.
        if run.wants_logprobs and run.is_unsure(self.backend.logprob(row, token, run.rest, visible=must_show), piece):
            self._finish(run, "unsure")
            return None
        run.tokens.append(token)
        run.timings.decoded_tokens += 1
        run.timings.accepted_tokens += token == guessed
        if chunk := run.take_chunk(piece):
            self._emit(run.id, chunk)
        if run.timings.decoded_tokens >= run.prepared.max_tokens:
            self._finish(run, "length")
            return None
        return token

    # Endings

    def _finish(self, run: Run, reason: FinishReason | None = None, message: str = "") -> None:
        """The only way out of the table of open requests."""
        del self._open[run.id]
        self._drafter.ended(run)
        if run.sampler is not None:
            self.backend.free_sampler(run.sampler)
            run.sampler = None
        if reason in ("cancelled", "superseded", "deadline") and run.in_anchor and not run.is_background:
            run.is_orphan = True
            del run.tokens[len(run.prepared.anchor) :]
            self._orphans[run.id] = run
        else:
            self._release(run)
        run.timings.total_ms = (self._clock() - run.arrived_at) * 1000
        if reason is None:
            self._emit(run.id, Failed(message))
            return
        self._emit(run.id, Done(reason, run.timings))

    def _drop_orphan(self, run: Run) -> None:
        del self._orphans[run.id]
        self._release(run)

    def _release(self, run: Run) -> None:
        """Free a run's slot; what it holds stays for the next prompt that begins the same."""
        if run.slot is not None:
            run.slot.owner = None
            self.cache.slots.touch(run.slot, interactive=not run.is_background)

    # For people

    def dump(self) -> str:
        """The whole state as text, without any of the user's."""
        slots = self.cache.slots
        summary = (
            f"cache {slots.used_tokens}/{slots.cache_tokens} tokens, {self._turns.num_asked} asked, "
            f"{len(self._open)} open, {len(self._orphans)} orphans, "
            f"{len(self.cache.saved)} saved in {self.cache.saved.used_bytes >> 20} MiB, "
            f"next slice {self._pace.slice_tokens(shared=False)} tokens"
        )
        lines = [summary]
        for slot in slots.slots:
            use = slot.owner or ("idle" if slot.interactive else "idle, speculative")
            lines.append(f"  slot {slot.sequence}: {len(slot.tokens)} tokens, anchor {slot.num_anchor_tokens}, {use}")
        for run in sorted((*self._open.values(), *self._orphans.values()), key=lambda run: run.order):
            state = f"missing {run.num_missing}" if run.slot else "waiting"
            lines.append(
                f"  run {run.id}: {run.request.kind}, {run.request.priority.name.lower()}, {state}, "
                f"{run.timings.decoded_tokens}/{run.prepared.max_tokens} written{', orphan' * run.is_orphan}"
            )
        return "\n".join(lines)

    def check_integrity(self) -> None:
        """Raise AssertionError if the books contradict each other."""
        self.cache.slots.check_integrity()
        placed = [run for run in (*self._open.values(), *self._orphans.values()) if run.slot is not None]
        owned = {slot.owner for slot in self.cache.slots.slots if slot.owner}
        assert owned == {run.id for run in placed}, "slots and runs disagree"
        for run in placed:
            assert run.slot is not None
            held = run.slot.tokens
            assert held == run.tokens[: len(held)], "a slot holds what its run did not ask for"


def _same_place(left: Generate, right: Generate) -> bool:
    return bool(left.document) and (left.document, left.kind) == (right.document, right.kind)
