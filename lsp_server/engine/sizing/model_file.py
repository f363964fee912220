"""What is run of a model, from its file and from that of the draft model beside it."""

from __future__ import annotations

import contextlib
from pathlib import Path

from lsp_server.base.errors import ModelError
from lsp_server.engine.sizing.gguf import read_header
from lsp_server.engine.sizing.hardware import Machine
from lsp_server.engine.sizing.memory import shape_of
from lsp_server.engine.sizing.parameters import Sizing, draft_options
from lsp_server.ipc.launch import EngineOptions


def size_model(options: EngineOptions, machine: Machine) -> Sizing:
    """The sizing of a model on what its draft model leaves. Raises `ModelNotFoundError` or `ModelFileError` of it."""
    sizing = Sizing(options, shape_of(read_header(Path(options.model_path))), machine)
    if options.draft_model_path and options.drafts:
        with contextlib.suppress(ModelError):  # told when it is loaded, which does not happen then
            return sizing.beside(size_model(draft_options(options), machine))
    return sizing
