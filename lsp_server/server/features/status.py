"""What infill is doing, for plugins that show it: `$/infill/status`, described in `PROTOCOL.md`."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from lsp_server.engine.client.interface import EngineState

if TYPE_CHECKING:
    from lsp_server.server.main import InfillServer

METHOD = "$/infill/status"
_BY_STATE = {
    EngineState.STOPPED: "stopped",
    EngineState.LOADING: "loading",
    EngineState.READY: "ready",
    EngineState.FAILED: "error",
}


class Status:
    """Tells the client, if it asked to be told, each time the status changes."""

    def __init__(self, server: InfillServer) -> None:
        self._server = server
        self._engine = EngineState.STOPPED
        self._message = ""
        self._num_generating = 0
        self._last: dict[str, Any] = {}

    def engine_is(self, state: EngineState, message: str = "") -> None:
        """The engine that completes has come to that state."""
        self._engine, self._message = state, message
        self.tell()

    @contextlib.contextmanager
    def generating(self) -> Iterator[None]:
        """While somebody waits for a text."""
        self._num_generating += 1
        self.tell()
        try:
            yield
        finally:
            self._num_generating -= 1
            self.tell()

    def tell(self) -> None:
        """Send the status if it is another than the last one sent."""
        status = self.now()
        if status != self._last and self._server.client_wants("status"):
            self._last = status
            self._server.protocol.notify(METHOD, status)

    def now(self) -> dict[str, Any]:
        """The status as it is sent."""
        server = self._server
        status = _BY_STATE[self._engine]
        if status == "ready" and self._num_generating:
            status = "generating"
        if not server.switch.is_on("all") or not server.settings.completion.enabled:
            status = "off"
        model = server.engines.fill.model if server.engines else None
        return {"status": status, "message": self._message, "model": model.name if model else ""}
