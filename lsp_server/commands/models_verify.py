"""`infill models verify`: try a model on holes with known answers, and print the facts for a bug report."""

from __future__ import annotations

import argparse
import asyncio
import platform
from importlib.metadata import version
from pathlib import Path

from rich.console import Console
from rich.table import Table

from lsp_server import __version__
from lsp_server.base.errors import EngineError
from lsp_server.catalog.resolve import unlike_the_catalogue
from lsp_server.catalog.verify import MAX_TOKENS, MIN_RIGHT_SHARE, Tried, known_infills
from lsp_server.commands.cli_settings import configure
from lsp_server.commands.console import coloured, make_report
from lsp_server.completion.pipeline import Pipeline
from lsp_server.completion.request import CompletionRequest
from lsp_server.engine.client.supervisor import EngineSupervisor
from lsp_server.engine.sizing.hardware import detect_machine
from lsp_server.ipc.launch import EngineOptions
from lsp_server.ipc.model_info import ModelInfo
from lsp_server.ipc.requests import Timings
from lsp_server.prompt.families import family_of
from lsp_server.settings.model import Settings


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Try the model. The status is 1 if it fills too few holes."""
    chosen, options, _ = configure(arguments.name)
    with Console(stderr=True).status("trying the model…"):
        model, tried, timings = asyncio.run(_try(chosen, options))
    num_right = sum(each.is_right for each in tried)
    console.print(_report(model, tried, timings))
    if warning := unlike_the_catalogue(chosen.model, family_of(model).name):
        console.print(coloured("yellow", f"\n{warning}"))
    if num_right < MIN_RIGHT_SHARE * len(tried):
        reason = (
            f": {num_right} of {len(tried)}. It was not trained for it, or its file is damaged or misread. Pull it "
            "again, or use another, such as deepseek-coder-1.3b-base."
        )
        console.print(coloured("red", "\nThis model fills too few holes", reason))
        return 1
    console.print(coloured("green", "\nThis model fills holes", f": {num_right} of {len(tried)} as known."))
    return 0


async def _try(chosen: Settings, options: EngineOptions) -> tuple[ModelInfo, list[Tried], Timings]:
    """The model, its answers to the known infills, and the sum of their timings."""
    engine = EngineSupervisor(options)
    engine.start()
    try:
        model = await engine.ready()
        pipeline = Pipeline(engine, chosen)
        tried, total = [], Timings()
        for number, case in enumerate(known_infills()):
            request = CompletionRequest("command", max_tokens=MAX_TOKENS)
            answer = await pipeline.complete(case.snapshot(number), lambda: (), request)
            if answer.error:
                raise EngineError(answer.error)
            tried.append(Tried(case, answer.text))
            total.prompt_tokens += answer.timings.prompt_tokens - answer.timings.reused_tokens
            total.prefill_ms += answer.timings.prefill_ms
            total.decoded_tokens += answer.timings.decoded_tokens
            total.decode_ms += answer.timings.decode_ms
        return model, tried, total
    finally:
        await engine.stop()


def _report(model: ModelInfo, tried: list[Tried], timings: Timings) -> Table:
    table = make_report()
    machine, runs = detect_machine(), model.parameters
    memory = machine.total_bytes / (1 << 30)
    where = f"{runs.gpu_layers} layers on the GPU" if runs.gpu_layers else "the CPU"
    if runs.cpu_expert_layers:
        where += f", experts of the first {runs.cpu_expert_layers} on the CPU"
    attention = f"{'' if runs.flash_attention else 'no '}flash attention"
    table.add_row("infill", f"{__version__}, llama-cpp-python {version('llama-cpp-python')}")
    table.add_row("machine", f"{platform.platform()}, {machine.num_cores} cores, {memory:.1f} GiB")
    table.add_row("model", f"{Path(model.path).name}: {model.name}, {model.description}")
    table.add_row("markers", " ".join(model.markers.values()))
    table.add_row("runs on", f"{where}, {attention}, {runs.cache_type} cache")
    table.add_row("memory", f"{model.memory_bytes / (1 << 30):.2f} GiB")
    table.add_row(
        "prefill", f"{_per_second(timings.prompt_tokens, timings.prefill_ms)} tokens a second, in short prompts"
    )
    table.add_row("decode", f"{_per_second(timings.decoded_tokens, timings.decode_ms)} tokens a second")
    for each in tried:
        if not each.is_right:
            wanted = " or ".join(each.case.accepted)
            table.add_row("wrong", f"{each.case.language}: {each.answer.strip()!r} instead of {wanted}")
    return table


def _per_second(num_tokens: int, ms: float) -> str:
    return f"{num_tokens * 1000 / ms:,.0f}" if ms else "?"
