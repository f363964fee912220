"""An engine that writes each text once and remembers it, for replays that differ only in how sure a text must be.

What a higher threshold leaves of a text is the beginning of what a lower one leaves, so that replays from the lowest to
the highest ask the model only for what none of them had asked before. A replay by itself finds other near ties: what a
model writes depends a little on the tokens that the same text before it has in the cache, which is how it came there.
"""

from __future__ import annotations

import math
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field

import msgspec

from lsp_server.engine.client.interface import EngineClient, EngineState
from lsp_server.ipc.model_info import ModelInfo
from lsp_server.ipc.requests import Chunk, Done, Event, Generate, Timings


@dataclass(slots=True)
class _CachedText:
    confidence: float
    events: list[Event] = field(default_factory=list)


class CachingEngine:
    """Satisfies `EngineClient` with another's texts. Ask for a text with thresholds that rise, or stay."""

    def __init__(self, engine: EngineClient) -> None:
        self._engine = engine
        self._written: dict[bytes, _CachedText] = {}
        self.num_asked = 0

    @property
    def state(self) -> EngineState:
        """That of the other engine."""
        return self._engine.state

    @property
    def model(self) -> ModelInfo | None:
        """That of the other engine."""
        return self._engine.model

    def start(self) -> None:
        """Start the other engine."""
        self._engine.start()

    async def ready(self) -> ModelInfo:
        """Wait for the other engine. Raises what that raises."""
        return await self._engine.ready()

    async def generate(self, request: Generate) -> AsyncGenerator[Event, None]:
        """The text for a prompt, as far as its probability allows; see `Sampling.confidence`."""
        confidence = request.sampling.confidence
        key = msgspec.json.encode((request.prompt, request.typed, request.max_tokens))
        if written := self._written.get(key):
            assert written.confidence <= confidence, "a lower threshold needs more of the text than there is"
            for event in _cut(written.events, confidence):
                yield event
            return
        written = self._written[key] = _CachedText(confidence)
        self.num_asked += 1
        async for event in self._engine.generate(msgspec.structs.replace(request, logprobs=True)):
            written.events.append(event)
            yield event


def _cut(events: list[Event], confidence: float) -> list[Event]:
    """Events up to the token that makes its line less probable than that."""
    kept: list[Event] = []
    joint = 0.0
    for event in events:
        if isinstance(event, Chunk):
            joint += event.logprob or 0.0
            if confidence > 0 and joint < math.log(confidence):
                return [*kept, Done("low_confidence", Timings())]
            if "\n" in event.text:
                joint = 0.0
        kept.append(event)
    return kept
