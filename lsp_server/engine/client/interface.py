"""The interface of an engine to the rest of infill."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from enum import Enum
from typing import Protocol

from lsp_server.ipc.model_info import ModelInfo
from lsp_server.ipc.requests import Event, Generate

WENT_AWAY = "The engine went away; it is being restarted."  # one sentence for every way to die, shown once
IS_STOPPED = "The engine is stopped."


class EngineState(Enum):
    """The state of an engine."""

    STOPPED = "stopped"
    LOADING = "loading"
    READY = "ready"
    # Until the next try (`LazyEngine`).
    FAILED = "failed"


class EngineClient(Protocol):
    """An engine that generates text."""

    @property
    def state(self) -> EngineState:
        """The state of the engine."""
        ...

    @property
    def model(self) -> ModelInfo | None:
        """The model, once it is loaded."""
        ...

    def start(self) -> None:
        """Begin to load the model, unless that has begun or the engine was stopped for good. Returns at once."""
        ...

    async def ready(self) -> ModelInfo:
        """Wait for the model. Raises the `ModelError` or `EngineError` that prevents it."""
        ...

    def generate(self, request: Generate) -> AsyncGenerator[Event, None]:
        """Generate text. `ipc.requests` gives the order of events. Closing the iterator cancels the request."""
        ...
