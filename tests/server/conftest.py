"""A server inside the test's process: fed with bytes, its answers kept, its state open to inspection."""

import asyncio
import functools
import itertools
import json
from typing import Any

import pytest

from lsp_server.server import main
from tests.raw_client import INLINE, RawClient

TIMEOUT_S = 20.0


class Connection:
    """One client's side of the server, and the server. No engine runs: `initialized` is not sent."""

    def __init__(self) -> None:
        self.server = main.Server()
        self.context = self.server.context
        self.protocol = self.server.protocol
        self.protocol.set_writer(self)
        self.received: list[dict[str, Any]] = []
        self._reader = asyncio.StreamReader()
        self._ids = itertools.count(1)
        self._arrived = asyncio.Event()
        self.serving = asyncio.ensure_future(self.server.serve(self._reader))
        self.serving.add_done_callback(lambda _: self._arrived.set())

    # What pygls calls a writer

    def write(self, data: bytes) -> None:
        head, _, body = data.partition(b"\r\n\r\n")
        assert b"Content-Length: %d" % len(body) in head
        self.received.append(json.loads(body))
        self._arrived.set()

    def close(self) -> None:
        pass

    # The client's side

    def feed(self, *messages: Any) -> None:
        """Send messages in one write, and bytes as they are."""
        self._reader.feed_data(b"".join(m if isinstance(m, bytes) else RawClient.frame(m) for m in messages))

    def call(self, method: str, *params: Any) -> dict[str, Any]:
        """A request, not yet sent; without params if none are given."""
        return {"jsonrpc": "2.0", "id": next(self._ids), "method": method, **({"params": params[0]} if params else {})}

    @staticmethod
    def note(method: str, *params: Any) -> dict[str, Any]:
        """A notification, not yet sent."""
        return {"jsonrpc": "2.0", "method": method, **({"params": params[0]} if params else {})}

    def responses(self, request_id: Any) -> list[dict[str, Any]]:
        return [
            message for message in self.received if message.get("id", self) == request_id and "method" not in message
        ]

    async def response(self, request_id: Any) -> dict[str, Any]:
        """The one response to a request."""
        async with asyncio.timeout(TIMEOUT_S):
            while not (found := self.responses(request_id)):
                assert not self.serving.done(), "the server has ended"
                self._arrived.clear()
                await self._arrived.wait()
        assert len(found) == 1, found
        return found[0]

    async def answer(self, message: dict[str, Any]) -> dict[str, Any]:
        """Send a request and wait for its response."""
        self.feed(message)
        return await self.response(message["id"])

    async def settle(self) -> None:
        """Wait until the server has handled everything sent so far, and is seen to be alive."""
        response = await self.answer(self.call("workspace/executeCommand", {"command": "infill.explainLast"}))
        assert isinstance(response["result"], str), response

    async def initialize(self, **params: Any) -> dict[str, Any]:
        response = await self.answer(
            self.call("initialize", {"processId": None, "rootUri": None, "capabilities": INLINE, **params})
        )
        return response["result"]

    async def end(self) -> int:
        """Close the stream; the server's exit status."""
        self._reader.feed_eof()
        return await asyncio.wait_for(self.serving, TIMEOUT_S)


@pytest.fixture(scope="session", autouse=True)
def one_converter():
    """Making the converter between JSON and LSP types takes longer than most of the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(main, "default_converter", functools.cache(main.default_converter))
        yield


@pytest.fixture
async def fresh():
    """A connection on which nothing was said yet."""
    connection = Connection()
    yield connection
    await connection.end()


@pytest.fixture
async def connection(fresh):
    """An initialized connection."""
    await fresh.initialize()
    return fresh
