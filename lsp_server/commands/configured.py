"""Settings and engine options for commands that run the model themselves."""

from __future__ import annotations

from pathlib import Path

from lsp_server import settings
from lsp_server.catalog.resolve import engine_options
from lsp_server.engine.messages import EngineOptions
from lsp_server.settings import Settings


def configure(model: str | None) -> tuple[Settings, EngineOptions, list[str]]:
    """Settings of the user and of the folder we are in, how to run the model, and what was wrong with the settings.

    `model` is the path given on the command line, which overrides them.
    """
    folder = Path.cwd()
    overrides = [{"model": absolute(model)}] if model else []
    chosen, problems = settings.load(folder, overrides)
    return chosen, engine_options(chosen, folder), problems


def absolute(path: str) -> str:
    """A path as seen from where the command was called."""
    return str(Path(path).expanduser().absolute())
