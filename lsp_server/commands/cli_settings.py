"""Settings and engine options for commands that run the model themselves."""

from __future__ import annotations

import sys
from pathlib import Path

from lsp_server.base.errors import SourceError
from lsp_server.catalog.resolve import chat_options, engine_options, is_path, model_path
from lsp_server.ipc.launch import EngineOptions
from lsp_server.settings import layers
from lsp_server.settings.model import Settings


def configure(model: str | None) -> tuple[Settings, EngineOptions, list[str]]:
    """Settings of the user and of the folder we are in, how to run the model, and what was wrong with the settings.

    `model` is what was given on the command line, which overrides them. Raises `ModelNotFoundError`.
    """
    chosen, problems = _settings("model", model)
    return chosen, engine_options(chosen, Path.cwd()), problems


def configure_chat(model: str | None) -> tuple[Settings, EngineOptions, list[str]]:
    """The same for the model that chats."""
    chosen, problems = _settings("chat.model", model)
    return chosen, chat_options(chosen, Path.cwd()), problems


def _settings(key: str, model: str | None) -> tuple[Settings, list[str]]:
    return layers.load(Path.cwd(), [{key: named(model)}] if model else [])


def model_file(model: str | None) -> str:
    """The file of a model named on the command line, or the embedded one. Raises `ModelNotFoundError`."""
    return str(model_path(Settings(model=named(model) if model else ""), None))


def named(model: str) -> str:
    """A model as it was named, its path as seen from where the command was called."""
    return str(Path(model).expanduser().absolute()) if is_path(model) else model


def standard_input() -> str:
    """What is piped in. Raises `SourceError` if that is no UTF-8."""
    try:
        return sys.stdin.buffer.read().decode("utf-8")
    except UnicodeDecodeError:
        raise SourceError("Standard input is not UTF-8. Convert it first.") from None
