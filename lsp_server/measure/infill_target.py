"""infill as a benchmark's target: the real engine process over HTTP, with the prompts of the real planner."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable

from lsp_server.base.errors import EngineError
from lsp_server.completion.planner import Planner
from lsp_server.engine.client.supervisor import EngineSupervisor
from lsp_server.ipc.launch import EngineOptions
from lsp_server.ipc.model_info import ModelInfo
from lsp_server.ipc.requests import Chunk, Done, Failed, Generate, Marker, Prefilled, PromptPart, Text, Timings
from lsp_server.measure.corpus import View
from lsp_server.measure.targets import INFILL, Answer, ignore
from lsp_server.settings.model import CompletionSettings, ContextSettings, Settings

IDLE = "0 open, 0 detached"  # of the scheduler's dump
POLL_S = 0.02


class InfillTarget:
    """Satisfies `Target`. `max_tokens` is the answer's length that prompts are planned for.

    With `prefill_budget_ms`, prompts are shorter where the whole prefill would take longer. 0 keeps their full length.
    """

    def __init__(self, engine: EngineSupervisor, model: ModelInfo, max_tokens: int, prefill_budget_ms: int = 0) -> None:
        self.name = INFILL
        self.engine = engine
        self.model = model
        self.prefill_budget_ms = prefill_budget_ms
        settings = Settings(completion=CompletionSettings(max_tokens=max_tokens), context=ContextSettings(max_tokens=0))
        self._planner = Planner(settings)

    async def complete(self, view: View, max_tokens: int, on_text: Callable[[Answer], None] = ignore) -> Answer:
        """Complete at a cursor, as the pipeline does."""
        return await self.ask(self.request(view, max_tokens), on_text)

    async def decode_alone(self, view: View, num_tokens: int) -> Answer:
        """Write some tokens where only the prompt's last token is not in the cache."""
        # Healing would evaluate more than the last token, and its text may have other tokens.
        await self.ask(self.request(view, 1, heal=False))
        return await self.ask(self.request(view, num_tokens, heal=False))

    def request(self, view: View, max_tokens: int, *, heal: bool = True) -> Generate:
        """The request that the pipeline would make."""
        plan = self._planner.plan(view.snapshot(), lambda: (), self.model, self.prefill_budget_ms)
        return Generate(
            plan.anchor.parts,
            max_tokens,
            typed=plan.continuation.typed,
            reserve_tokens=plan.anchor.reserve_tokens,
            heal=heal,
            document=view.uri,
        )

    async def ask(self, request: Generate, on_text: Callable[[Answer], None] = ignore) -> Answer:
        """Send a request and read its answer. Raises `EngineError` if it fails."""
        answer = Answer()
        began = time.perf_counter()
        async with contextlib.aclosing(self.engine.generate(request)) as events:
            async for event in events:
                match event:
                    case Prefilled(timings):
                        _fill(answer, timings)
                    case Chunk(text):
                        if not answer.text:
                            answer.first_text_ms = (time.perf_counter() - began) * 1000
                        answer.text += text
                        if len(answer.text) == len(text):
                            on_text(answer)
                    case Done(_, timings):
                        _fill(answer, timings)
                    case Failed(message):
                        raise EngineError(message)
        answer.total_ms = (time.perf_counter() - began) * 1000
        return answer

    async def settle(self) -> None:
        """Wait until no request is open and no detached prefill goes on."""
        while IDLE not in await self.engine.dump():  # noqa: ASYNC110  (another process: there is no event)
            await asyncio.sleep(POLL_S)


def _fill(answer: Answer, timings: Timings) -> None:
    answer.prompt_tokens = timings.prompt_tokens
    answer.evaluated_tokens = timings.prompt_tokens - timings.reused_tokens
    answer.written_tokens = timings.decoded_tokens
    answer.prompt_ms = timings.prefill_ms
    answer.queue_ms = timings.queue_ms


def prompt_of(text: str, model: ModelInfo) -> tuple[PromptPart, ...]:
    """A prompt with that text before the cursor, and a line break after it."""
    begin: tuple[PromptPart, ...] = (Marker("begin"),) if "begin" in model.markers else ()
    return (*begin, Marker("prefix"), Text(text), Marker("suffix"), Text("\n"), Marker("middle"))


@contextlib.asynccontextmanager
async def running_engine(options: EngineOptions) -> AsyncIterator[tuple[EngineSupervisor, ModelInfo]]:
    """An engine process with its model loaded. Raises the error that keeps it from serving."""
    engine = EngineSupervisor(options)
    engine.start()
    try:
        yield engine, await engine.ready()
    finally:
        await engine.stop()
