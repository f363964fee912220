"""Client leases of a shared engine. The engine ends a while after its last client has left."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable
from pathlib import Path

import msgspec
from aiohttp import web

from lsp_server.ipc.launch import Launch, SharedEngineRecord

# Seconds between writes to a connection. A write finds out whether the other end is gone.
PING_S = 20.0
_STOP_DELAY_S = 0.1  # so that the answer gets out


class ClientLeases:
    """Counts connected clients. Calls `end` when told to stop, or `idle_shutdown_s` after the last client has left."""

    def __init__(self, idle_shutdown_s: float, end: Callable[[], None]) -> None:
        self._idle_shutdown_s = idle_shutdown_s
        self._end = end
        self._num_clients = 0
        self._loop = asyncio.get_running_loop()
        self._timer = self._loop.call_later(idle_shutdown_s, end)

    async def watch(self, request: web.Request) -> web.StreamResponse:
        """The connection of a client. The client holds its lease while this is open."""
        response = web.StreamResponse()
        await response.prepare(request)
        self._num_clients += 1
        self._timer.cancel()
        try:
            while True:
                await response.write(b"\n")
                await asyncio.sleep(PING_S)
        finally:
            self._num_clients -= 1
            if not self._num_clients:
                self._timer = self._loop.call_later(self._idle_shutdown_s, self._end)

    async def stop(self, request: web.Request) -> web.Response:
        """End the engine. If it has clients, the request must say `clients=any`."""
        if self._num_clients and request.query.get("clients") != "any":
            return web.Response(status=409, text=f"It has {self._num_clients} clients.")
        self._loop.call_later(_STOP_DELAY_S, self._end)
        return web.Response(status=204)


def end_shared(launch: Launch) -> None:
    """End this process at once. Its record is deleted first, if it is still its own, so that no client looks for it."""
    path = Path(launch.record)
    with contextlib.suppress(OSError, msgspec.MsgspecError):
        if msgspec.json.decode(path.read_bytes(), type=SharedEngineRecord).pid == os.getpid():
            path.unlink()
    os._exit(0)
