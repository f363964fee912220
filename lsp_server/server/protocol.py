"""JSON-RPC at the edge: pygls' protocol, with its faults mended, and our own reading of the stream.

pygls 2.1.1, each with a test in `tests/server/test_protocol.py`:

- starts an async handler only on a later turn of the loop, after edits that arrived behind the request: handlers
  here are plain functions that may return a coroutine, so their first part runs in order;
- leaves a future behind per notification with an async handler;
- never answers a request it cannot parse, loses the stream on a lower-case header, and parses any nested object
  that happens to have a `jsonrpc` key as a message: `read_messages` and `receive` replace its reading;
- on `$/cancelRequest` of a command answers the client, and lets the command run on;
- answers `shutdown` with an error while another request is open;
- fails on an answer to a request of ours that was given up.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import logging
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from functools import partial
from typing import Any

from cattrs import Converter
from lsprotocol import types
from pygls.exceptions import JsonRpcException, JsonRpcInvalidParams
from pygls.lsp.server import LanguageServer
from pygls.protocol import LanguageServerProtocol, lsp_method

logger = logging.getLogger(__name__)

_PARSE_ERROR, _INVALID_REQUEST, _INVALID_PARAMS = -32700, -32600, -32602


# Our own handlers see these; pygls would keep a second, faulty copy of every document and folder.
_NOT_BUILT_IN = (
    types.TEXT_DOCUMENT_DID_OPEN,
    types.TEXT_DOCUMENT_DID_CHANGE,
    types.TEXT_DOCUMENT_DID_CLOSE,
    types.NOTEBOOK_DOCUMENT_DID_OPEN,
    types.NOTEBOOK_DOCUMENT_DID_CHANGE,
    types.NOTEBOOK_DOCUMENT_DID_CLOSE,
    types.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS,
)


class InfillProtocol(LanguageServerProtocol):
    """One connection to one client. `on_exit` is called when the client says `exit`."""

    def __init__(self, server: LanguageServer, converter: Converter) -> None:
        super().__init__(server, converter)
        self.on_exit: Callable[[], None] = lambda: None
        for method in _NOT_BUILT_IN:
            del self.fm.builtin_features[method]

    def receive(self, body: bytes) -> None:
        """Handle one message. Whatever is wrong with it, a request is answered and the server lives on."""
        try:
            data = json.loads(body)
        except ValueError as error:
            self._answer_error(None, _PARSE_ERROR, f"The message is not JSON: {error}")
            return
        if not isinstance(data, dict) or data.get("jsonrpc") != self.VERSION:
            self._answer_error(_id_of(data), _INVALID_REQUEST, "Not a JSON-RPC 2.0 message.")
            return
        if self._shutdown and "id" in data and "method" in data:
            self._answer_error(_id_of(data), _INVALID_REQUEST, "The server is shutting down.")
            return
        try:
            message = self.structure_message(data)
        except JsonRpcException as error:
            if "method" in data and "id" in data:
                self._answer_error(_id_of(data), _INVALID_PARAMS, f"Invalid parameters for {data['method']}: {error}")
            else:
                logger.warning("Ignoring a malformed message: %s", error)
            return
        try:
            self.handle_message(message)
        except InvalidStateError:
            logger.warning("The client answered a request that was given up already.")

    def _answer_error(self, msg_id: str | int | None, code: int, message: str) -> None:
        error = {"code": code, "message": message}
        self._send_data({"jsonrpc": self.VERSION, "id": msg_id, "error": error})

    def _execute_handler(
        self,
        msg_id: str | int,
        handler: Callable[..., Any],
        callback: Callable[[Any], None],
        args: tuple[Any, ...] | None = None,
        kwargs: dict[str, Any] | None = None,
    ) -> None:
        """Run a handler now; if it returns a coroutine, run that as the request's task."""
        if inspect.isgeneratorfunction(handler):
            super()._execute_handler(msg_id, handler, callback, args, kwargs)
            return
        done: Future[Any] = Future()
        try:
            result = handler(*(args or ()), **(kwargs or {}))
        except Exception as error:  # noqa: BLE001  (the callback answers the request with it)
            done.set_exception(error)
            callback(done)
            return
        if inspect.isawaitable(result):
            task: Any = asyncio.ensure_future(result)
            self._request_futures[msg_id] = task
            task.add_done_callback(partial(self._forget_and_call, msg_id, callback))
        else:
            done.set_result(result)
            callback(done)

    def _forget_and_call(self, msg_id: str | int, callback: Callable[[Any], None], task: Any) -> None:
        if self._request_futures.get(msg_id) is task:
            del self._request_futures[msg_id]
        callback(task)

    def _check_handler_result(self, future: Any) -> None:
        """A notification has no answer: its error goes to the log, not to the user at every keystroke."""
        if not future.cancelled() and (error := future.exception()) is not None:
            logger.error("A notification could not be handled: %s", error, exc_info=error)

    @lsp_method(types.WORKSPACE_EXECUTE_COMMAND)
    def lsp_workspace__execute_command(self, params: types.ExecuteCommandParams) -> Any:
        """Run a command as the request's own task, so that cancelling the request cancels the command."""
        handler = self.fm.commands.get(params.command)
        if handler is None:
            raise JsonRpcInvalidParams.of(ValueError(f"there is no command {params.command}"))
        return handler(*(params.arguments or []))

    @lsp_method(types.SHUTDOWN)
    def lsp_shutdown(self, *_: object) -> None:  # type: ignore[override]
        """End what is open. Cancelling changes the table of open requests, so a copy is walked."""
        for future in list(self._request_futures.values()):
            future.cancel()
        self._shutdown = True

    @lsp_method(types.EXIT)
    def lsp_exit(self, *_: object) -> None:  # type: ignore[override]
        """Let the main loop end, rather than leave the process from inside a callback."""
        self.on_exit()

    @property
    def was_shut_down(self) -> bool:
        """Whether the client said `shutdown` before `exit`."""
        return self._shutdown


def _id_of(data: Any) -> str | int | None:
    msg_id = data.get("id") if isinstance(data, dict) else None
    return msg_id if isinstance(msg_id, str | int) else None


async def read_messages(reader: asyncio.StreamReader, receive: Callable[[bytes], None]) -> None:
    """Read framed messages until the stream ends (LSP 3.18, "Base Protocol").

    Header names are case-insensitive; a header block without a usable length is skipped.
    """
    while True:
        length = 0
        while (line := await reader.readline()) not in (b"\r\n", b"\n"):
            if not line:
                return
            name, _, value = line.partition(b":")
            if name.strip().lower() == b"content-length" and value.strip().isdigit():
                length = int(value)
        if length:
            try:
                receive(await reader.readexactly(length))
            except asyncio.IncompleteReadError:
                return
