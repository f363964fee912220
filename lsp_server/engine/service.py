"""The engine process: HTTP on loopback in front of a `Worker`.

    POST /generate   a `Generate`; answered by server-sent events: `Prefilled`, `Chunk`…, one `Done` or `Failed`
    GET  /load       server-sent events: `Loading`…, then one `Loaded` or `LoadFailed`
    GET  /state      the scheduler's state as text
    GET  /health     204 once the process can be asked
    GET  /watch      stays open as long as a client of a shared engine is there
    POST /stop       ends a shared engine: at once with `?clients=any`, else only if it has no client (409)

Every request carries the token of the launch line as a bearer; requests with an Origin, or a Host that is not
loopback, come from a web page and are refused. Closing the connection of `/generate` cancels the request. The
process ends when its standard input does, that is, when whoever launched it is gone, however it went. One that is
shared (`shared.py`) ends when it had no client for a while. Documents of different clients are told apart by the
header `Infill-Client`.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import itertools
import logging
import os
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable

import msgspec
from aiohttp import web

from lsp_server.engine.http_client import CLIENT_HEADER
from lsp_server.engine.messages import (
    Done,
    Event,
    Failed,
    Generate,
    Launch,
    Listening,
    LoadEvent,
    Loading,
)
from lsp_server.engine.presence import Presence, end_shared
from lsp_server.engine.worker import BackendFactory, Worker

logger = logging.getLogger(__name__)

MAX_BODY_BYTES = 16 * 1024 * 1024
_LOOPBACK_HOSTS = {"127.0.0.1", "localhost", "[::1]"}

_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Service:
    """The application: routes, and the hand-over between the event loop and the worker's thread."""

    def __init__(self, factory: BackendFactory, launch: Launch) -> None:
        self._token = launch.token
        self._presence = Presence(launch.linger_s, lambda: end_shared(launch)) if launch.linger_s else None
        self._loop = asyncio.get_running_loop()
        self._worker = Worker(factory, self._load_from_worker, self._event_from_worker, self._die)
        self._load_event: LoadEvent = Loading(0.0)
        self._load_changed = asyncio.Event()
        self._answers: dict[str, asyncio.Queue[Event]] = {}
        self._ids = itertools.count(1)
        self.app = web.Application(middlewares=[self._guard], client_max_size=MAX_BODY_BYTES)
        self.app.router.add_post("/generate", self._generate)
        self.app.router.add_get("/load", self._load)
        self.app.router.add_get("/state", self._state)
        self.app.router.add_get("/health", self._health)
        if self._presence:
            self.app.router.add_get("/watch", self._presence.watch)
            self.app.router.add_post("/stop", self._presence.stop)

    def start(self) -> None:
        """Begin to load the model."""
        self._worker.start()

    def _die(self) -> None:
        """Our books are wrong: deliver what was said of it, then end, to be replaced."""
        self._loop.call_soon_threadsafe(self._loop.call_later, 0.2, os._exit, 70)

    # From the worker's thread to the event loop

    def _load_from_worker(self, event: LoadEvent) -> None:
        self._loop.call_soon_threadsafe(self._set_load_event, event)

    def _set_load_event(self, event: LoadEvent) -> None:
        self._load_event = event
        self._load_changed.set()
        self._load_changed = asyncio.Event()

    def _event_from_worker(self, request_id: str, event: Event) -> None:
        self._loop.call_soon_threadsafe(self._deliver, request_id, event)

    def _deliver(self, request_id: str, event: Event) -> None:
        if answer := self._answers.get(request_id):
            answer.put_nowait(event)

    # Routes

    @web.middleware
    async def _guard(self, request: web.Request, handler: _Handler) -> web.StreamResponse:
        given = request.headers.get("Authorization", "")
        if not hmac.compare_digest(given.encode("utf-8", "surrogateescape"), f"Bearer {self._token}".encode()):
            return web.Response(status=401, text="The token is missing or wrong.")
        if "Origin" in request.headers or request.host.rsplit(":", 1)[0] not in _LOOPBACK_HOSTS:
            return web.Response(status=403, text="Only local programs may ask, not web pages.")
        return await handler(request)

    async def _generate(self, request: web.Request) -> web.StreamResponse:
        try:
            generate = msgspec.json.decode(await request.read(), type=Generate)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            return web.Response(status=400, text=f"Not a Generate message: {error}.")
        if generate.document and (client := request.headers.get(CLIENT_HEADER)):
            generate = msgspec.structs.replace(generate, document=f"{client} {generate.document}")
        request_id = str(next(self._ids))
        answer = self._answers[request_id] = asyncio.Queue()
        self._worker.submit(request_id, generate)
        ended = False
        try:
            async with _event_stream(request) as send:
                while not ended:
                    event = await answer.get()
                    ended = isinstance(event, Done | Failed)
                    await send(event)
                return send.response
        finally:
            del self._answers[request_id]
            if not ended:
                self._worker.cancel(request_id)

    async def _load(self, request: web.Request) -> web.StreamResponse:
        async with _event_stream(request) as send:
            while isinstance(self._load_event, Loading):
                changed = self._load_changed
                await send(self._load_event)
                await changed.wait()
            await send(self._load_event)
            return send.response

    async def _state(self, _: web.Request) -> web.Response:
        reply: asyncio.Future[str] = self._loop.create_future()

        def from_worker(text: str) -> None:
            self._loop.call_soon_threadsafe(reply.set_result, text)

        self._worker.dump(from_worker)
        return web.Response(text=await reply)

    async def _health(self, _: web.Request) -> web.Response:
        return web.Response(status=204)


class _Send:
    """Writes events to one response."""

    def __init__(self, response: web.StreamResponse) -> None:
        self.response = response

    async def __call__(self, event: msgspec.Struct) -> None:
        await self.response.write(b"data: " + msgspec.json.encode(event) + b"\n\n")


@contextlib.asynccontextmanager
async def _event_stream(request: web.Request) -> AsyncIterator[_Send]:
    """A response of server-sent events (WHATWG HTML, section 9.2)."""
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
    await response.prepare(request)
    yield _Send(response)
    await response.write_eof()


async def serve(launch: Launch) -> None:
    """Run the engine until the process ends."""
    # Two threads share the interpreter: the worker must not wait 5 ms for it after each decode.
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
    """Imports the backend in the worker's thread: llama.cpp takes its time, and the port should be open by then."""
    options = launch.options

    def llama(progress: Callable[[float], None]) -> object:
        from lsp_server.engine.llama_backend import LlamaBackend

        return LlamaBackend(options, progress)

    def fake(progress: Callable[[float], None]) -> object:
        from lsp_server.engine.fake_backend import FakeBackend

        return FakeBackend(options, progress)

    return llama if options.backend == "llama" else fake  # type: ignore[return-value]


def main() -> None:
    """Read the launch line, then serve until standard input ends."""
    logging.basicConfig(level=logging.WARNING, format="engine: %(message)s", stream=sys.stderr)
    launch = msgspec.json.decode(sys.stdin.buffer.readline(), type=Launch)
    if not launch.linger_s:
        threading.Thread(target=_end_with_standard_input, name="infill-parent-watch", daemon=True).start()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(launch))


def _end_with_standard_input() -> None:
    """Exit at once, even from inside a decode: nothing here needs saving."""
    while sys.stdin.buffer.read(4096):
        pass
    os._exit(0)


if __name__ == "__main__":
    main()
