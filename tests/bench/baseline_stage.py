"""Stages with a llama-server: as the baseline beside infill's engine, or as the remote engine that infill asks."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

from lsp_server.base.errors import InfillError
from lsp_server.catalog.resolve import engine_options
from lsp_server.commands.measuring import add_model_options
from lsp_server.ipc.launch import EngineOptions
from lsp_server.measure.infill_target import running_engine
from lsp_server.measure.stage import Stage, about_model, infill_stage, scaled_corpus
from lsp_server.measure.typing_cost import ANSWER_TOKENS
from lsp_server.settings.model import RemoteSettings, Settings
from tests.bench.baseline import Baseline
from tests.bench.remote_target import RemoteTarget


def add_baseline_options(parser: argparse.ArgumentParser) -> None:
    """Define the model and the llama-server to compare with."""
    add_model_options(parser)
    parser.add_argument("--peer", metavar="URL", help="a llama-server with the same model and as many threads")
    parser.add_argument("--peer-options", metavar="TEXT", help="how it was started, for the record")


@contextlib.asynccontextmanager
async def stage_with_baseline(
    arguments: argparse.Namespace, options: EngineOptions, tokens: tuple[int, int], prefill_budget_ms: int = 0
) -> AsyncIterator[Stage]:
    """Find the llama-server of `--peer`, if there is one, and start infill's engine. Raises `EngineError`."""
    async with contextlib.AsyncExitStack() as stack:
        baseline, about = None, None
        if arguments.peer:
            baseline = await stack.enter_async_context(Baseline(arguments.peer))
            about = await baseline.describe(Path(options.model_path))
            if arguments.peer_options:
                about["options"] = arguments.peer_options
        stage = await stack.enter_async_context(infill_stage(options, tokens, prefill_budget_ms))
        targets = [*stage.targets, baseline] if baseline else stage.targets
        yield replace(stage, targets=targets, about=stage.about | {"peer": about})


@contextlib.asynccontextmanager
async def remote_stage(
    arguments: argparse.Namespace, options: EngineOptions, tokens: tuple[int, int]
) -> AsyncIterator[Stage]:
    """Find the llama-server of `--remote`, which infill asks. It stands alone: a second target would take its cache.

    Raises `EngineError`, or `InfillError` where `--peer` names a baseline too.
    """
    if arguments.peer:
        raise InfillError("Name one of --peer and --remote: both would share a cache.")
    settings = Settings(remote=RemoteSettings(url=arguments.remote, api="llama-server", format=arguments.format))
    async with contextlib.AsyncExitStack() as stack:
        server = await stack.enter_async_context(Baseline(arguments.remote))
        about = await server.describe(Path(options.model_path)) | {"options": arguments.peer_options}
        engine, model = await stack.enter_async_context(running_engine(engine_options(settings, None)))
        target = RemoteTarget(engine, model, ANSWER_TOKENS, server)
        corpus = scaled_corpus(options.model_path, model, tokens)
        yield Stage(target, [target], corpus, {"model": about_model(model), "remote": about})
