"""`infill doctor`: the installation, the models in use, their abilities, and how to fix faults."""

from __future__ import annotations

import argparse
import asyncio
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from rich.console import Console
from rich.table import Table

from lsp_server import __version__
from lsp_server.base.errors import EngineError, InfillError, ModelError
from lsp_server.catalog.resolve import chat_options, embedded_model, unlike_the_catalogue
from lsp_server.commands import gpu_advice
from lsp_server.commands.cli_settings import configure
from lsp_server.commands.console import coloured, make_report
from lsp_server.commands.machine import llama_features
from lsp_server.engine.client.supervisor import EngineSupervisor
from lsp_server.engine.sizing.hardware import detect_machine
from lsp_server.ipc.launch import EngineOptions
from lsp_server.ipc.model_info import ModelInfo
from lsp_server.prompt.families import family_of
from lsp_server.settings.files import user_file
from lsp_server.settings.model import Settings

_PACKAGES = ("pygls", "lsprotocol", "llama-cpp-python", "aiohttp", "msgspec")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Define the options."""
    parser.add_argument(
        "--model", metavar="MODEL", help="examine this model, by name or path, instead of the one in the settings"
    )


def run(arguments: argparse.Namespace) -> int:
    """Print the report. The status is 1 if infill cannot complete."""
    report = make_report()
    _add_system(report)
    try:
        chosen, options, problems = configure(arguments.model)
    except ModelError as error:
        report.add_row("can infill", coloured("red", "no", f": {error}"))
        Console(highlight=False, markup=False).print(report)
        return 1
    for problem in problems:
        report.add_row("settings", coloured("yellow", problem))
    if not problems:
        report.add_row("settings", f"{user_file()} ({'found' if user_file().exists() else 'none'})")
    embedded = Path(options.model_path) == embedded_model()
    report.add_row("model", options.model_path + (" (embedded)" if embedded else ""))
    try:
        model = asyncio.run(_load(options))
        family = family_of(model).name
    except InfillError as error:
        report.add_row("can infill", coloured("red", "no", f": {error}"))
        Console(highlight=False, markup=False).print(report)
        return 1
    _add_model(report, model)
    report.add_row("can infill", coloured("green", "yes", f", {family} format: {' '.join(model.markers.values())}"))
    if warning := unlike_the_catalogue(chosen.model, family):
        report.add_row("", coloured("yellow", warning))
    _add_chat(report, chosen, options, model)
    Console(highlight=False, markup=False).print(report)
    return 0


async def _load(options: EngineOptions) -> ModelInfo:
    engine = EngineSupervisor(options)
    engine.start()
    try:
        return await engine.ready()
    finally:
        await engine.stop()


def _add_system(report: Table) -> None:
    report.add_row("infill", f"{__version__} in {Path(__file__).parents[1]}")
    report.add_row("system", f"{platform.platform()}, Python {platform.python_version()}")
    report.add_row("packages", ", ".join(f"{name} {_version(name)}" for name in _PACKAGES))
    _add_llama(report)
    machine = detect_machine()
    report.add_row("cores", f"{machine.num_cores} physical, as far as infill may use them")
    report.add_row("memory", f"{_mebibytes(machine.free_bytes)} free of {_mebibytes(machine.total_bytes)}")


def _add_model(report: Table, model: ModelInfo) -> None:
    needed = model.memory_bytes
    free = detect_machine().free_bytes
    verdict = "" if needed < free else " (more than is free: choose a smaller model or engine.cache_tokens)"
    report.add_row("", f"{model.name}, {model.num_parameters / 1e6:,.0f} million parameters, {model.description}")
    report.add_row("context", f"{model.context_tokens} tokens (trained: {model.trained_context_tokens})")
    report.add_row(
        "needs",
        coloured(
            "" if needed < free else "red",
            f"{_mebibytes(needed)}{verdict}",
            f": weights {_mebibytes(model.weights_bytes)}, "
            f"cache of {model.cache_tokens} tokens {_mebibytes(model.cache_bytes)}, "
            f"working memory {_mebibytes(model.working_bytes)}",
        ),
    )
    for note in model.notes:
        report.add_row("note", coloured("yellow", note))
    runs = model.parameters
    experts = f" (experts of the first {runs.cpu_expert_layers} on the CPU)" if runs.cpu_expert_layers else ""
    attention = "flash attention" if runs.flash_attention else "no flash attention"
    report.add_row(
        "runs with",
        f"{runs.threads} threads, {runs.gpu_layers} layers on the GPU{experts}, batches of {runs.batch_tokens} tokens "
        f"evaluated {runs.physical_batch_tokens} at a time, {runs.num_sequences} sequences, {runs.cache_type} cache, "
        f"{attention}",
    )
    report.add_row("prefill", f"some {model.prefill_tokens_per_s:,.0f} tokens a second")
    if model.supports_rollback and not runs.host_cache_bytes:
        report.add_row("host cache", "none: documents that were left are evaluated again")
    elif model.supports_rollback:
        report.add_row(
            "host cache", f"{_mebibytes(runs.host_cache_bytes)} for the KV cache of documents that were left"
        )
    else:
        report.add_row("reuse", coloured("yellow", "none", ": this model's memory cannot be rolled back"))


def _add_chat(report: Table, chosen: Settings, fill: EngineOptions, fill_model: ModelInfo) -> None:
    """Add the chat model, and whether it can chat."""
    try:
        options = chat_options(chosen, Path.cwd())
        is_shared = options == fill
        model = fill_model if is_shared else asyncio.run(_load(options))
    except InfillError as error:
        report.add_row("can chat", coloured("red", "no", f": {error}"))
        return
    report.add_row("chat model", "the same" if is_shared else options.model_path)
    problem = model.chat_forms.get("u")
    if isinstance(problem, str):
        report.add_row("can chat", coloured("red", "no", f": {problem}"))
    elif model.chat_template:
        report.add_row("can chat", coloured("green", "yes", ", by its chat template"))
    else:
        report.add_row(
            "can chat",
            coloured(
                "yellow",
                "no",
                ": it has no chat template. Set chat.model to an instruct model, such as deepseek-coder-1.3b-instruct.",
            ),
        )


def _add_llama(report: Table) -> None:
    """Add llama.cpp's own description of its build. A process of its own asks for it."""
    try:
        features = llama_features()
    except EngineError as error:
        report.add_row("llama.cpp", coloured("red", str(error)))
        return
    gpu = "yes" if features.offloads_to_gpu else "no (built for the CPU only)"
    report.add_row("llama.cpp", f"GPU: {gpu}; {features.system}")
    for each in features.machine.gpus:
        shared = " of the machine's own memory" if each.is_integrated else ""
        free = f"{_mebibytes(each.free_bytes)} free of {_mebibytes(each.total_bytes)}{shared}"
        report.add_row("GPU", f"{each.name}, {free}")
    if not features.offloads_to_gpu and (todo := gpu_advice.advice()):
        report.add_row("GPU", coloured("yellow", "not used", f". {todo}"))


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "missing"


def _mebibytes(size: int) -> str:
    return f"{size / (1 << 20):,.0f} MiB"
