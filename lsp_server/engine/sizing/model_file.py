"""Sizes the model of a file."""

from __future__ import annotations

from pathlib import Path

from lsp_server.engine.sizing.gguf import read_header
from lsp_server.engine.sizing.hardware import Machine
from lsp_server.engine.sizing.memory import shape_of
from lsp_server.engine.sizing.parameters import Sizing
from lsp_server.ipc.launch import EngineOptions


def size_model(options: EngineOptions, machine: Machine) -> Sizing:
    """The sizing of a model on a machine. Raises `ModelNotFoundError` or `ModelFileError`."""
    return Sizing(options, shape_of(read_header(Path(options.model_path))), machine)
