"""Snapshots, models and engines for unit tests."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace

from lsp_server.completion.pipeline import Pipeline
from lsp_server.engine.client.interface import EngineState
from lsp_server.ipc.model_info import ModelInfo, Parameters
from lsp_server.ipc.requests import Chunk, Done, Event, Generate, Prefilled, PromptPart, Text, Timings
from lsp_server.settings.model import CompletionSettings, ContextSettings, EngineSettings, Settings
from lsp_server.text.excerpts import Neighbour
from lsp_server.text.snapshot import Snapshot

CURSOR = "‸"

DEEPSEEK = {
    "begin": "<｜begin▁of▁sentence｜>",
    "prefix": "<｜fim▁begin｜>",
    "suffix": "<｜fim▁hole｜>",
    "middle": "<｜fim▁end｜>",
}
QWEN = {
    "prefix": "<|fim_prefix|>",
    "suffix": "<|fim_suffix|>",
    "middle": "<|fim_middle|>",
    "repo": "<|repo_name|>",
    "file": "<|file_sep|>",
}


def snapshot_at(text: str, language_id: str = "python", path: str = "main.py", project: str = "") -> Snapshot:
    """The snapshot of a text with a `‸` where the cursor is."""
    assert text.count(CURSOR) == 1, "a text has one cursor"
    prefix, suffix = text.split(CURSOR)
    return replace(make_snapshot(prefix, suffix, language_id, path), project=project)


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


def make_model(
    context_tokens: int = 2048, markers: dict[str, str] | None = None, prefill_tokens_per_s: float = 0.0
) -> ModelInfo:
    """A model, DeepSeek-Coder unless told otherwise."""
    return ModelInfo(
        name="test-model",
        path="/models/test-model.gguf",
        description="no model at all",
        markers=DEEPSEEK if markers is None else markers,
        num_parameters=1,
        trained_context_tokens=context_tokens,
        weights_bytes=1,
        cache_bytes=1,
        isolates_line_breaks=True,
        supports_rollback=True,
        prefill_tokens_per_s=prefill_tokens_per_s,
        backend="scripted",
        parameters=Parameters(
            context_tokens=context_tokens,
            cache_tokens=context_tokens,
            cache_type="f16",
            num_sequences=1,
            threads=1,
            batch_tokens=1,
            physical_batch_tokens=1,
            gpu_layers=0,
            flash_attention=True,
            host_cache_bytes=0,
        ),
    )


def moved(snapshot: Snapshot, prefix: str, suffix: str | None = None) -> Snapshot:
    """The same document a moment later, with this text around the cursor."""
    later = make_snapshot(prefix, snapshot.suffix if suffix is None else suffix, snapshot.language_id, snapshot.path)
    return replace(later, version=snapshot.version + 1)


def texts(parts: Sequence[PromptPart], overflow: str = "") -> list[str]:
    """The texts of a prompt, or those that may be cut in one way."""
    return [part.text for part in parts if isinstance(part, Text) and overflow in ("", part.overflow)]


def none() -> Sequence[Neighbour]:
    """No other document is open."""
    return ()


# What a scripted engine writes, for a request and for a warm-up.
WRITES = (Prefilled(Timings(prompt_tokens=20)), Chunk("return w"), Chunk(" * h"))
END = Done("end", Timings(prompt_tokens=20, decoded_tokens=2))
WARMED_UP = (Prefilled(Timings(prompt_tokens=20)), Done("length", Timings(prompt_tokens=20)))


class ScriptedEngine:
    """Satisfies `EngineClient`: answers every request with the same events, and notes what happens to it.

    Requests of no tokens, which are warm-ups, have a script of their own. An `asyncio.Event` in a script is waited
    for, `waiting` being set. `fault` is what `ready` raises.
    """

    def __init__(self, *script: Event | asyncio.Event, fault: Exception | None = None) -> None:
        self.script = script
        self.warm_up_script: Sequence[Event | asyncio.Event] = WARMED_UP
        self.fault = fault
        self.state = EngineState.READY
        self.model: ModelInfo | None = make_model()
        self.requests: list[Generate] = []
        self.waiting = asyncio.Event()
        self.num_sent = 0
        self.num_starts = 0
        self.ends: list[str] = []

    def start(self) -> None:
        self.num_starts += 1

    async def ready(self) -> ModelInfo:
        if self.fault is not None:
            raise self.fault
        assert self.model is not None
        return self.model

    async def generate(self, request: Generate) -> AsyncGenerator[Event, None]:
        self.requests.append(request)
        try:
            for item in self.script if request.max_tokens else self.warm_up_script:
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


def pipeline_of(
    *script: Event | asyncio.Event,
    debounce_ms: int = 0,
    context: ContextSettings | None = None,
    warm_up: bool = True,
    speculative: bool = False,
    **completion: object,
) -> Pipeline:
    """A pipeline with a scripted engine, that neither lets bursts of typing pass nor looks ahead unless told to."""
    settings = Settings(
        completion=CompletionSettings(debounce_ms=debounce_ms, speculative=speculative, **completion),
        context=context or ContextSettings(),
        engine=EngineSettings(warm_up=warm_up),
    )
    return Pipeline(ScriptedEngine(*script), settings)
