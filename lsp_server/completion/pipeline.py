"""The life of a request, as one function that names its stages in order: `Pipeline.complete`."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from lsp_server.base.errors import InfillError
from lsp_server.base.trace import Trace
from lsp_server.completion.answers import Answers
from lsp_server.completion.generation import Generation
from lsp_server.completion.latency import Latency
from lsp_server.completion.latest_requests import LatestRequests, RequestNumber
from lsp_server.completion.planner import Plan, Planner
from lsp_server.completion.switch import Switch
from lsp_server.context.candidates import Gathered
from lsp_server.engine.client.interface import EngineClient, EngineState
from lsp_server.ipc.model_info import ModelInfo
from lsp_server.ipc.requests import Done, Generate, Priority, Sampling, Timings
from lsp_server.postprocess import filters, stop
from lsp_server.prompt.anchor import Anchor
from lsp_server.prompt.indentation import is_settled
from lsp_server.settings.model import Settings
from lsp_server.text.excerpts import Neighbour
from lsp_server.text.secrets import is_secret_name
from lsp_server.text.snapshot import Snapshot

Neighbours = Callable[[], Sequence[Neighbour]]


class Context(Protocol):
    """What knows more of the workspace than the other open documents."""

    async def gather(self, snapshot: Snapshot, neighbours: Sequence[Neighbour]) -> Gathered:
        """What there is for a snapshot, the neighbours included."""


# Reasons that mean somebody lost interest: nothing is shown, and nothing is wrong.
ABANDONED = ("cancelled", "superseded", "deadline")

SPECULATIVE = "ahead"  # the kind of what nobody has asked for yet

ALTERNATIVES_TEMPERATURE = 0.8

PAUSE_S = 0.7  # without a request, and the user is thinking


@dataclass(frozen=True, slots=True)
class CompletionRequest:
    """Who asks and how.

    `kind` is `inline`, `menu`, `command` or `action`; `automatic` requests come from typing and are not answered while
    the model loads. `num_texts` is how many different texts are wanted; there may be fewer. With `max_lines` a text may
    have so many, whatever the settings say of completions; it ends before any of `stops`.
    """

    kind: str
    automatic: bool = False
    max_tokens: int | None = None
    num_texts: int = 1
    max_lines: int | None = None
    stops: tuple[str, ...] = ()


@dataclass(slots=True)
class Answer:
    """What came of a request.

    `text` is what to insert at the cursor, empty for nothing, and `alternatives` are other texts; `reason` says why it
    ended or why there is none; `error` is a sentence for the user where something is wrong.
    """

    text: str = ""
    alternatives: list[str] = field(default_factory=list)
    reason: str = ""
    error: str = ""
    timings: Timings = field(default_factory=Timings)
    trace: Trace = field(default_factory=Trace)


class Pipeline:
    """Everything between a snapshot and an answer, for one engine, one set of settings, and what is switched off."""

    def __init__(
        self,
        engine: EngineClient,
        settings: Settings,
        switch: Switch | None = None,
        context: Context | None = None,
    ) -> None:
        self.engine = engine
        self._context = context
        self._switch = switch or Switch()
        self.settings = settings
        self._answers = Answers()
        self._planner = Planner(settings)
        self._latest = LatestRequests()
        self._latency = Latency()
        self._warm_ups: dict[str, asyncio.Task[None]] = {}
        self._generations: dict[tuple[str, str], Generation] = {}  # the newest of each document and kind

    async def complete(self, snapshot: Snapshot, neighbours: Neighbours, request: CompletionRequest) -> Answer:
        """Answer a request. Faults of model and engine are in the answer; cancelling this stops the engine."""
        started = time.monotonic()
        answer = Answer()
        answer.trace.add("trigger", _describe_trigger(snapshot, request))
        number = self._latest.register(snapshot.uri, request.kind)
        plan: Plan | None = None
        if not (
            self._declined(answer, snapshot, request)
            or self._recall(answer, snapshot, request)
            or await self._join(answer, snapshot, request)
        ):
            self._end_warm_up(snapshot.uri)
            await self._debounce(answer, number, request)
            if not answer.reason and (plan := await self._plan(answer, snapshot, neighbours, request)):
                await self._generate(answer, snapshot, plan, request)
        if (
            request.num_texts > 1
            and answer.text
            and (plan := plan or await self._plan(answer, snapshot, neighbours, request))
        ):
            await self._find_alternatives(answer, snapshot, plan, request)
        if request.automatic and (answer.text or (plan and plan.anchor.is_short and _is_answered(answer))):
            self._warm_up_later(snapshot, neighbours, answer.text)
        answer.timings.total_ms = (time.monotonic() - started) * 1000
        answer.trace.add("timings", _describe_timings(answer.timings))
        answer.trace.add("shown", _describe_outcome(answer), answer.text or None)
        return answer

    def forget(self, uri: str) -> None:
        """A document was closed: its requests are over, and what is known of it is dropped."""
        self._latest.forget(uri)
        self._answers.forget(uri)
        self._planner.forget(uri)
        self._end_warm_up(uri)
        for key in [key for key in self._generations if key[0] == uri]:
            self._generations.pop(key).stop("superseded")

    # Stages

    def _declined(self, answer: Answer, snapshot: Snapshot, request: CompletionRequest) -> bool:
        """Whether not to ask at all."""
        completion = self.settings.completion
        from_editor = request.kind in ("inline", "menu")
        if from_editor and not completion.enabled:
            answer.reason = "switched off"
        elif from_editor and snapshot.language_id in completion.disabled_languages:
            answer.reason = f"switched off for {snapshot.language_id}"
        elif from_editor and (why := self._switch.why_off(snapshot.language_id, snapshot.uri)):
            answer.reason = why
        elif from_editor and is_secret_name(snapshot.path):
            answer.reason = "a file that usually holds secrets"
        elif request.automatic and snapshot.is_inside_word:
            answer.reason = "inside a word"
        elif request.automatic and self.engine.state is not EngineState.READY:
            answer.reason = f"the engine is {self.engine.state.value}"
            self.engine.start()  # it may have been released for want of requests
        return bool(answer.reason)

    def _recall(self, answer: Answer, snapshot: Snapshot, request: CompletionRequest) -> bool:
        """Answer from what is known when typed text agrees with an earlier answer."""
        known = self._answers.recall(snapshot, provisional=request.automatic)
        answer.trace.add("session", "known from an earlier answer" if known else "not known")
        if known:
            answer.text, answer.reason = known, "known"
        return bool(known)

    async def _join(self, answer: Answer, snapshot: Snapshot, request: CompletionRequest) -> bool:
        """Wait for the text being written, where what was typed since agrees with it; end it where it does not."""
        ahead = self._generations.get((snapshot.uri, SPECULATIVE))
        generation = self._generations.get((snapshot.uri, request.kind))
        if ahead and not ahead.is_over and ahead.agrees_with(snapshot):
            generation = ahead
        if generation is None or generation.is_over:
            return False
        if not generation.agrees_with(snapshot):
            generation.stop("superseded")
            return False
        answer.trace.add("session", "agrees with the text being written")
        await generation.read()
        return self._recall(answer, snapshot, request)

    async def _debounce(self, answer: Answer, number: RequestNumber, request: CompletionRequest) -> None:
        """Let a burst of keystrokes pass; not for longer than an answer would take."""
        wait_ms = self.settings.completion.debounce_ms
        if request.automatic and wait_ms:
            await asyncio.sleep(min(wait_ms, self._latency.typical_ms() or wait_ms) / 1000)
            if not self._latest.is_latest(number):
                answer.reason = "superseded"

    async def _plan(
        self, answer: Answer, snapshot: Snapshot, neighbours: Neighbours, request: CompletionRequest
    ) -> Plan | None:
        """Plan the prompt, once there is a model. Only where pauses will be used can it be short for now."""
        in_haste = request.automatic and self.settings.engine.warm_up
        prefill_budget_ms = self.settings.completion.prefill_budget_ms if in_haste else 0
        try:
            model = await self.engine.ready()
            plan, gathered = await self._planned(snapshot, neighbours, model, prefill_budget_ms)
        except InfillError as error:
            answer.reason, answer.error = "failed", str(error)
            return None
        format_name = plan.family.name
        answer.trace.add("model", f"{model.name}, {format_name} format, window of {model.context_tokens} tokens")
        for note in gathered.notes if gathered else ():
            answer.trace.add("context", note)
        for block in plan.anchor.blocks:
            answer.trace.add("block", f"{block.path}: {block.reason}, about {block.tokens} tokens", block.text)
        answer.trace.add("prompt", plan.describe(), plan.render(model.markers))
        return plan

    async def _planned(
        self, snapshot: Snapshot, neighbours: Neighbours, model: ModelInfo, prefill_budget_ms: int = 0
    ) -> tuple[Plan, Gathered | None]:
        """A plan, and what was gathered for it where it has a new anchor."""
        needs_blocks = self._planner.needs_blocks(snapshot, model, prefill_budget_ms)
        gathered = await self._gather(snapshot, neighbours) if needs_blocks else None
        return self._planner.plan(snapshot, neighbours, model, prefill_budget_ms, gathered), gathered

    async def _gather(self, snapshot: Snapshot, neighbours: Neighbours) -> Gathered | None:
        """What the workspace has for a snapshot, where anything knows it."""
        if self._context is None or not self.settings.context.max_tokens:
            return None
        return await self._context.gather(snapshot, neighbours())

    def _max_tokens(self, request: CompletionRequest) -> int:
        return request.max_tokens or self.settings.completion.max_tokens

    async def _generate(self, answer: Answer, snapshot: Snapshot, plan: Plan, request: CompletionRequest) -> None:
        """Have a text written that fills the hole, and take it. Who asked for one has it to its end, sure or not."""
        sampling = Sampling(confidence=self.settings.completion.confidence if request.automatic else 0.0)
        generation = self._begin(snapshot, plan, request, sampling)
        await generation.read()
        answer.text, answer.reason, answer.error = generation.text, generation.reason, generation.error
        answer.timings = generation.timings
        answer.trace.add("engine", f"ended by: {answer.reason}", generation.raw)
        if _is_answered(answer):
            answer.trace.add("filters", ", ".join(generation.filtered_by) or "nothing to do")

    async def _find_alternatives(
        self, answer: Answer, snapshot: Snapshot, plan: Plan, request: CompletionRequest
    ) -> None:
        """Draw other texts from the same prompt, all at once."""
        others = [
            self._begin(
                snapshot,
                plan,
                replace(request, kind=f"{request.kind} {number}"),
                Sampling(temperature=ALTERNATIVES_TEMPERATURE, seed=number),
                Priority.ALTERNATIVES,
            )
            for number in range(1, request.num_texts)
        ]
        await asyncio.gather(*(other.read() for other in others))
        # Known last, so that it is what stays while it is typed, even where others agree too: editors show the first.
        self._answers.remember(snapshot, answer.text)
        for other in others:
            if other.text and other.text not in (answer.text, *answer.alternatives):
                answer.alternatives.append(other.text)
        answer.trace.add("alternatives", f"{len(answer.alternatives)} of {len(others)} differ")

    def _begin(
        self,
        snapshot: Snapshot,
        plan: Plan,
        request: CompletionRequest,
        sampling: Sampling,
        priority: Priority = Priority.INTERACTIVE,
    ) -> Generation:
        """Begin to write a text."""
        completion = self.settings.completion
        rules = stop.rules_for(
            snapshot,
            "always" if request.max_lines else completion.multi_line,
            request.max_lines or completion.max_lines,
            plan.family.stops + request.stops,
            completion.switched_off_rules,
        )
        prompt_request = Generate(
            plan.anchor.parts,
            self._max_tokens(request),
            typed=plan.continuation.typed,
            reserve_tokens=plan.anchor.reserve_tokens,
            fixed_indent=bool(plan.continuation.typed) and is_settled(snapshot),
            sampling=sampling,
            document=snapshot.uri,
            kind=request.kind,
            priority=priority,
        )
        generation = Generation(self.engine, prompt_request, snapshot, rules, lambda ended: self._clean(ended, plan))
        self._generations[snapshot.uri, request.kind] = generation
        return generation

    def _clean(self, generation: Generation, plan: Plan) -> None:
        """Filter a text that has ended, and remember what is left."""
        if generation.error or generation.reason in ABANDONED:
            generation.text = ""
            return
        self._latency.learn(generation.timings.first_token_ms)
        if model := self.engine.model:
            self._planner.evaluated(plan.anchor, generation.timings, model)
        snapshot = generation.snapshot
        generation.text, generation.filtered_by = filters.clean(
            generation.text,
            snapshot,
            self.settings.completion.switched_off_rules,
            overran=generation.reason in stop.OVERRAN,
        )
        if generation.text:
            is_provisional = plan.anchor.is_short or generation.reason == "low_confidence"
            self._answers.remember(snapshot, generation.text, is_provisional=is_provisional)

    # Pauses

    def _warm_up_later(self, snapshot: Snapshot, neighbours: Neighbours, text: str) -> None:
        """When nothing is asked for a moment, prepare for the next burst of typing, and for `text` to be accepted."""
        self._end_warm_up(snapshot.uri)  # that of another kind, which ran at the same time
        if self.settings.engine.warm_up:
            self._warm_ups[snapshot.uri] = asyncio.ensure_future(self._warm_up(snapshot, neighbours, text))

    def _end_warm_up(self, uri: str) -> None:
        if task := self._warm_ups.pop(uri, None):
            task.cancel()
        if ahead := self._generations.pop((uri, SPECULATIVE), None):
            ahead.stop("superseded")

    async def _warm_up(self, snapshot: Snapshot, neighbours: Neighbours, text: str) -> None:
        await asyncio.sleep(PAUSE_S)
        if model := self.engine.model:
            wants_prewarm = self._planner.wants_prewarm(snapshot, model)
            gathered = await self._gather(snapshot, neighbours) if wants_prewarm else None
            if anchor := self._planner.plan_prewarm(snapshot, neighbours, model, gathered):
                await self._bring_into_cache(snapshot.uri, anchor, model)
            if text and self.settings.completion.speculative:
                await self._complete_speculatively(snapshot.accepting(text), neighbours, model)

    async def _bring_into_cache(self, uri: str, anchor: Anchor, model: ModelInfo) -> None:
        prompt_request = Generate(
            anchor.parts,
            0,
            reserve_tokens=anchor.reserve_tokens + self.settings.completion.max_tokens,
            document=uri,
            kind="warm-up",
            priority=Priority.WARM_UP,
        )
        async with contextlib.aclosing(self.engine.generate(prompt_request)) as events:
            async for event in events:
                if isinstance(event, Done) and event.reason == "length":
                    self._planner.adopt(uri, anchor, model)

    async def _complete_speculatively(self, accepted: Snapshot, neighbours: Neighbours, model: ModelInfo) -> None:
        """Write what follows an answer that is being looked at: who accepts it has the next one at once."""
        if self._answers.recall(accepted) is None:
            plan, _ = await self._planned(accepted, neighbours, model)
            sampling = Sampling(confidence=self.settings.completion.confidence)
            await self._begin(accepted, plan, CompletionRequest(SPECULATIVE), sampling, Priority.WARM_UP).read()


def _is_answered(answer: Answer) -> bool:
    """Whether the prompt was evaluated to its end, and somebody still waited."""
    return not answer.error and answer.reason not in ABANDONED


def _describe_trigger(snapshot: Snapshot, request: CompletionRequest) -> str:
    how = "typing" if request.automatic else "asked for"
    return (
        f"{request.kind}, {how}, {snapshot.path}:{snapshot.line + 1}:{snapshot.character + 1}, {snapshot.language_id}"
    )


def _describe_timings(timings: Timings) -> str:
    guessed = (
        f" ({timings.accepted_tokens} of {timings.drafted_tokens} guessed right)" if timings.drafted_tokens else ""
    )
    return (
        f"queued {timings.queue_ms:.1f} ms, prompt {timings.prompt_tokens} tokens of which {timings.reused_tokens} "
        f"reused, prefill {timings.prefill_ms:.1f} ms, first token after {timings.first_token_ms:.1f} ms, "
        f"{timings.decoded_tokens} tokens written{guessed} in {timings.decode_ms:.1f} ms, "
        f"total {timings.total_ms:.1f} ms"
    )


def _describe_outcome(answer: Answer) -> str:
    if answer.text:
        return f"{len(answer.text)} characters"
    return f"nothing: {answer.error or answer.reason if answer.reason != 'end' else 'the model had nothing to add'}"
