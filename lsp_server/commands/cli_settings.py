"""Settings and engine options for commands that run the model themselves."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from lsp_server.base.errors import SourceError
from lsp_server.catalog.resolve import chat_options, engine_options, is_path, model_path
from lsp_server.ipc.launch import EngineOptions
from lsp_server.settings import layers
from lsp_server.settings.model import Settings


def add_measuring_options(parser: argparse.ArgumentParser) -> None:
    """Define the options of every evaluation of a model."""
    parser.add_argument("--model", metavar="MODEL", help="a model by name or path; default: the embedded one")
    parser.add_argument("--threads", type=int, default=0, metavar="N", help="CPU threads of the model")
    parser.add_argument("--json", metavar="FILE", help="write command, machine and figures there")


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
    return str(Path(model).expanduser().absolute()) if is_path(model) else model


def standard_input() -> str:
    """The text on standard input. Raises `SourceError` if it is not UTF-8."""
    try:
        return sys.stdin.buffer.read().decode("utf-8")
    except UnicodeDecodeError:
        raise SourceError("Standard input is not UTF-8. Convert it first.") from None
