"""An engine that keeps the model's texts, for replays that differ only in the threshold of probability.

A higher threshold keeps a beginning of the text that a lower one keeps. So replays from the lowest threshold to the
highest ask the model once for each prompt. A replay of one threshold alone finds other near ties: logits depend a
little on how the prompt was tokenised into the cache.
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
    """Satisfies `EngineClient` with the texts of another engine. Thresholds for one text may not fall."""

    def __init__(self, engine: EngineClient) -> None:
        self._engine = engine
        self._texts: dict[bytes, _CachedText] = {}
        self.num_requests = 0

    @property
    def state(self) -> EngineState:
        """The state of the other engine."""
        return self._engine.state

    @property
    def model(self) -> ModelInfo | None:
        """The model of the other engine."""
        return self._engine.model

    def start(self) -> None:
        """Start the other engine."""
        self._engine.start()

    async def ready(self) -> ModelInfo:
        """Wait for the other engine. Raises the errors of its `ready`."""
        return await self._engine.ready()

    async def generate(self, request: Generate) -> AsyncGenerator[Event, None]:
        """The text for a prompt, cut where its probability falls below `Sampling.confidence`."""
        confidence = request.sampling.confidence
        key = msgspec.json.encode((request.prompt, request.typed, request.max_tokens))
        if written := self._texts.get(key):
            assert written.confidence <= confidence, "a lower threshold needs more of the text than there is"
            for event in _cut(written.events, confidence):
                yield event
            return
        written = self._texts[key] = _CachedText(confidence)
        self.num_requests += 1
        async for event in self._engine.generate(msgspec.structs.replace(request, logprobs=True)):
            written.events.append(event)
            yield event


def _cut(events: list[Event], confidence: float) -> list[Event]:
    """Events up to the token that makes its line less probable than `confidence`."""
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
