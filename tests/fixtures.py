"""Snapshots, models and engines for unit tests."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import AsyncGenerator, Iterable

from lsp_server.engine.client import EngineState
from lsp_server.engine.messages import Event, Generate, Marker, ModelInfo, PromptPart
from lsp_server.snapshot import Snapshot

CURSOR = "‸"

DEEPSEEK = {
    "begin": "<｜begin▁of▁sentence｜>",
    "prefix": "<｜fim▁begin｜>",
    "suffix": "<｜fim▁hole｜>",
    "middle": "<｜fim▁end｜>",
}
QWEN = {"prefix": "<|fim_prefix|>", "suffix": "<|fim_suffix|>", "middle": "<|fim_middle|>"}


def snapshot_at(text: str, language_id: str = "python", path: str = "main.py") -> Snapshot:
    """The snapshot of a text with a `‸` where the cursor is."""
    assert text.count(CURSOR) == 1, "a text has one cursor"
    prefix, suffix = text.split(CURSOR)
    return make_snapshot(prefix, suffix, language_id, path)


def make_snapshot(prefix: str, suffix: str = "", language_id: str = "python", path: str = "main.py") -> Snapshot:
    """The snapshot of a text that may itself hold a `‸`."""
    return Snapshot(
        uri=f"file:///project/{path}",
        version=1,
        language_id=language_id,
        path=path,
        prefix=prefix,
        suffix=suffix,
        line=prefix.count("\n"),
        character=len(prefix) - prefix.rfind("\n") - 1,
    )


def make_model(window_tokens: int = 2048, markers: dict[str, str] | None = None) -> ModelInfo:
    """A model, DeepSeek-Coder unless told otherwise."""
    return ModelInfo(
        name="test-model",
        path="/models/test-model.gguf",
        description="no model at all",
        markers=DEEPSEEK if markers is None else markers,
        num_parameters=1,
        trained_window_tokens=window_tokens,
        window_tokens=window_tokens,
        cache_tokens=window_tokens,
        weights_bytes=1,
        cache_bytes=1,
        isolates_line_breaks=True,
        can_drop_tail=True,
        backend="scripted",
    )


def render(parts: Iterable[PromptPart], markers: dict[str, str]) -> str:
    """A prompt as one text."""
    return "".join(markers[part.role] if isinstance(part, Marker) else part.text for part in parts)


class ScriptedEngine:
    """Satisfies `EngineClient`: answers every request with the same events, and notes what happens to it.

    An `asyncio.Event` in the script is waited for, `waiting` being set. `fault` is what `ready` raises.
    """

    def __init__(self, *script: Event | asyncio.Event, fault: Exception | None = None) -> None:
        self.script = script
        self.fault = fault
        self.state = EngineState.READY
        self.model: ModelInfo | None = make_model()
        self.requests: list[Generate] = []
        self.waiting = asyncio.Event()
        self.num_sent = 0
        self.ends: list[str] = []

    async def ready(self) -> ModelInfo:
        if self.fault is not None:
            raise self.fault
        assert self.model is not None
        return self.model

    async def generate(self, request: Generate) -> AsyncGenerator[Event, None]:
        self.requests.append(request)
        try:
            for item in self.script:
                if isinstance(item, asyncio.Event):
                    self.waiting.set()
                    await item.wait()
                else:
                    self.num_sent += 1
                    yield copy.deepcopy(item)  # as if it came over the wire
        except GeneratorExit:
            self.ends.append("closed early")
            raise
        except asyncio.CancelledError:
            self.ends.append("cancelled")
            raise
        self.ends.append("read to the end")
