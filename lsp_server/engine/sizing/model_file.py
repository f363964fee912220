"""Sizes the model of a file."""

from __future__ import annotations

from pathlib import Path

from lsp_server.engine.sizing.gguf import damaged, read_header
from lsp_server.engine.sizing.hardware import Machine
from lsp_server.engine.sizing.memory import ModelShape, shape_of
from lsp_server.engine.sizing.parameters import Sizing
from lsp_server.ipc.launch import EngineOptions


def read_shape(path: Path) -> ModelShape:
    """The shape of a model's file. Raises `ModelNotFoundError` or `ModelFileError`."""
    header = read_header(path)
    try:
        return shape_of(header)
    except Exception:  # noqa: BLE001  (a header may say anything)
        raise damaged(path) from None


def size_model(options: EngineOptions, machine: Machine) -> Sizing:
    """The sizing of a model on a machine. Raises `ModelNotFoundError` or `ModelFileError`."""
    return Sizing(options, read_shape(Path(options.model_path)), machine)
