"""The gateway: an engine at a fixed address for other programs (`infill engine serve`).

It forwards the requests of `http.routes` to the shared engine, or to a private one. It replaces its own key by the
engine's token. A supervisor watches the engine and restarts it, as in an editor's server.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

import aiohttp
from aiohttp import web

from lsp_server.base.errors import EngineError, InfillError
from lsp_server.engine.client.http import HttpClient
from lsp_server.engine.client.interface import WENT_AWAY, EngineState
from lsp_server.engine.client.spawn import Connection
from lsp_server.engine.client.supervisor import Connector, EngineSupervisor
from lsp_server.engine.http.auth import MAX_BODY_BYTES, require_token
from lsp_server.engine.http.responses import error_response, with_write_timeout
from lsp_server.engine.http.routes import ROUTES
from lsp_server.ipc.launch import EngineOptions

HEALTH, STATE = "/health", "/state"

OnState = Callable[[EngineState, float, str], None]


class Gateway:
    """A port in front of an engine. `on_state` receives the states of its `EngineSupervisor`."""

    def __init__(
        self, key: str, options: EngineOptions, connector: Connector, on_state: OnState = lambda *_: None
    ) -> None:
        self._client: HttpClient | None = None
        self._connector = connector
        self._on_state = on_state
        self._failed: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._engine = EngineSupervisor(options, self._report, self._open)
        self._app = web.Application(middlewares=[require_token(key)], client_max_size=MAX_BODY_BYTES)
        for method, path in (*ROUTES, ("GET", HEALTH), ("GET", STATE)):
            self._app.router.add_route(method, path, self._forward)

    @contextlib.asynccontextmanager
    async def listening(self, port: int) -> AsyncIterator[int]:
        """Serve on loopback. Yields the port; 0 takes any free one. Raises `EngineError` if the port is taken."""
        runner = web.AppRunner(self._app, handler_cancellation=True, access_log=None)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", port).start()
        except OSError as error:
            await runner.cleanup()
            raise EngineError(
                f"Port {port} cannot be had ({error.strerror or error}). Another program may listen there, such as a "
                "llama-server: end it, or name another port with --port."
            ) from None
        self._engine.start()
        try:
            yield runner.addresses[0][1]
        finally:
            await self._engine.stop()
            await runner.cleanup()

    async def failed(self) -> str:
        """Wait until the engine has failed for good, and return the reason."""
        return await asyncio.shield(self._failed)

    def _report(self, state: EngineState, fraction: float, message: str) -> None:
        if state is EngineState.FAILED and not self._failed.done():
            self._failed.set_result(message)
        self._on_state(state, fraction, message)

    @contextlib.asynccontextmanager
    async def _open(self, options: EngineOptions) -> AsyncIterator[Connection]:
        """Connect to the engine, and keep its client for `_forward`."""
        async with self._connector(options) as connection:
            assert isinstance(connection.client, HttpClient)
            self._client = connection.client
            try:
                yield connection
            finally:
                self._client = None

    async def _forward(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        if request.path != HEALTH:
            try:
                await self._engine.ready()
            except InfillError as error:
                return error_response(503, str(error))
        if self._client is None:
            return error_response(503, "Loading model" if self._engine.state is EngineState.LOADING else WENT_AWAY)
        response: web.StreamResponse | None = None
        try:
            async with self._client.forward(request.method, request.path, body) as answer:
                response = web.StreamResponse(status=answer.status, headers={"Content-Type": answer.content_type})
                await response.prepare(request)
                async for piece in answer.content.iter_any():
                    await with_write_timeout(response.write(piece))
                await response.write_eof()
                return response
        except aiohttp.ClientError:
            if response is None:
                return error_response(503, WENT_AWAY)
            raise ConnectionResetError("The engine went away in the middle of its answer.") from None
