"""What happens while the user pauses: the next anchor is prefilled, and the next completion is generated."""

from __future__ import annotations

import asyncio
import contextlib

from lsp_server.completion.answers import Answers
from lsp_server.completion.context_planner import ContextPlanner, Neighbours
from lsp_server.completion.generations import Generations
from lsp_server.completion.planner import Planner
from lsp_server.completion.request import SPECULATIVE, CompletionRequest
from lsp_server.engine.client.interface import EngineClient
from lsp_server.ipc.model_info import ModelInfo
from lsp_server.ipc.requests import Done, Generate, Priority, Sampling
from lsp_server.prompt.anchor import Anchor
from lsp_server.settings.model import Settings
from lsp_server.text.snapshot import Snapshot

PAUSE_S = 0.7  # so long without a request counts as a pause


class WarmUp:
    """Keeps one task per document, which waits for a pause. The next request of the document cancels it."""

    def __init__(
        self,
        engine: EngineClient,
        settings: Settings,
        planner: Planner,
        context_planner: ContextPlanner,
        answers: Answers,
        generations: Generations,
    ) -> None:
        self._engine = engine
        self._settings = settings
        self._planner = planner
        self._context_planner = context_planner
        self._answers = answers
        self._generations = generations
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._is_closed = False

    def schedule(self, snapshot: Snapshot, neighbours: Neighbours, text: str) -> None:
        """Prepare the next burst of typing after a pause, and the acceptance of `text`, which is shown now."""
        self.cancel(snapshot.uri)  # a request of another kind may have scheduled one at the same time
        if self._settings.engine.warm_up and not self._is_closed:
            self._tasks[snapshot.uri] = asyncio.ensure_future(self._run(snapshot, neighbours, text))

    def cancel(self, uri: str) -> None:
        """Cancel the warm-up and the speculative completion of a document."""
        if task := self._tasks.pop(uri, None):
            task.cancel()
        self._generations.stop_speculative(uri)

    def close(self) -> None:
        """Cancel everything, and schedule nothing more."""
        self._is_closed = True
        for uri in list(self._tasks):
            self.cancel(uri)

    async def _run(self, snapshot: Snapshot, neighbours: Neighbours, text: str) -> None:
        await asyncio.sleep(PAUSE_S)
        if model := self._engine.model:
            if anchor := await self._context_planner.plan_warm_up(snapshot, neighbours, model):
                await self._prefill(snapshot.uri, anchor, model)
            if text and self._settings.completion.speculative:
                await self._complete_speculatively(snapshot.accepting(text), neighbours, model)

    async def _prefill(self, uri: str, anchor: Anchor, model: ModelInfo) -> None:
        """Have the engine evaluate an anchor, and plan with that anchor from then on."""
        prompt_request = Generate(
            anchor.parts,
            0,
            reserve_tokens=anchor.reserve_tokens + self._settings.completion.max_tokens,
            document=uri,
            kind="warm-up",
            priority=Priority.WARM_UP,
        )
        async with contextlib.aclosing(self._engine.generate(prompt_request)) as events:
            async for event in events:
                if isinstance(event, Done) and event.reason == "length":
                    self._planner.adopt(uri, anchor, model)

    async def _complete_speculatively(self, accepted: Snapshot, neighbours: Neighbours, model: ModelInfo) -> None:
        """Generate what follows the shown text. A user who accepts that text gets the next one at once."""
        if self._answers.recall(accepted) is None:
            plan, _ = await self._context_planner.plan(accepted, neighbours, model)
            sampling = Sampling(confidence=self._settings.completion.confidence)
            request = CompletionRequest(SPECULATIVE)
            await self._generations.start(accepted, plan, request, sampling, Priority.WARM_UP).read()
