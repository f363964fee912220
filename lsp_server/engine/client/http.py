"""The client of infill's own engine: HTTP and server-sent events on loopback."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncGenerator
from typing import TypeVar

import aiohttp
import msgspec
from aiohttp.http import HttpProcessingError

from lsp_server.base.errors import EngineError
from lsp_server.base.jsonc import encodable_json
from lsp_server.engine.client.interface import WENT_AWAY
from lsp_server.ipc.launch import CLIENT_HEADER, LoadEvent, Loading
from lsp_server.ipc.requests import Done, Event, Failed, Generate

logger = logging.getLogger(__name__)

_T = TypeVar("_T")

_GENERATE_DECODER = msgspec.json.Decoder(Event)
_LOAD_DECODER = msgspec.json.Decoder(LoadEvent)


class HttpClient:
    """One engine at one address. Use it as an async context manager, or `close` it.

    `client` is the name of this client of a shared engine. It keeps its documents apart from those of others.
    """

    def __init__(self, port: int, token: str, client: str = "") -> None:
        self._session = aiohttp.ClientSession(
            base_url=f"http://127.0.0.1:{port}",
            headers={"Authorization": f"Bearer {token}"} | ({CLIENT_HEADER: client} if client else {}),
            # There is no total limit, because a slow machine's prefill is silent for long. Requests end by
            # cancellation.
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=5),
            connector=aiohttp.TCPConnector(limit=0),
            trust_env=False,
        )
        self._open: set[aiohttp.ClientResponse] = set()

    async def __aenter__(self) -> HttpClient:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all connections, which cancels the requests under way. Their readers get a `Failed`."""
        for response in self._open:
            # Closing the session does not wake a reader that waits for the next line.
            response.content.set_exception(aiohttp.ClientConnectionError("closed"))
        await self._session.close()

    async def generate(self, request: Generate) -> AsyncGenerator[Event, None]:
        """Generate text. Ends with exactly one `Done` or `Failed`, also if the engine dies meanwhile."""
        try:
            async with self._session.post("/generate", data=_encode(request)) as response:
                await _require_success(response)
                async for event in self._events(response, _GENERATE_DECODER):
                    yield event
                    if isinstance(event, Done | Failed):
                        return
            yield Failed("The engine closed the connection before its answer was complete.")
        except EngineError as error:
            yield Failed(str(error))
        except (aiohttp.ClientError, HttpProcessingError, OSError, RuntimeError, ValueError) as error:
            logger.info("The engine went away: %r", error)
            yield Failed(WENT_AWAY)

    async def load(self) -> AsyncGenerator[LoadEvent, None]:
        """Follow the loading of the model to its end. Raises `EngineError` if the engine goes away."""
        try:
            async with self._session.get("/load") as response:
                await _require_success(response)
                async for event in self._events(response, _LOAD_DECODER):
                    yield event
                    if not isinstance(event, Loading):
                        return
        except (aiohttp.ClientError, ConnectionError) as error:
            raise EngineError(f"The engine went away while loading the model ({type(error).__name__}).") from error
        raise EngineError("The engine ended while it was loading the model.")

    async def watch(self) -> None:
        """Hold a lease of a shared engine, until the engine ends or the task is cancelled."""
        try:
            async with self._session.get("/watch") as response:
                await _require_success(response)
                self._open.add(response)
                try:
                    while await response.content.readany():
                        pass
                finally:
                    self._open.discard(response)
        except (aiohttp.ClientError, ConnectionError) as error:
            logger.info("The shared engine went away: %r", error)

    async def state(self) -> str:
        """The scheduler's state as text, or why it is unavailable."""
        try:
            async with self._session.get("/state", timeout=aiohttp.ClientTimeout(total=5)) as response:
                return await response.text()
        except (aiohttp.ClientError, ConnectionError, TimeoutError) as error:
            return f"the engine does not answer ({type(error).__name__})"

    def forward(
        self, method: str, path: str, body: bytes
    ) -> contextlib.AbstractAsyncContextManager[aiohttp.ClientResponse]:
        """Forward the request of another program. Raises `aiohttp.ClientError`. Leaving early cancels the request."""
        headers = {"Content-Type": "application/json"}
        return self._session.request(method, path, data=body or None, headers=headers)

    async def _events(
        self, response: aiohttp.ClientResponse, decoder: msgspec.json.Decoder[_T]
    ) -> AsyncGenerator[_T, None]:
        """The `data:` lines of a stream of server-sent events. infill's engine sends one line per event."""
        self._open.add(response)
        try:
            async for line in response.content:
                if line.startswith(b"data:"):
                    yield decoder.decode(line[5:])
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise EngineError(f"The engine answered something that is not its protocol: {error}.") from error
        finally:
            self._open.discard(response)
            response.close()


def _encode(request: Generate) -> bytes:
    try:
        return msgspec.json.encode(request)
    except UnicodeEncodeError:  # half a surrogate pair
        return encodable_json(msgspec.to_builtins(request)).encode()


async def _require_success(response: aiohttp.ClientResponse) -> None:
    if response.status != 200:
        raise EngineError(f"The engine refused a request: {response.status} {(await response.text())[:500]}")
