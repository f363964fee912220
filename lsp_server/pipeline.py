"""The life of a request, as one function that names its stages in order: `Pipeline.complete`."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from lsp_server.context.blocks import Neighbour
from lsp_server.engine.client import EngineClient, EngineState
from lsp_server.engine.messages import Chunk, Done, Failed, Generate, Prefilled, Priority, Sampling, Timings
from lsp_server.errors import InfillError
from lsp_server.postprocess import filters, stop
from lsp_server.session.answers import Answers
from lsp_server.session.planner import Plan, Planner
from lsp_server.session.turns import Turn, Turns
from lsp_server.settings import Settings
from lsp_server.snapshot import Snapshot
from lsp_server.trace import Trace

Neighbours = Callable[[], Sequence[Neighbour]]
Kind = Literal["inline", "popup", "command"]

# Reasons that mean somebody lost interest: nothing is shown, and nothing is wrong.
ABANDONED = ("cancelled", "superseded", "deadline")

PAUSE_S = 0.7  # without a request, and the user is thinking


@dataclass(frozen=True, slots=True)
class Ask:
    """Who asks and how. `automatic` requests come from typing and are not answered while the model loads."""

    kind: Kind
    automatic: bool = False
    max_tokens: int | None = None


@dataclass(slots=True)
class Answer:
    """What came of a request.

    `text` is what to insert at the cursor, empty for nothing; `reason` says why it ended or why there is none;
    `error` is a sentence for the user where something is wrong.
    """

    text: str = ""
    reason: str = ""
    error: str = ""
    timings: Timings = field(default_factory=Timings)
    trace: Trace = field(default_factory=Trace)


class Pipeline:
    """Everything between a snapshot and an answer, for one engine and one set of settings."""

    def __init__(self, engine: EngineClient, settings: Settings) -> None:
        self.engine = engine
        self.settings = settings
        self._answers = Answers()
        self._planner = Planner(settings)
        self._turns = Turns()
        self._warm_ups: dict[str, asyncio.Task[None]] = {}

    async def complete(self, snapshot: Snapshot, neighbours: Neighbours, ask: Ask) -> Answer:
        """Answer a request. Faults of model and engine are in the answer; cancelling this stops the engine."""
        started = time.monotonic()
        answer = Answer()
        answer.trace.add("trigger", _describe_trigger(snapshot, ask))
        turn = self._turns.begin(snapshot.uri, ask.kind)
        plan: Plan | None = None
        if not (self._declined(answer, snapshot, ask) or self._recall(answer, snapshot, ask)):
            self._end_warm_up(snapshot.uri)
            await self._debounce(answer, turn, ask)
            if not answer.reason and (plan := await self._plan(answer, snapshot, neighbours, ask)):
                await self._generate(answer, snapshot, plan, ask)
                self._clean(answer, snapshot, plan)
        if ask.automatic and (answer.text or (plan and plan.anchor.is_short and _is_answered(answer))):
            self._warm_up_later(snapshot, neighbours)
        answer.timings.total_ms = (time.monotonic() - started) * 1000
        answer.trace.add("timings", _describe_timings(answer.timings))
        answer.trace.add("shown", _describe_outcome(answer), answer.text or None)
        return answer

    def forget(self, uri: str) -> None:
        """A document was closed: its requests are over, and what is known of it is dropped."""
        self._turns.forget(uri)
        self._answers.forget(uri)
        self._planner.forget(uri)
        self._end_warm_up(uri)

    # Stages

    def _declined(self, answer: Answer, snapshot: Snapshot, ask: Ask) -> bool:
        """Whether not to ask at all."""
        completion = self.settings.completion
        from_editor = ask.kind != "command"
        if from_editor and not completion.enabled:
            answer.reason = "switched off"
        elif from_editor and snapshot.language_id in completion.disabled_languages:
            answer.reason = f"switched off for {snapshot.language_id}"
        elif ask.automatic and self.engine.state is not EngineState.READY:
            answer.reason = f"the engine is {self.engine.state.value}"
            self.engine.start()  # it may have been released for want of requests
        return bool(answer.reason)

    def _recall(self, answer: Answer, snapshot: Snapshot, ask: Ask) -> bool:
        """Answer from what is known when typed text agrees with an earlier answer."""
        known = self._answers.recall(snapshot, from_whole_prompt=not ask.automatic)
        answer.trace.add("session", "known from an earlier answer" if known else "not known")
        if known:
            answer.text, answer.reason = known, "known"
        return bool(known)

    async def _debounce(self, answer: Answer, turn: Turn, ask: Ask) -> None:
        """Let a burst of keystrokes pass."""
        if ask.automatic and self.settings.completion.debounce_ms:
            await asyncio.sleep(self.settings.completion.debounce_ms / 1000)
            if not self._turns.is_current(turn):
                answer.reason = "superseded"

    async def _plan(self, answer: Answer, snapshot: Snapshot, neighbours: Neighbours, ask: Ask) -> Plan | None:
        """Plan the prompt, once there is a model. Only where pauses will be used can it be short for now."""
        in_haste = ask.automatic and self.settings.engine.warm_up
        patience_ms = self.settings.completion.patience_ms if in_haste else 0
        try:
            model = await self.engine.ready()
            plan = self._planner.plan(snapshot, neighbours, model, patience_ms)
        except InfillError as error:
            answer.reason, answer.error = "failed", str(error)
            return None
        format_name = plan.fim_format.name
        answer.trace.add("model", f"{model.name}, {format_name} format, window of {model.window_tokens} tokens")
        for block in plan.anchor.blocks:
            answer.trace.add("block", f"{block.path}: {block.reason}, about {block.tokens} tokens", block.text)
        answer.trace.add("prompt", plan.describe(), plan.render(model.markers))
        return plan

    def _max_tokens(self, ask: Ask) -> int:
        return ask.max_tokens or self.settings.completion.max_tokens

    async def _generate(self, answer: Answer, snapshot: Snapshot, plan: Plan, ask: Ask) -> None:
        """Stream from the engine until the hole is filled. Leaving the stream early cancels the request there."""
        completion = self.settings.completion
        rules = stop.rules_for(snapshot, completion.multi_line, completion.max_lines)
        request = Generate(
            plan.anchor.parts,
            self._max_tokens(ask),
            typed=plan.continuation.typed,
            reserve_tokens=plan.anchor.reserve_tokens,
            sampling=Sampling(confidence=completion.confidence),
            document=snapshot.uri,
            kind=ask.kind,
        )
        raw = ""
        began = time.monotonic()
        async with contextlib.aclosing(self.engine.generate(request)) as events:
            async for event in events:
                match event:
                    case Prefilled(timings):
                        answer.timings = timings
                        began = time.monotonic()
                    case Chunk(text):
                        raw += text
                        answer.timings.decoded_tokens += 1
                        answer.timings.decode_ms = (time.monotonic() - began) * 1000
                        if cut := rules.check(raw):
                            answer.reason, answer.text = cut.rule, raw[: cut.length]
                            break
                    case Done(reason, timings):
                        answer.reason, answer.timings, answer.text = reason, timings, raw
                    case Failed(message):
                        answer.reason, answer.error = "failed", message
        answer.trace.add("engine", f"ended by: {answer.reason}", raw)

    def _clean(self, answer: Answer, snapshot: Snapshot, plan: Plan) -> None:
        """Filter the text, and remember what is left."""
        if not _is_answered(answer):
            answer.text = ""
            return
        if model := self.engine.model:
            self._planner.evaluated(plan.anchor, answer.timings, model)
        answer.text, applied = filters.clean(answer.text, snapshot)
        answer.trace.add("filters", ", ".join(applied) or "nothing to do")
        if answer.text:
            self._answers.remember(snapshot, answer.text, from_short_prompt=plan.anchor.is_short)

    # Pauses

    def _warm_up_later(self, snapshot: Snapshot, neighbours: Neighbours) -> None:
        """When nothing is asked for a moment, bring a new anchor into the cache, so that the next burst starts warm."""
        self._end_warm_up(snapshot.uri)  # that of another kind, which ran at the same time
        if self.settings.engine.warm_up:
            self._warm_ups[snapshot.uri] = asyncio.ensure_future(self._warm_up(snapshot, neighbours))

    def _end_warm_up(self, uri: str) -> None:
        if task := self._warm_ups.pop(uri, None):
            task.cancel()

    async def _warm_up(self, snapshot: Snapshot, neighbours: Neighbours) -> None:
        await asyncio.sleep(PAUSE_S)
        model = self.engine.model
        anchor = self._planner.plan_ahead(snapshot, neighbours, model) if model else None
        if model is None or anchor is None:
            return
        request = Generate(
            anchor.parts,
            0,
            reserve_tokens=anchor.reserve_tokens + self.settings.completion.max_tokens,
            document=snapshot.uri,
            kind="warm-up",
            priority=Priority.WARM_UP,
        )
        async with contextlib.aclosing(self.engine.generate(request)) as events:
            async for event in events:
                if isinstance(event, Done) and event.reason == "length":
                    self._planner.adopt(snapshot.uri, anchor, model)


def _is_answered(answer: Answer) -> bool:
    """Whether the prompt was evaluated to its end, and somebody still waited."""
    return not answer.error and answer.reason not in ABANDONED


def _describe_trigger(snapshot: Snapshot, ask: Ask) -> str:
    how = "typing" if ask.automatic else "asked for"
    return f"{ask.kind}, {how}, {snapshot.path}:{snapshot.line + 1}:{snapshot.character + 1}, {snapshot.language_id}"


def _describe_timings(timings: Timings) -> str:
    return (
        f"queued {timings.queue_ms:.1f} ms, prompt {timings.prompt_tokens} tokens of which {timings.reused_tokens} "
        f"reused, prefill {timings.prefill_ms:.1f} ms, first token after {timings.first_token_ms:.1f} ms, "
        f"{timings.decoded_tokens} tokens written in {timings.decode_ms:.1f} ms, total {timings.total_ms:.1f} ms"
    )


def _describe_outcome(answer: Answer) -> str:
    if answer.text:
        return f"{len(answer.text)} characters"
    return f"nothing: {answer.error or answer.reason if answer.reason != 'end' else 'the model had nothing to add'}"
