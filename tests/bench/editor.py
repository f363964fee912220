"""A language server as a process, and the editor's end of its pipe, which counts the answers to each request.

JSON-RPC is written here byte by byte (LSP 3.18, "Base Protocol"): a client library would hide a second answer.
"""

from __future__ import annotations

import asyncio
import itertools
import sys
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import msgspec

from lsp_server.base.errors import EditorError
from lsp_server.measure.corpus import View
from lsp_server.measure.targets import INFILL, Answer, ignore

TIMEOUT_S = 120.0
_REQUEST_CANCELLED = -32800
_LANGUAGE = "python"


class Editor:
    """Satisfies `Target`: types in a document, and sends automatic requests. Use as an async context manager.

    `sent` has the ids of requests for text. `answered` counts the answers by the id of their request.
    """

    def __init__(self, settings: dict[str, Any]) -> None:
        self.name = INFILL
        self.sent: set[int] = set()
        self.answered: Counter[int] = Counter()
        self._settings = settings
        self._ids = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._versions: dict[str, int] = {}
        self._ready = asyncio.Event()
        self._problem = ""
        self._process: asyncio.subprocess.Process
        self._reader: asyncio.Task[None]

    async def __aenter__(self) -> Editor:
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-X", "utf8", "-m", "lsp_server", "serve"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        self._reader = asyncio.ensure_future(self._read())
        capabilities = {"general": {"positionEncodings": ["utf-32"]}, "textDocument": {"inlineCompletion": {}}}
        await self._request(
            "initialize", {"capabilities": capabilities, "initializationOptions": self._settings, "rootUri": None}
        )
        self._send({"method": "initialized", "params": {}})
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()  # ends a server in any state
        await self._process.wait()
        await self._reader

    async def ready(self) -> None:
        """Wait for the model. Raises `EditorError` with the server's message if there will be none."""
        async with asyncio.timeout(TIMEOUT_S):
            await self._ready.wait()
        if self._problem:
            raise EditorError(self._problem)

    async def complete(
        self,
        view: View,
        max_tokens: int,
        on_text: Callable[[Answer], None] = ignore,
    ) -> Answer:
        """Bring the document to this state, and send a request at the cursor.

        Cancelling this call cancels the request. Its answer is counted all the same.
        """
        self._change(view)
        began = time.perf_counter()
        line_start = view.prefix.rfind("\n") + 1
        number = next(self._ids)
        self.sent.add(number)
        params = {
            "textDocument": {"uri": view.uri},
            "position": {"line": view.prefix.count("\n"), "character": len(view.prefix) - line_start},
            "context": {"triggerKind": 2},  # automatic
        }
        try:
            message = await self._ask(number, "textDocument/inlineCompletion", params)
        except asyncio.CancelledError:
            self._send({"method": "$/cancelRequest", "params": {"id": number}})
            raise
        answer = Answer(text=_text_of(message), total_ms=(time.perf_counter() - began) * 1000)
        if answer.text:
            answer.first_text_ms = answer.total_ms
            on_text(answer)
        return answer

    async def settle(self) -> None:
        """Wait until every request has its answer."""
        async with asyncio.timeout(TIMEOUT_S):
            while len(self.answered) < len(self.sent):  # noqa: ASYNC110
                await asyncio.sleep(0.01)

    # Messages

    def _change(self, view: View) -> None:
        text = view.prefix + view.suffix
        version = self._versions[view.uri] = self._versions.get(view.uri, 0) + 1
        document = {"uri": view.uri, "version": version}
        if version == 1:
            opened = document | {"languageId": _LANGUAGE, "text": text}
            self._send({"method": "textDocument/didOpen", "params": {"textDocument": opened}})
        else:
            changes = [{"text": text}]
            self._send(
                {"method": "textDocument/didChange", "params": {"textDocument": document, "contentChanges": changes}}
            )

    async def _request(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        async with asyncio.timeout(TIMEOUT_S):
            return await self._ask(next(self._ids), method, params)

    async def _ask(self, number: int, method: str, params: dict[str, Any]) -> dict[str, Any]:
        answered: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answered
        self._send({"id": number, "method": method, "params": params})
        return await answered

    def _send(self, message: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        body = msgspec.json.encode({"jsonrpc": "2.0"} | message)
        self._process.stdin.write(f"Content-Length: {len(body)}\r\n\r\n".encode() + body)

    async def _read(self) -> None:
        assert self._process.stdout is not None
        try:
            while True:
                headers = await self._process.stdout.readuntil(b"\r\n\r\n")
                length = int(headers.lower().split(b"content-length:")[1].split(b"\r\n")[0])
                self._take(msgspec.json.decode(await self._process.stdout.readexactly(length)))
        except asyncio.IncompleteReadError:  # it has ended
            for waiting in self._waiting.values():
                if not waiting.done():
                    waiting.set_exception(EditorError("A language server ended in the middle of the benchmark."))

    def _take(self, message: dict[str, Any]) -> None:
        if "method" in message:
            self._hear(message)
            return
        number = message["id"]
        if number in self.sent:
            self.answered[number] += 1
        waiting = self._waiting.pop(number, None)
        if waiting is not None and not waiting.done():
            waiting.set_result(message)

    def _hear(self, message: dict[str, Any]) -> None:
        """Answer the server's requests with null, and note whether the model is ready or will never be."""
        if "id" in message:
            self._send({"id": message["id"], "result": None})
        params = message.get("params") or {}
        if message["method"] == "window/logMessage" and " is ready" in params["message"]:
            self._ready.set()
        if message["method"] == "window/showMessage" and params["type"] == 1:
            self._problem = params["message"]
            self._ready.set()


def _text_of(message: dict[str, Any]) -> str:
    """The first item's text, empty for none. Raises `EditorError` for every error but RequestCancelled."""
    if (error := message.get("error")) and error["code"] != _REQUEST_CANCELLED:
        raise EditorError(f"A language server failed: {error['message']}")
    result = message.get("result") or []
    items = result["items"] if isinstance(result, dict) else result
    return str(items[0]["insertText"]) if items else ""
