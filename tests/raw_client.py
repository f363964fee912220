"""A language client that speaks bytes: it sees exactly what the server sends, and sends what no library would."""

from __future__ import annotations

import asyncio
import atexit
import itertools
import json
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.waiting import TIMEOUT_S

SERVE = ("-m", "lsp_server", "serve")
# The settings of whoever runs the tests must not matter, and each server has an engine of its own: tests break engines.
# One folder for each process that runs tests: two workers share nothing.
_NOWHERE = Path(tempfile.mkdtemp(prefix="infill-tests-"))
atexit.register(shutil.rmtree, _NOWHERE, ignore_errors=True)
NO_SETTINGS = {f"XDG_{name}": str(_NOWHERE) for name in ("CONFIG_HOME", "DATA_HOME", "CACHE_HOME", "RUNTIME_DIR")}
(_NOWHERE / "infill").mkdir()
(_NOWHERE / "infill" / "config.toml").write_text('[engine]\nmode = "private"\n', encoding="utf-8")


class RawClient:
    """A server process and both ends of its pipe. Every message received is kept in `received`.

    Requests from the server whose method is in `answers` are answered at once, with what is there. `on_message` is
    called with each message as it arrives.
    """

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        reader: asyncio.StreamReader | None = None,
        writer: asyncio.StreamWriter | None = None,
    ) -> None:
        self.process = process
        self._reader = reader or process.stdout
        self._writer = writer or process.stdin
        self.received: list[dict[str, Any]] = []
        self.answers: dict[str, Any] = {}
        self.on_message: Callable[[dict[str, Any]], None] = lambda _: None
        self._ids = itertools.count(1)
        self._arrived = asyncio.Condition()
        self._versions: dict[str, int] = {}
        self._tasks = [asyncio.ensure_future(self._read()), asyncio.ensure_future(self._drain_stderr())]
        self.stderr = b""

    @classmethod
    async def start(
        cls,
        *arguments: str,
        program: tuple[str, ...] = SERVE,
        cwd: Path | None = None,
        env: dict[str, str] | None = None,
    ) -> RawClient:
        """Start a server. `env` is added to the environment."""
        return cls(await _launch(*program, *arguments, cwd=cwd, env=env))

    @classmethod
    async def start_tcp(cls, program: tuple[str, ...] = SERVE) -> RawClient:
        """Start a server that listens on a port, and connect to it."""
        process = await _launch(*program, "--tcp", "0")
        line = await asyncio.wait_for(process.stderr.readline(), TIMEOUT_S)
        port = re.fullmatch(rb"listening on port (\d+)\s*", line)
        assert port, line
        return cls(process, *await asyncio.open_connection("127.0.0.1", int(port[1])))

    async def close(self) -> None:
        """End the server if it has not ended, and everything of ours."""
        self._writer.close()
        self.process.stdin.close()
        try:
            await asyncio.wait_for(self.process.wait(), 10)
        except TimeoutError:
            self.process.kill()
            await self.process.wait()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def exit_status(self) -> int:
        """Wait for the server to end."""
        return await asyncio.wait_for(self.process.wait(), TIMEOUT_S)

    # Sending

    def write(self, data: bytes) -> None:
        self._writer.write(data)

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

    def cancel(self, request_id: int) -> None:
        self.notify("$/cancelRequest", {"id": request_id})

    async def drain(self) -> None:
        """Wait until the server has read what was sent, but for what a pipe holds."""
        await self._writer.drain()

    # Receiving

    def pause(self) -> None:
        """Read nothing more, until `resume`."""
        self._reader._transport.pause_reading()

    def resume(self) -> None:
        self._reader._transport.resume_reading()

    @property
    def mark(self) -> int:
        """How much was received until now, to look only at what comes later: see `since`."""
        return len(self.received)

    async def wait_for(self, predicate: Any, since: int = 0) -> dict[str, Any]:
        """The first message received, earlier or later, that satisfies a predicate."""

        async def find() -> dict[str, Any]:
            async with self._arrived:
                while True:
                    if found := next((message for message in self.received[since:] if predicate(message)), None):
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

    async def notification(self, method: str, since: int = 0) -> dict[str, Any]:
        return await self.wait_for(lambda message: message.get("method") == method, since)

    def all_of(self, method: str, since: int = 0) -> list[dict[str, Any]]:
        """What was received so far of a method."""
        return [message for message in self.received[since:] if message.get("method") == method]

    def shown(self, since: int = 0) -> list[str]:
        """The sentences shown to the user so far."""
        return [message["params"]["message"] for message in self.all_of("window/showMessage", since)]

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

    async def ready(self, since: int = 0) -> None:
        """Wait until the model serves."""
        await self.wait_for(
            lambda message: message.get("method") == "window/logMessage" and "is ready" in message["params"]["message"],
            since,
        )

    async def command(self, name: str, *arguments: Any) -> Any:
        return await self.request("workspace/executeCommand", {"command": name, "arguments": list(arguments)})

    async def num_open(self) -> int | None:
        """How many requests the engine has open; None while it cannot say."""
        found = re.search(r"(\d+) open\b", await self.command("infill.dumpState"), re.MULTILINE)
        return int(found[1]) if found else None

    def open(self, uri: str, text: str, language_id: str = "python") -> None:
        self.register(uri)
        document = {"uri": uri, "languageId": language_id, "version": 1, "text": text}
        self.notify("textDocument/didOpen", {"textDocument": document})

    def register(self, uri: str) -> None:
        """Count the versions of a document that was opened with `write`."""
        self._versions[uri] = 1

    def change(self, uri: str, *changes: dict[str, Any]) -> None:
        self._versions[uri] += 1
        document = {"uri": uri, "version": self._versions[uri]}
        self.notify("textDocument/didChange", {"textDocument": document, "contentChanges": list(changes)})

    def insert(self, uri: str, line: int, character: int, text: str) -> None:
        position = {"line": line, "character": character}
        self.change(uri, {"range": {"start": position, "end": position}, "text": text})

    def ask(self, uri: str, line: int, character: int, trigger_kind: int = 1, **context: Any) -> int:
        """Ask for ghost text; returns the request's id."""
        return self.send(
            "textDocument/inlineCompletion",
            {
                "textDocument": {"uri": uri},
                "position": {"line": line, "character": character},
                "context": {"triggerKind": trigger_kind, **context},
            },
        )

    def menu(self, uri: str, line: int, character: int) -> int:
        """Ask for the completion menu; returns the request's id."""
        return self.send(
            "textDocument/completion",
            {"textDocument": {"uri": uri}, "position": {"line": line, "character": character}},
        )

    async def _read(self) -> None:
        while True:
            length = 0
            while (line := await self._reader.readline()) != b"\r\n":
                if not line:
                    return
                name, _, value = line.partition(b":")
                length = int(value) if name == b"Content-Length" else length
            message = json.loads(await self._reader.readexactly(length))
            self.on_message(message)
            if "id" in message and message.get("method") in self.answers:
                self.respond(message, self.answers[message["method"]])
            async with self._arrived:
                self.received.append(message)
                self._arrived.notify_all()

    async def _drain_stderr(self) -> None:
        while chunk := await self.process.stderr.read(4096):
            self.stderr += chunk


async def _launch(
    *arguments: str, cwd: Path | None = None, env: dict[str, str] | None = None
) -> asyncio.subprocess.Process:
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-X", "utf8", *arguments),
        stdin=pipe,
        stdout=pipe,
        stderr=pipe,
        cwd=cwd,
        env={**os.environ, **NO_SETTINGS, **(env or {})},
    )


INLINE = {"textDocument": {"inlineCompletion": {}}}
POPUP = {"textDocument": {"completion": {}}}
