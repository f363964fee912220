"""A language client that speaks bytes: it sees exactly what the server sends, and sends what no library would."""

from __future__ import annotations

import asyncio
import itertools
import json
import sys
from pathlib import Path
from typing import Any

TIMEOUT_S = 60.0


class RawClient:
    """A server process and both ends of its pipe. Every message received is kept in `received`."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.received: list[dict[str, Any]] = []
        self._ids = itertools.count(1)
        self._arrived = asyncio.Condition()
        self._versions: dict[str, int] = {}
        self._tasks = [asyncio.ensure_future(self._read()), asyncio.ensure_future(self._drain_stderr())]
        self.stderr = b""

    @classmethod
    async def start(cls, *arguments: str, cwd: Path | None = None, env: dict[str, str] | None = None) -> RawClient:
        command = [sys.executable, "-X", "utf8", "-m", "lsp_server", "serve", *arguments]
        pipe = asyncio.subprocess.PIPE
        return cls(
            await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, stderr=pipe, cwd=cwd, env=env)
        )

    async def close(self) -> None:
        if self.process.returncode is None:
            self.process.stdin.close()
            try:
                await asyncio.wait_for(self.process.wait(), 10)
            except TimeoutError:
                self.process.kill()
                await self.process.wait()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # Sending

    def write(self, data: bytes) -> None:
        self.process.stdin.write(data)

    @staticmethod
    def frame(message: Any) -> bytes:
        body = json.dumps(message).encode()
        return b"Content-Length: %d\r\n\r\n" % len(body) + body

    def notify(self, method: str, params: Any = None) -> None:
        self.write(self.frame({"jsonrpc": "2.0", "method": method, "params": params}))

    def send(self, method: str, params: Any = None) -> int:
        """Send a request; returns its id."""
        request_id = next(self._ids)
        self.write(self.frame({"jsonrpc": "2.0", "id": request_id, "method": method, "params": params}))
        return request_id

    def respond(self, request: dict[str, Any], result: Any) -> None:
        self.write(self.frame({"jsonrpc": "2.0", "id": request["id"], "result": result}))

    # Receiving

    async def wait_for(self, predicate: Any) -> dict[str, Any]:
        """The first message received, earlier or later, that satisfies a predicate."""

        async def find() -> dict[str, Any]:
            async with self._arrived:
                while True:
                    if found := next((message for message in self.received if predicate(message)), None):
                        return found
                    await self._arrived.wait()

        try:
            return await asyncio.wait_for(find(), TIMEOUT_S)
        except TimeoutError:
            raise AssertionError(f"never came; received {self.received}; stderr {self.stderr!r}") from None

    async def response(self, request_id: int) -> dict[str, Any]:
        return await self.wait_for(lambda message: message.get("id") == request_id and "method" not in message)

    async def request(self, method: str, params: Any = None) -> Any:
        """Send a request and return its result; an error fails the test."""
        response = await self.response(self.send(method, params))
        assert "error" not in response, response
        return response["result"]

    async def notification(self, method: str) -> dict[str, Any]:
        return await self.wait_for(lambda message: message.get("method") == method)

    # Conveniences

    async def initialize(
        self, capabilities: dict[str, Any] | None = None, options: Any = None, **params: Any
    ) -> dict[str, Any]:
        result = await self.request(
            "initialize",
            {
                "processId": None,
                "rootUri": None,
                "capabilities": capabilities if capabilities is not None else INLINE,
                "initializationOptions": options,
                **params,
            },
        )
        self.notify("initialized", {})
        return result

    async def ready(self) -> None:
        """Wait until the model serves."""
        await self.wait_for(
            lambda message: message.get("method") == "window/logMessage" and "is ready" in message["params"]["message"]
        )

    def open(self, uri: str, text: str, language_id: str = "python") -> None:
        self._versions[uri] = 1
        document = {"uri": uri, "languageId": language_id, "version": 1, "text": text}
        self.notify("textDocument/didOpen", {"textDocument": document})

    def change(self, uri: str, *changes: dict[str, Any]) -> None:
        self._versions[uri] += 1
        document = {"uri": uri, "version": self._versions[uri]}
        self.notify("textDocument/didChange", {"textDocument": document, "contentChanges": list(changes)})

    def insert(self, uri: str, line: int, character: int, text: str) -> None:
        position = {"line": line, "character": character}
        self.change(uri, {"range": {"start": position, "end": position}, "text": text})

    def ask(self, uri: str, line: int, character: int, trigger_kind: int = 1) -> int:
        """Ask for ghost text; returns the request's id."""
        return self.send(
            "textDocument/inlineCompletion",
            {
                "textDocument": {"uri": uri},
                "position": {"line": line, "character": character},
                "context": {"triggerKind": trigger_kind},
            },
        )

    async def _read(self) -> None:
        while True:
            length = 0
            while (line := await self.process.stdout.readline()) != b"\r\n":
                if not line:
                    return
                name, _, value = line.partition(b":")
                length = int(value) if name == b"Content-Length" else length
            message = json.loads(await self.process.stdout.readexactly(length))
            async with self._arrived:
                self.received.append(message)
                self._arrived.notify_all()

    async def _drain_stderr(self) -> None:
        while chunk := await self.process.stderr.read(4096):
            self.stderr += chunk


INLINE = {"textDocument": {"inlineCompletion": {}}}
POPUP = {"textDocument": {"completion": {}}}
