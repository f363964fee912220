"""The running generations: the newest of each document and kind."""

from __future__ import annotations

from lsp_server.completion.answers import Answers
from lsp_server.completion.generation import Generation
from lsp_server.completion.latency import Latency
from lsp_server.completion.planner import Plan, Planner
from lsp_server.completion.request import ABANDONED, SPECULATIVE, CompletionRequest, Limits
from lsp_server.engine.client.interface import EngineClient
from lsp_server.ipc.requests import Generate, Priority, Sampling
from lsp_server.postprocess.finish import finish
from lsp_server.postprocess.stop import rules_for
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
        self._newest: dict[tuple[str, str], tuple[Generation, Limits]] = {}  # by document and kind

    def joinable(self, snapshot: Snapshot, request: CompletionRequest) -> Generation | None:
        """The running generation of the request's limits whose text agrees with a snapshot.

        One of the same kind that does not fit is stopped. A code action joins none.
        """
        for kind in (SPECULATIVE, request.kind):
            generation, limits = self._newest.get((snapshot.uri, kind), (None, None))
            if generation is None or generation.is_over:
                continue
            if not request.is_action and limits == request.limits and generation.agrees_with(snapshot):
                return generation
            if kind == request.kind:
                generation.stop("superseded")
        return None

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
        rules = rules_for(
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
        generation = Generation(
            self._engine, prompt_request, snapshot, rules, lambda ended: self._finish(ended, plan, request)
        )
        self._newest[snapshot.uri, request.kind] = generation, request.limits
        return generation

    def stop_speculative(self, uri: str) -> None:
        """Stop the speculative generation of a document, if there is one."""
        if speculative := self._newest.pop((uri, SPECULATIVE), None):
            speculative[0].stop("superseded")

    def forget(self, uri: str) -> None:
        """Stop every generation of a document that was closed."""
        for key in [key for key in self._newest if key[0] == uri]:
            self._newest.pop(key)[0].stop("superseded")

    def _finish(self, generation: Generation, plan: Plan, request: CompletionRequest) -> None:
        """Filter the text of a generation that has ended, and remember the rest, unless a code action asked."""
        if generation.error or generation.reason in ABANDONED:
            generation.text = ""
            return
        self._latency.learn(generation.timings.first_token_ms)
        if model := self._engine.model:
            self._planner.evaluated(plan.anchor, generation.timings, model)
        snapshot = generation.snapshot
        is_unsure = generation.reason == "low_confidence"
        finished = finish(
            generation.text,
            generation.reason,
            snapshot,
            generation.rules,
            self._settings.completion.switched_off_rules,
        )
        generation.text, generation.reason = finished.text, finished.reason
        generation.filtered_by = finished.filtered_by
        if generation.text and not request.is_action:
            is_provisional = plan.anchor.is_short or is_unsure
            self._answers.remember(snapshot, generation.text, request.limits, is_provisional=is_provisional)
