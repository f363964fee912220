"""`infill models show`: the facts of a model, and the memory it takes."""

from __future__ import annotations

import argparse
from pathlib import Path

from rich.console import Console

from lsp_server.base.errors import ModelError, ModelNotPulledError
from lsp_server.catalog import hub
from lsp_server.catalog.models import CatalogModel, HubFile, find_model
from lsp_server.catalog.recommend import estimate_memory
from lsp_server.catalog.resolve import engine_options, hub_file, is_path
from lsp_server.commands.cli_settings import model_file, named
from lsp_server.commands.console import make_report
from lsp_server.commands.machine import llama_features
from lsp_server.engine.sizing.hardware import Machine
from lsp_server.engine.sizing.memory import predict
from lsp_server.engine.sizing.model_file import read_shape, size_model
from lsp_server.settings import layers

Facts = list[tuple[str, str]]


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Print the facts of the model."""
    report = make_report()
    for name, value in _facts(arguments.name):
        report.add_row(name, value)
    console.print(report)
    return 0


def _facts(name: str) -> Facts:
    machine = llama_features().machine
    if is_path(name) or "/" in name:
        file = None if is_path(name) else hub_file(name)
        if file and not hub.cached(file):
            raise ModelNotPulledError(
                f"{file} is not on this machine. Its memory can only be told from the file. "
                f"Get it: infill models pull {file}"
            )
        return _of_file(Path(model_file(name)), machine)
    model = find_model(name)
    facts = _of_catalogue(model)
    for quantisation, file in model.files.items():
        facts += _of_hub_file(model, quantisation, file, machine)
    if model.unverified:
        facts.append(("unverified", ", ".join(model.unverified)))
    return facts


def _of_catalogue(model: CatalogModel) -> Facts:
    facts = [
        ("model", f"{model.name}, {model.num_parameters / 1e9:g} billion parameters, {model.family}, {model.role}"),
        ("licence", f"{model.licence.name}. {model.licence.summary}"),
        ("context", f"length {model.context_tokens:,} tokens"),
        ("cache", _cache_size(model)),
        ("format", f"{model.fim_format}; ends by {' '.join(model.stops)}" if model.stops else model.fim_format),
    ]
    if model.refused:
        facts.append(("only for chat" if model.can_only_chat else "cannot be used", model.refused))
    return facts


def _of_hub_file(model: CatalogModel, quantisation: str, file: HubFile, machine: Machine) -> Facts:
    here = hub.cached(file)
    facts = [(quantisation, f"{file}{f', {file.gigabytes:.2f} GB' if file.gigabytes else ''}")]
    if here:
        facts.append(("", f"here: {here}"))
        try:
            return [*facts, *_memory(here, machine)]
        except ModelError as error:
            return [*facts, ("memory", str(error))]
    estimate = estimate_memory(model, quantisation, file, machine.repacked_types)
    return [
        *facts,
        ("", f"not here: infill models pull {model.name}:{quantisation}"),
        ("", f"memory: some {estimate / (1 << 30):.1f} GiB, an estimate from its size, for 4,096 tokens"),
    ]


def _of_file(path: Path, machine: Machine) -> Facts:
    shape = read_shape(path)
    facts = [
        (
            "model",
            f"{shape.name or path.stem}, {shape.num_layers} layers, {shape.num_tokens:,} tokens in its vocabulary",
        ),
        ("file", str(path)),
        ("context", f"length {shape.trained_context_tokens:,} tokens"),
        ("cache", f"{shape.cache_token_bytes('f16') / 1024:,.1f} KiB a token, half of it with q8_0"),
    ]
    return [*facts, *_memory(path, machine)]


def _memory(path: Path, machine: Machine) -> Facts:
    """The predicted memory of the model, as it would be run now."""
    chosen, _ = layers.load(Path.cwd(), [{"model": named(str(path))}])
    sizing = size_model(engine_options(chosen, None), machine)
    parameters = sizing.choose()
    memory = predict(sizing.shape, parameters, machine.repacked_types)
    parts = (
        f"weights {_mebibytes(memory.weights)}, copies of weights for this CPU {_mebibytes(memory.repacked)}, "
        f"cache of {parameters.cache_tokens:,} tokens in {parameters.cache_type} {_mebibytes(memory.cache)}, "
        f"buffers {_mebibytes(memory.compute + memory.output)}"
    )
    facts = [("memory", f"{_mebibytes(memory.total)}, predicted: {parts}")]
    if machine.gpus:
        on_cpu = parameters.cpu_expert_layers
        experts = f", experts of the first {on_cpu} on the CPU" if on_cpu else ""
        facts.append(("GPU", f"{parameters.gpu_layers} of {sizing.shape.num_layers + 1} layers{experts}"))
    return [*facts, *(("note", note) for note in sizing.notes(parameters))]


def _cache_size(model: CatalogModel) -> str:
    if not model.kv_bytes_per_token:
        return "?"
    size = model.kv_bytes_per_token * 4096 / (1 << 30)
    return f"{model.kv_bytes_per_token // 1024} KiB a token: {size:.2f} GiB for 4,096 tokens, half of it with q8_0"


def _mebibytes(size: int) -> str:
    return f"{size / (1 << 20):,.0f} MiB"
