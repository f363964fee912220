"""What infill is doing, for plugins that show it: `$/infill/status`, described in `PROTOCOL.md`."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from lsp_server.completion.switch import Switch
from lsp_server.engine.client.interface import EngineState
from lsp_server.server.client.client import Client
from lsp_server.server.features.engines import EngineHost
from lsp_server.server.live_settings import LiveSettings

METHOD = "$/infill/status"
_BY_STATE = {
    EngineState.STOPPED: "stopped",
    EngineState.LOADING: "loading",
    EngineState.READY: "ready",
    EngineState.FAILED: "error",
}


class Status:
    """Notifies a client that wants it each time the status changes."""

    def __init__(self, client: Client, settings: LiveSettings, switch: Switch, engines: EngineHost) -> None:
        self._client = client
        self._settings = settings
        self._switch = switch
        self._engines = engines
        self._engine = EngineState.STOPPED
        self._message = ""
        self._num_generating = 0
        self._last: dict[str, Any] = {}

    def on_engine_state(self, state: EngineState, message: str) -> None:
        """Note a state of the completion engine."""
        self._engine, self._message = state, message
        self.notify()

    @contextlib.contextmanager
    def generating(self) -> Iterator[None]:
        """A context in which a request waits for a text."""
        self._num_generating += 1
        self.notify()
        try:
            yield
        finally:
            self._num_generating -= 1
            self.notify()

    def notify(self) -> None:
        """Send the status unless it equals the last one sent."""
        status = self.current()
        if status != self._last and self._client.capabilities.wants("status"):
            self._last = status
            self._client.notify(METHOD, status)

    def current(self) -> dict[str, Any]:
        """The status as it is sent."""
        status = _BY_STATE[self._engine]
        if status == "ready" and self._num_generating:
            status = "generating"
        if not self._switch.is_on("all") or not self._settings.current.completion.enabled:
            status = "off"
        model = self._engines.model
        return {"status": status, "message": self._message, "model": model.name if model else ""}
