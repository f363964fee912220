"""Settings and engine options for commands that run the model themselves."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from lsp_server.base import encoded_text
from lsp_server.base.errors import SourceError
from lsp_server.catalog.resolve import chat_options, engine_options, is_path, model_path
from lsp_server.ipc.launch import EngineOptions
from lsp_server.settings import layers
from lsp_server.settings.model import Settings


def configure(model: str | None) -> tuple[Settings, EngineOptions, list[str]]:
    """The settings of the user and the working folder, the engine options, and the problems of the settings.

    `model` comes from the command line and overrides the settings. Raises `ModelNotFoundError`.
    """
    chosen, problems = _settings("model", model)
    return chosen, engine_options(chosen, Path.cwd()), problems


def configure_chat(model: str | None) -> tuple[Settings, EngineOptions, list[str]]:
    """The same for the chat model."""
    chosen, problems = _settings("chat.model", model)
    return chosen, chat_options(chosen, Path.cwd()), problems


def _settings(key: str, model: str | None) -> tuple[Settings, list[str]]:
    return layers.load(Path.cwd(), [{key: named(model)}] if model else [])


def model_file(model: str | None) -> str:
    """The file of a model on the command line, or of the embedded model. Raises `ModelNotFoundError`."""
    return str(model_path(Settings(model=named(model) if model else ""), None))


def named(model: str) -> str:
    """A model's name, or its path made absolute from the working folder."""
    # `Path.expanduser` raises where there is no such user.
    return os.path.abspath(os.path.expanduser(model)) if is_path(model) else model  # noqa: PTH100, PTH111


def standard_input() -> str:
    """The text on standard input. Raises `SourceError` if it is not UTF-8."""
    if sys.stdin is None:
        raise SourceError("There is no standard input.")
    try:
        return encoded_text.decode(sys.stdin.buffer.read())
    except UnicodeDecodeError:
        raise SourceError("Standard input is not UTF-8. Convert it first.") from None
