"""The main module of the engine process: HTTP on loopback in front of a `Worker`. See `engine/compat/README.md`.

A private engine ends when its standard input closes, so it never outlives its launcher. A shared engine
(`client/shared.py`) ends a while after its last client has left.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sys
import threading
from collections.abc import Callable

import msgspec
from aiohttp import web

from lsp_server import __version__
from lsp_server.engine.backends.base import Backend
from lsp_server.engine.compat.chat_forms import with_chat_forms
from lsp_server.engine.compat.handlers import compat_routes
from lsp_server.engine.http.auth import MAX_BODY_BYTES, require_token
from lsp_server.engine.http.responses import InvalidRequestError, decode_body, error_body, error_response, event_stream
from lsp_server.engine.process.bridge import WorkerBridge
from lsp_server.engine.process.client_leases import ClientLeases, end_shared
from lsp_server.engine.process.watchdog import Watchdog
from lsp_server.engine.process.worker import BackendFactory
from lsp_server.ipc.launch import CLIENT_HEADER, Launch, Listening, Loaded, LoadFailed, Loading
from lsp_server.ipc.requests import Generate


class Service:
    """The web application and its routes."""

    def __init__(self, factory: BackendFactory, launch: Launch) -> None:
        self._loop = asyncio.get_running_loop()
        self._leases = (
            ClientLeases(launch.idle_shutdown_s, lambda: end_shared(launch)) if launch.idle_shutdown_s else None
        )
        self._bridge = WorkerBridge(factory, self._exit_after_fault, Watchdog(launch.stuck_s))
        self.app = web.Application(middlewares=[require_token(launch.token)], client_max_size=MAX_BODY_BYTES)
        self.app.router.add_post("/generate", self._generate)
        self.app.router.add_get("/load", self._load)
        self.app.router.add_get("/state", self._state)
        self.app.router.add_get("/health", self._health)
        self.app.add_routes(compat_routes(self._bridge))
        if self._leases:
            self.app.router.add_get("/watch", self._leases.watch)
            self.app.router.add_post("/stop", self._leases.stop)

    def start(self) -> None:
        """Begin to load the model."""
        self._bridge.start()

    def _exit_after_fault(self) -> None:
        """After a fault of ours, deliver the last events, then end. The supervisor starts another process."""
        self._loop.call_soon_threadsafe(self._loop.call_later, 0.2, os._exit, 70)

    async def _generate(self, request: web.Request) -> web.StreamResponse:
        try:
            generate = await decode_body(request, Generate)
        except InvalidRequestError as error:
            return error_response(400, str(error))
        if generate.document and (client := request.headers.get(CLIENT_HEADER)):
            generate = msgspec.structs.replace(generate, document=f"{client} {generate.document}")
        with self._bridge.generate(generate) as stream:
            async with event_stream(request) as send:
                async for event in stream:
                    await send(event)
                return send.response

    async def _load(self, request: web.Request) -> web.StreamResponse:
        async with event_stream(request) as send:
            while isinstance(event := self._bridge.load_event, Loading):
                changed = self._bridge.load_changed
                await send(event)
                await changed.wait()
            await send(event)
            return send.response

    async def _state(self, _: web.Request) -> web.Response:
        return web.Response(text=await self._bridge.state())

    async def _health(self, _: web.Request) -> web.Response:
        """The state, with pid and version. A client can tell by them whether another program now has this port."""
        about = {"pid": os.getpid(), "version": __version__}
        match self._bridge.load_event:
            case Loaded():
                return web.json_response(about | {"status": "ok"})
            case LoadFailed(_, message):
                return web.json_response(about | {"status": "failed"} | error_body(503, message), status=503)
            case Loading():
                return web.json_response(about | {"status": "loading"} | error_body(503, "Loading model"), status=503)


async def serve(launch: Launch) -> None:
    """Run the engine until the process ends."""
    # The worker and the event loop share the interpreter. By default the worker would wait 5 ms for it after each
    # decode.
    sys.setswitchinterval(0.0005)
    service = Service(_backend_factory(launch), launch)
    runner = web.AppRunner(service.app, handler_cancellation=True, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    service.start()
    port = runner.addresses[0][1]
    sys.stdout.buffer.write(msgspec.json.encode(Listening(port)) + b"\n")
    sys.stdout.buffer.flush()
    await asyncio.Event().wait()


def _backend_factory(launch: Launch) -> BackendFactory:
    """A factory that imports the backend in the worker's thread.

    llama.cpp loads slowly, and the port should open first.
    """
    options = launch.options

    def llama(progress: Callable[[float], None]) -> object:
        from lsp_server.engine.backends.llama.backend import LlamaBackend

        return _with_chat(LlamaBackend(options, progress))

    def fake(progress: Callable[[float], None]) -> object:
        from lsp_server.engine.backends.fake import FakeBackend

        return _with_chat(FakeBackend(options, progress))

    return llama if options.backend == "llama" else fake  # type: ignore[return-value]


def _with_chat(backend: Backend) -> Backend:
    backend.info = with_chat_forms(backend.info)
    return backend


def main() -> None:
    """Read the launch line, then serve until standard input ends."""
    logging.basicConfig(level=logging.WARNING, format="engine: %(message)s", stream=sys.stderr)
    launch = msgspec.json.decode(sys.stdin.buffer.readline(), type=Launch)
    if not launch.idle_shutdown_s:
        threading.Thread(target=_end_with_standard_input, name="infill-parent-watch", daemon=True).start()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(launch))


def _end_with_standard_input() -> None:
    """Exit at once, even from inside a decode. Nothing here needs saving."""
    while sys.stdin.buffer.read(4096):
        pass
    os._exit(0)


if __name__ == "__main__":
    main()
