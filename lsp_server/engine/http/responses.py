"""HTTP responses: JSON, errors, and server-sent events."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable
from typing import Any, TypeVar

import msgspec
from aiohttp import web

from lsp_server.base.errors import EngineError, ModelError, PromptError

# A client that reads nothing for this long counts as gone, and its request is cancelled.
WRITE_TIMEOUT_S = 60.0
# Larger bodies are decoded in another thread.
_LARGE_BODY_BYTES = 1 << 18
_KINDS = {400: "invalid_request_error", 401: "authentication_error", 501: "not_supported_error"}

_T = TypeVar("_T")


class InvalidRequestError(Exception):
    """A body that cannot be read, or that asks for something unsupported. Its text is a sentence."""


_STATUSES = {InvalidRequestError: 400, PromptError: 400, ModelError: 501, EngineError: 500}
TOLD_ERRORS = tuple(_STATUSES)


def status_of(error: Exception) -> int:
    """The status of an answer that reports one of `TOLD_ERRORS`."""
    return next(status for kind, status in _STATUSES.items() if isinstance(error, kind))


def error_body(status: int, message: str) -> dict[str, Any]:
    """An error in the form of llama-server and of OpenAI's API."""
    return {"error": {"code": status, "message": message, "type": _KINDS.get(status, "server_error")}}


def error_response(status: int, message: str) -> web.Response:
    """A response that reports an error."""
    return json_response(error_body(status, message), status)


def json_response(content: Any, status: int = 200) -> web.Response:
    """JSON without white space, because llama.vim searches for `"content":"`."""
    return web.Response(status=status, body=msgspec.json.encode(content), content_type="application/json")


async def decode_body(request: web.Request, kind: type[_T]) -> _T:
    """The body of a request. Raises `InvalidRequestError` if it is not of that kind."""
    body = await request.read()
    try:
        if len(body) > _LARGE_BODY_BYTES:
            return await asyncio.to_thread(msgspec.json.decode, body, type=kind)
        return msgspec.json.decode(body, type=kind)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise InvalidRequestError(f"The request cannot be read: {error}.") from None


async def with_write_timeout(writing: Awaitable[None]) -> None:
    """Wait until data has been written to a client. Raises `ConnectionResetError` if the client does not read."""
    try:
        async with asyncio.timeout(WRITE_TIMEOUT_S):
            await writing
    except TimeoutError:
        raise ConnectionResetError("Nobody reads the answer.") from None


class Send:
    """Writes events to one response. Raises `ConnectionResetError` if the client does not read."""

    def __init__(self, response: web.StreamResponse) -> None:
        self.response = response

    async def __call__(self, event: Any) -> None:
        """Send an event as JSON."""
        await self.line(msgspec.json.encode(event))

    async def line(self, data: bytes) -> None:
        """Send the data of an event as they are."""
        await with_write_timeout(self.response.write(b"data: " + data + b"\n\n"))


@contextlib.asynccontextmanager
async def event_stream(request: web.Request) -> AsyncIterator[Send]:
    """A response of server-sent events (WHATWG HTML, section 9.2)."""
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
    await response.prepare(request)
    yield Send(response)
    await response.write_eof()
