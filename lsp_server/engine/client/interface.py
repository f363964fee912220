"""What the rest of infill knows of an engine."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from enum import Enum
from typing import Protocol

from lsp_server.ipc.model_info import ModelInfo
from lsp_server.ipc.requests import Event, Generate

WENT_AWAY = "The engine went away; it is being restarted."  # one sentence for every way to die, told once
IS_STOPPED = "The engine is stopped."


class EngineState(Enum):
    """Where an engine is in its life."""

    STOPPED = "stopped"
    LOADING = "loading"
    READY = "ready"
    FAILED = "failed"  # not again until the settings change


class EngineClient(Protocol):
    """An engine that can be asked for text."""

    @property
    def state(self) -> EngineState:
        """Where the engine is in its life."""
        ...

    @property
    def model(self) -> ModelInfo | None:
        """The model, once it is loaded."""
        ...

    def start(self) -> None:
        """Begin to load the model, unless that has begun or the engine was stopped for good; returns at once."""
        ...

    async def ready(self) -> ModelInfo:
        """Wait for the model. Raises the `ModelError` or `EngineError` that keeps it from serving."""
        ...

    def generate(self, request: Generate) -> AsyncGenerator[Event, None]:
        """Ask for text; see `messages` for the order of events. Closing the iterator cancels the request."""
        ...
