"""The life of a request, as one function that names its stages in order: `Pipeline.complete`."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

from lsp_server.base.errors import InfillError
from lsp_server.completion.answers import Answers
from lsp_server.completion.context_planner import Context, ContextPlanner, Neighbours
from lsp_server.completion.generations import Generations
from lsp_server.completion.latency import Latency
from lsp_server.completion.latest_requests import LatestRequests, RequestNumber
from lsp_server.completion.planner import Plan, Planner
from lsp_server.completion.request import Answer, CompletionRequest
from lsp_server.completion.switch import Switch
from lsp_server.completion.warm_up import WarmUp
from lsp_server.engine.client.interface import EngineClient, EngineState
from lsp_server.ipc.requests import Priority, Sampling, Timings
from lsp_server.settings.model import Settings
from lsp_server.text.secrets import ends_in_secret, has_secret, is_secret_name
from lsp_server.text.snapshot import Snapshot

ALTERNATIVES_TEMPERATURE = 0.8
AROUND_CURSOR = 1000  # characters on each side
HELD_BACK = "{path} holds a secret. So infill sends nothing of it to the remote engine."


class Pipeline:
    """All stages from a snapshot to an answer, for one engine, one set of settings, and one off switch."""

    def __init__(
        self,
        engine: EngineClient,
        settings: Settings,
        switch: Switch | None = None,
        context: Context | None = None,
    ) -> None:
        self.engine = engine
        self.settings = settings
        self._switch = switch or Switch()
        self._latest = LatestRequests()
        self._latency = Latency()
        self._answers = Answers()
        self._planner = Planner(settings)
        self._context_planner = ContextPlanner(self._planner, settings, context)
        self._generations = Generations(engine, settings, self._planner, self._answers, self._latency)
        self._warm_up = WarmUp(engine, settings, self._planner, self._context_planner, self._answers, self._generations)

    async def complete(self, snapshot: Snapshot, neighbours: Neighbours, request: CompletionRequest) -> Answer:
        """Answer a request. `Answer.error` reports faults of model and engine.

        If the caller is cancelled, its generation is cancelled too, unless another request joins it (`Generation`).
        """
        started = time.monotonic()
        answer = Answer()
        answer.trace.add("trigger", _describe_trigger(snapshot, request))
        number = self._latest.register(snapshot.uri, request.kind)
        plan: Plan | None = None
        if not (
            self._decline(answer, snapshot, request)
            or await self._hold_back(answer, snapshot, request)
            or self._recall(answer, snapshot, request)
            or await self._join(answer, snapshot, request)
        ):
            self._warm_up.cancel(snapshot.uri)
            await self._debounce(answer, number, request)
            if not answer.reason and (plan := await self._plan(answer, snapshot, neighbours, request)):
                await self._generate(answer, snapshot, plan, request)
        if (
            request.num_texts > 1
            and answer.text
            and (plan := plan or await self._plan(answer, snapshot, neighbours, request))
        ):
            await self._find_alternatives(answer, snapshot, plan, request)
        if request.automatic and (answer.text or (plan and plan.anchor.is_short and answer.is_evaluated)):
            self._warm_up.schedule(snapshot, neighbours, answer.text)
        answer.timings.total_ms = (time.monotonic() - started) * 1000
        answer.trace.add("timings", _describe_timings(answer.timings))
        answer.trace.add("shown", _describe_outcome(answer), answer.text or None)
        return answer

    def forget(self, uri: str) -> None:
        """End the requests of a document that was closed, and drop everything known about it."""
        self._latest.forget(uri)
        self._answers.forget(uri)
        self._planner.forget(uri)
        self._warm_up.cancel(uri)
        self._generations.forget(uri)

    def close(self) -> None:
        """End the warm-ups: other settings are in force. Requests under way are answered."""
        self._warm_up.close()

    # Stages

    def _decline(self, answer: Answer, snapshot: Snapshot, request: CompletionRequest) -> bool:
        """Decline a request that must not reach the model, and say why."""
        completion = self.settings.completion
        from_editor = request.kind in ("inline", "menu")
        if from_editor and not completion.enabled:
            answer.reason = "switched off"
        elif from_editor and snapshot.language_id in completion.disabled_languages:
            answer.reason = f"switched off for {snapshot.language_id}"
        elif from_editor and (why := self._switch.why_off(snapshot.language_id, snapshot.uri)):
            answer.reason = why
        elif request.kind != "command" and is_secret_name(snapshot.path, *snapshot.names):
            answer.reason = "a file that usually holds secrets"
        elif request.automatic and snapshot.is_inside_word:
            answer.reason = "inside a word"
        elif request.automatic and self.engine.state is not EngineState.READY:
            answer.reason = f"the engine is {self.engine.state.value}"
            self.engine.start()  # an idle engine may have been unloaded
        return bool(answer.reason)

    async def _hold_back(self, answer: Answer, snapshot: Snapshot, request: CompletionRequest) -> bool:
        """Keep a text that holds a secret on this machine. Whoever runs `infill complete` has named the file."""
        if not self.settings.remote.url or request.kind == "command":
            return False
        # The parts that typing leaves as they are were searched before. A secret may stand around the cursor too.
        around = snapshot.prefix[-AROUND_CURSOR:] + snapshot.suffix[:AROUND_CURSOR]
        for text in (snapshot.prefix, snapshot.suffix, around):
            if await asyncio.to_thread(has_secret, text, snapshot.path):
                answer.reason, answer.error = "a secret", HELD_BACK.format(path=snapshot.path)
                return True
        if ends_in_secret(snapshot.prefix, snapshot.path):
            answer.reason = "a secret that is being typed"
        return bool(answer.reason)

    def _recall(self, answer: Answer, snapshot: Snapshot, request: CompletionRequest) -> bool:
        """Answer from an earlier answer that the typed text agrees with."""
        if request.is_action:
            return False
        known = self._answers.recall(snapshot, request.limits, provisional=request.automatic)
        answer.trace.add("recall", "known from an earlier answer" if known else "no earlier answer agrees")
        if known:
            answer.text, answer.reason = known, "known"
        return bool(known)

    async def _join(self, answer: Answer, snapshot: Snapshot, request: CompletionRequest) -> bool:
        """Wait for a running generation whose text agrees with the typed text. Stop one that does not agree."""
        generation = self._generations.joinable(snapshot, request)
        if generation is None:
            return False
        answer.trace.add("recall", "joins the running generation")
        await generation.read()
        return self._recall(answer, snapshot, request)

    async def _debounce(self, answer: Answer, number: RequestNumber, request: CompletionRequest) -> None:
        """Wait for a burst of keystrokes to end, but no longer than an answer would take."""
        wait_ms = self.settings.completion.debounce_ms
        if request.automatic and wait_ms:
            await asyncio.sleep(min(wait_ms, self._latency.typical_ms() or wait_ms) / 1000)
            if not self._latest.is_latest(number):
                answer.reason = "superseded"

    async def _plan(
        self, answer: Answer, snapshot: Snapshot, neighbours: Neighbours, request: CompletionRequest
    ) -> Plan | None:
        """Plan the prompt as soon as the model is loaded.

        An anchor may be short only where warm-ups replace it during pauses.
        """
        may_be_short = request.automatic and self.settings.engine.warm_up
        prefill_budget_ms = self.settings.completion.prefill_budget_ms if may_be_short else 0
        try:
            model = await self.engine.ready()
            plan, gathered = await self._context_planner.plan(snapshot, neighbours, model, prefill_budget_ms)
        except InfillError as error:
            answer.reason, answer.error = "failed", str(error)
            return None
        format_name = plan.family.name
        answer.trace.add("model", f"{model.name}, {format_name} format, context length {model.context_tokens} tokens")
        for note in gathered.notes if gathered else ():
            answer.trace.add("context", note)
        for block in plan.anchor.blocks:
            answer.trace.add("block", f"{block.path}: {block.reason}, about {block.tokens} tokens", block.text)
        answer.trace.add("prompt", plan.describe(), plan.render(model.markers))
        return plan

    async def _generate(self, answer: Answer, snapshot: Snapshot, plan: Plan, request: CompletionRequest) -> None:
        """Generate the text that fills the hole. Only an automatic request stops where the model is unsure."""
        sampling = Sampling(confidence=self.settings.completion.confidence if request.automatic else 0.0)
        generation = self._generations.start(snapshot, plan, request, sampling)
        await generation.read()
        answer.text, answer.reason, answer.error = generation.text, generation.reason, generation.error
        answer.timings = generation.timings
        answer.trace.add("engine", f"ended by: {answer.reason}", generation.raw)
        if answer.is_evaluated:
            answer.trace.add("filters", ", ".join(generation.filtered_by) or "nothing to do")

    async def _find_alternatives(
        self, answer: Answer, snapshot: Snapshot, plan: Plan, request: CompletionRequest
    ) -> None:
        """Sample other texts from the same prompt, all in one batch."""
        others = [
            self._generations.start(
                snapshot,
                plan,
                replace(request, kind=f"{request.kind} {number}"),
                Sampling(temperature=ALTERNATIVES_TEMPERATURE, seed=number),
                Priority.ALTERNATIVES,
            )
            for number in range(1, request.num_texts)
        ]
        await asyncio.gather(*(other.read() for other in others))
        # Editors show the first text. Remembered last, it stays while it is typed, even where others agree too.
        if not request.is_action:
            self._answers.remember(snapshot, answer.text, request.limits)
        for other in others:
            if other.text and other.text not in (answer.text, *answer.alternatives):
                answer.alternatives.append(other.text)
        answer.trace.add("alternatives", f"{len(answer.alternatives)} of {len(others)} differ")


def _describe_trigger(snapshot: Snapshot, request: CompletionRequest) -> str:
    how = "automatic request" if request.automatic else "explicit request"
    return (
        f"{request.kind}, {how}, {snapshot.path}:{snapshot.line + 1}:{snapshot.character + 1}, {snapshot.language_id}"
    )


def _describe_timings(timings: Timings) -> str:
    drafts = (
        f" ({timings.accepted_tokens} of {timings.drafted_tokens} drafted accepted)" if timings.drafted_tokens else ""
    )
    return (
        f"queued {timings.queue_ms:.1f} ms, prompt {timings.prompt_tokens} tokens of which {timings.reused_tokens} "
        f"reused, prefilled in {timings.prefill_ms:.1f} ms, first token after {timings.first_token_ms:.1f} ms, "
        f"{timings.decoded_tokens} tokens decoded{drafts} in {timings.decode_ms:.1f} ms, "
        f"total {timings.total_ms:.1f} ms"
    )


def _describe_outcome(answer: Answer) -> str:
    if answer.text:
        return f"{len(answer.text)} characters"
    return f"nothing: {answer.error or answer.reason if answer.reason != 'end' else 'the model had nothing to add'}"
