"""The running generations: the newest of each document and kind."""

from __future__ import annotations

from lsp_server.completion.answers import Answers
from lsp_server.completion.generation import Generation
from lsp_server.completion.latency import Latency
from lsp_server.completion.planner import Plan, Planner
from lsp_server.completion.request import ABANDONED, SPECULATIVE, CompletionRequest
from lsp_server.engine.client.interface import EngineClient
from lsp_server.ipc.requests import Generate, Priority, Sampling
from lsp_server.postprocess import filters, stop
from lsp_server.prompt.settled_indentation import is_settled
from lsp_server.settings.model import Settings
from lsp_server.text.snapshot import Snapshot


class Generations:
    """Starts generations, and filters and remembers the text of each one that ends."""

    def __init__(
        self, engine: EngineClient, settings: Settings, planner: Planner, answers: Answers, latency: Latency
    ) -> None:
        self._engine = engine
        self._settings = settings
        self._planner = planner
        self._answers = answers
        self._latency = latency
        self._newest: dict[tuple[str, str], Generation] = {}  # by document and kind

    def joinable(self, snapshot: Snapshot, kind: str) -> Generation | None:
        """The running generation whose text agrees with a snapshot. One of this kind that disagrees is stopped."""
        speculative = self._newest.get((snapshot.uri, SPECULATIVE))
        if speculative and not speculative.is_over and speculative.agrees_with(snapshot):
            return speculative
        generation = self._newest.get((snapshot.uri, kind))
        if generation is None or generation.is_over:
            return None
        if not generation.agrees_with(snapshot):
            generation.stop("superseded")
            return None
        return generation

    def start(
        self,
        snapshot: Snapshot,
        plan: Plan,
        request: CompletionRequest,
        sampling: Sampling,
        priority: Priority = Priority.INTERACTIVE,
    ) -> Generation:
        """Start a generation. It becomes the newest of its document and kind."""
        completion = self._settings.completion
        rules = stop.rules_for(
            snapshot,
            "always" if request.max_lines else completion.multi_line,
            request.max_lines or completion.max_lines,
            plan.family.stops + request.stops,
            completion.switched_off_rules,
        )
        prompt_request = Generate(
            plan.anchor.parts,
            request.max_tokens or completion.max_tokens,
            typed=plan.continuation.typed,
            reserve_tokens=plan.anchor.reserve_tokens,
            fixed_indent=bool(plan.continuation.typed) and is_settled(snapshot),
            sampling=sampling,
            document=snapshot.uri,
            kind=request.kind,
            priority=priority,
        )
        generation = Generation(self._engine, prompt_request, snapshot, rules, lambda ended: self._finish(ended, plan))
        self._newest[snapshot.uri, request.kind] = generation
        return generation

    def stop_speculative(self, uri: str) -> None:
        """Stop the speculative generation of a document, if there is one."""
        if speculative := self._newest.pop((uri, SPECULATIVE), None):
            speculative.stop("superseded")

    def forget(self, uri: str) -> None:
        """Stop every generation of a document that was closed."""
        for key in [key for key in self._newest if key[0] == uri]:
            self._newest.pop(key).stop("superseded")

    def _finish(self, generation: Generation, plan: Plan) -> None:
        """Filter the text of a generation that has ended, and remember the rest."""
        if generation.error or generation.reason in ABANDONED:
            generation.text = ""
            return
        self._latency.learn(generation.timings.first_token_ms)
        if model := self._engine.model:
            self._planner.evaluated(plan.anchor, generation.timings, model)
        snapshot = generation.snapshot
        generation.text, generation.filtered_by = filters.clean(
            generation.text,
            snapshot,
            self._settings.completion.switched_off_rules,
            overran=generation.reason in stop.ENDS_BY_OVERRUN,
        )
        if generation.text:
            is_provisional = plan.anchor.is_short or generation.reason == "low_confidence"
            self._answers.remember(snapshot, generation.text, is_provisional=is_provisional)
