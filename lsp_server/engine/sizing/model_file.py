"""Sizes the model of a file, and accounts for its draft model."""

from __future__ import annotations

import contextlib
from pathlib import Path

from lsp_server.base.errors import ModelError
from lsp_server.engine.sizing.gguf import damaged, read_header
from lsp_server.engine.sizing.hardware import Machine
from lsp_server.engine.sizing.memory import ModelShape, shape_of
from lsp_server.engine.sizing.parameters import Sizing, draft_options
from lsp_server.ipc.launch import EngineOptions


def read_shape(path: Path) -> ModelShape:
    """The shape of a model's file. Raises `ModelNotFoundError` or `ModelFileError`."""
    header = read_header(path)
    try:
        return shape_of(header)
    except Exception:  # noqa: BLE001  (a header may say anything)
        raise damaged(path) from None


def size_model(options: EngineOptions, machine: Machine) -> Sizing:
    """The sizing of a model on the memory that its draft model leaves.

    Raises `ModelNotFoundError` or `ModelFileError` for the model, but not for the draft model.
    """
    sizing = Sizing(options, read_shape(Path(options.model_path)), machine)
    if options.draft_model_path and options.drafts:
        with contextlib.suppress(ModelError):  # loading reports it, and then runs without a draft model
            return sizing.after_loading(size_model(draft_options(options), machine))
    return sizing
