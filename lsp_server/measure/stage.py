"""What a benchmark runs on: infill's engine, a baseline beside it where there is one, and text to type."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lsp_server.ipc.launch import EngineOptions
from lsp_server.ipc.model_info import ModelInfo
from lsp_server.measure.corpus import Corpus
from lsp_server.measure.file_vocabulary import FileVocabulary
from lsp_server.measure.infill_target import InfillTarget, running_engine
from lsp_server.measure.targets import Target
from lsp_server.measure.typing_cost import ANSWER_TOKENS

# Of a short context, what a prompt may have: the planner estimates tokens, and keeps room for typing.
PROMPT_SHARE = 0.6


@dataclass(frozen=True, slots=True)
class Stage:
    """The targets, ready for requests, and text to complete. `about` describes models and servers, for the results."""

    infill: InfillTarget
    targets: list[Target]
    corpus: Corpus
    about: dict[str, Any]


@contextlib.asynccontextmanager
async def infill_stage(
    options: EngineOptions, tokens: tuple[int, int], prefill_budget_ms: int = 0
) -> AsyncIterator[Stage]:
    """Start infill's engine.

    `tokens` are those wanted before and after the cursor. A short context scales them down. Raises the error that
    keeps the engine from serving.
    """
    async with running_engine(options) as (engine, model):
        target = InfillTarget(engine, model, ANSWER_TOKENS, prefill_budget_ms)
        yield Stage(target, [target], scaled_corpus(options.model_path, model, tokens), {"model": about_model(model)})


def scaled_corpus(model_path: str, model: ModelInfo, tokens: tuple[int, int]) -> Corpus:
    """Pages with that many tokens before and after the cursor, or fewer where the model's context is short."""
    scale = min(1.0, PROMPT_SHARE * model.context_tokens / sum(tokens))
    before, after = (int(wanted * scale) for wanted in tokens)
    return corpus_of(model_path, before, after)


def corpus_of(model_path: str, before_tokens: int = 0, after_tokens: int = 0) -> Corpus:
    """Pages of that size by the tokeniser of a model file. Raises `ModelFileError`."""
    vocabulary = FileVocabulary(Path(model_path))
    try:
        return Corpus(lambda text: len(vocabulary.tokenize(text)), before_tokens, after_tokens)
    finally:
        vocabulary.close()


def about_model(model: ModelInfo) -> dict[str, Any]:
    """What a result file says of a model. Paths are left out."""
    return {
        "name": model.name,
        "description": model.description,
        "file": Path(model.path).name,
        "num_parameters": model.num_parameters,
        "weights_bytes": model.weights_bytes,
        "parameters": model.parameters,
    }
