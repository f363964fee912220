"""Loads a model together with its draft model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from msgspec.structs import replace

from lsp_server.base.errors import InfillError, ModelError, ModelFileError, ModelNotFoundError
from lsp_server.engine.backends.llama.backend import LlamaBackend
from lsp_server.engine.sizing.parameters import draft_options
from lsp_server.ipc.launch import EngineOptions


def open_backend(options: EngineOptions, progress: Callable[[float], None] = lambda _: None) -> LlamaBackend:
    """Load a model and its draft model, if the options name one. If that one cannot serve, the notes say why.

    Raises as `LlamaBackend` does, for the large model.
    """
    backend = LlamaBackend(options, progress)
    if options.draft_model_path and options.drafts:
        try:
            backend.draft_model = open_for(backend, options)
            backend.info = replace(backend.info, draft_model_bytes=backend.draft_model.info.memory_bytes)
        except InfillError as error:
            note = f"There are no guesses from the draft model. {error}"
            backend.info = replace(backend.info, notes=(*backend.info.notes, note))
    return backend


def open_for(backend: LlamaBackend, options: EngineOptions, kind: type[LlamaBackend] = LlamaBackend) -> LlamaBackend:
    """The draft model that the options name. Raises `InfillError` if it cannot be loaded or cannot draft."""
    path = Path(options.draft_model_path)
    if not path.is_file():
        raise ModelNotFoundError(f"There is no file {path}. Set engine.draft_model to the path of a GGUF, or to none.")
    if not backend.info.supports_rollback:
        raise ModelError(
            f"{backend.info.name} cannot forget a wrong guess. Take engine.draft_model out of the settings."
        )
    model = kind(replace(draft_options(options), context_tokens=backend.info.context_tokens))
    try:
        if not model.info.supports_rollback:
            raise ModelFileError(
                f"{path} cannot forget a wrong guess. Set engine.draft_model to another model, or to none."
            )
        if difference := model.vocabulary.difference(backend.vocabulary):
            raise ModelFileError(
                f"{path} has another vocabulary than {backend.info.name} ({difference}). Set engine.draft_model to a "
                "smaller model of the same family, or to none."
            )
    except ModelError:
        model.close()
        raise
    return model
