"""JSON-RPC at the edge: pygls' protocol with its faults mended, and our own reading of the stream.

`README.md` in this folder lists the faults of pygls 2.1.1. Each has a test in `tests/server`.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import logging
import uuid
from collections.abc import Callable, Generator
from concurrent.futures import Future, InvalidStateError
from functools import partial
from typing import Any

import attrs
import msgspec
from cattrs import Converter
from lsprotocol import types
from pygls.exceptions import JsonRpcException, JsonRpcInvalidParams
from pygls.lsp.server import LanguageServer
from pygls.protocol import LanguageServerProtocol, lsp_method

logger = logging.getLogger(__name__)

_PARSE_ERROR, _INVALID_REQUEST, _METHOD_NOT_FOUND, _INVALID_PARAMS = -32700, -32600, -32601, -32602
_NOT_INITIALIZED = -32002

# Our own handlers take these. pygls would keep a second, faulty copy of every document and folder.
_NOT_BUILT_IN = (
    types.TEXT_DOCUMENT_DID_OPEN,
    types.TEXT_DOCUMENT_DID_CHANGE,
    types.TEXT_DOCUMENT_DID_CLOSE,
    types.NOTEBOOK_DOCUMENT_DID_OPEN,
    types.NOTEBOOK_DOCUMENT_DID_CHANGE,
    types.NOTEBOOK_DOCUMENT_DID_CLOSE,
    types.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS,
)


# Requests whose context says what triggered them. 1 is "by hand" in each.
_TRIGGERED = (
    types.TEXT_DOCUMENT_INLINE_COMPLETION,
    types.TEXT_DOCUMENT_COMPLETION,
    types.TEXT_DOCUMENT_CODE_ACTION,
)


class InfillProtocol(LanguageServerProtocol):
    """One connection to one client. `on_exit` is called when the client says `exit`."""

    def __init__(self, server: LanguageServer, converter: Converter) -> None:
        super().__init__(server, converter)
        self.on_exit: Callable[[], None] = lambda: None
        self._is_initialized = False
        self._awaited: dict[str | int, Future[Any]] = {}  # our requests that the client has not answered
        for method in _NOT_BUILT_IN:
            del self.fm.builtin_features[method]

    def receive(self, body: bytes) -> None:
        """Handle one message. A request is always answered, whatever is wrong with it, and the server lives on."""
        try:
            data = _parse(body)
        except (ValueError, RecursionError) as error:
            self._answer_error(None, _PARSE_ERROR, f"The message is not JSON: {error}")
            return
        if isinstance(data, dict) and not isinstance(data.get("method"), str) and self._receive_answer(data):
            return
        # JSON's true is an int to Python, and the same as the id 1.
        if not isinstance(data, dict) or data.get("jsonrpc") != self.VERSION or isinstance(data.get("id"), bool):
            self._answer_error(_id_of(data), _INVALID_REQUEST, "Not a JSON-RPC 2.0 message.")
            return
        if "method" in data and not self._admit(data):
            return
        try:
            message = self.structure_message(_with_trigger(data))
        except JsonRpcException as error:
            if "method" in data and "id" in data:
                self._answer_error(_id_of(data), _INVALID_PARAMS, f"Invalid parameters for {data['method']}: {error}")
            else:
                logger.warning("Ignoring a malformed message: %s", error)
            return
        self._is_initialized |= data.get("method") == types.INITIALIZE
        self.handle_message(message)

    def send_request(
        self,
        method: str,
        params: Any | None = None,
        callback: Callable[[Any], None] | None = None,
        msg_id: str | int | None = None,
    ) -> Future[Any]:
        """Send a request, and note that its answer is awaited."""
        msg_id = str(uuid.uuid4()) if msg_id is None else msg_id
        self._awaited[msg_id] = future = super().send_request(method, params, callback, msg_id)
        return future

    def _receive_answer(self, data: dict[str, Any]) -> bool:
        """Give an answer of the client to the request that waits for it, which fails if the answer is malformed.

        False for a message that is no answer.
        """
        msg_id = data.get("id")
        waiting = self._awaited.pop(msg_id, None) if isinstance(msg_id, str | int) else None
        if waiting is None or msg_id is None:
            return "result" in data or "error" in data  # nobody waits for it any more
        answer = {key: value for key, value in data.items() if key != "method" and (key, value) != ("error", None)}
        try:
            if data.get("jsonrpc") != self.VERSION or not ("result" in answer or "error" in answer):
                raise JsonRpcException("It is no answer of JSON-RPC 2.0.")
            self.handle_message(self.structure_message(answer))
        except InvalidStateError:
            logger.warning("The client answered a request that was given up already.")
        except JsonRpcException as error:
            self._result_types.pop(msg_id, None)
            self._request_futures.pop(msg_id, None)
            logger.warning("The client's answer is malformed: %s", error)
            if not waiting.done():
                waiting.set_exception(JsonRpcException("The client's answer is malformed."))
        return True

    def _admit(self, data: dict[str, Any]) -> bool:
        """Whether a message is allowed in the server's present state (LSP 3.18, "Server lifecycle").

        A request that is not allowed is answered with an error. A notification is dropped.
        """
        method = data["method"]
        if "id" not in data:
            return self._is_initialized or method == types.EXIT
        if self._shutdown:
            refusal = _INVALID_REQUEST, "The server is shutting down."
        elif not self._is_initialized and method != types.INITIALIZE:
            refusal = _NOT_INITIALIZED, "The server waits for initialize."
        elif self._is_initialized and method == types.INITIALIZE:
            refusal = _INVALID_REQUEST, "The server is initialized already."
        elif not isinstance(method, str) or not (method in self.fm.builtin_features or method in self.fm.features):
            refusal = _METHOD_NOT_FOUND, f"There is no method {method!r}."
        else:
            return True
        self._answer_error(_id_of(data), *refusal)
        return False

    def _handle_cancel_notification(self, msg_id: Any) -> None:
        """Cancel an open request. An id that belongs to no open request is ignored."""
        future = self._request_futures.pop(msg_id, None) if isinstance(msg_id, str | int) else None
        if future is not None:
            future.cancel()

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
        """Run a handler now. If it returns a coroutine, that becomes the request's task."""
        if inspect.isgeneratorfunction(handler):
            super()._execute_handler(msg_id, handler, callback, args, kwargs)
            if (open_future := self._request_futures.get(msg_id)) is not None:
                open_future.add_done_callback(partial(self._forget, msg_id))
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
            task.add_done_callback(partial(self._forget, msg_id))
            task.add_done_callback(callback)
        else:
            done.set_result(result)
            callback(done)

    def _forget(self, msg_id: str | int, future: Any) -> None:
        if self._request_futures.get(msg_id) is future:
            del self._request_futures[msg_id]

    def _send_response(self, msg_id: str | int, result: Any | None = None, error: Any | None = None) -> None:
        """Answer a request. pygls would send its traceback with an error; the log has it."""
        if error is not None:
            self._answer_error(msg_id, error.code, error.message)
        else:
            super()._send_response(msg_id, result)

    def _check_handler_result(self, future: Any) -> None:
        """Log the error of a notification. pygls would show it to the user, at every keystroke."""
        if not future.cancelled() and (error := future.exception()) is not None:
            logger.error("A notification could not be handled: %s", error, exc_info=error)

    @lsp_method(types.INITIALIZE)
    def lsp_initialize(self, params: types.InitializeParams) -> Generator[Any, Any, Any]:
        """Keep the folders from pygls, whose own workspace fails on one that cannot be. Our handler gets them."""
        without = attrs.evolve(params, root_uri=None, root_path=None, workspace_folders=None)
        steps = super().lsp_initialize(without)
        handler, _, keywords = next(steps)
        yield handler, (params,), keywords
        try:
            next(steps)
        except StopIteration as end:
            return end.value

    @lsp_method(types.WORKSPACE_EXECUTE_COMMAND)
    def lsp_workspace__execute_command(self, params: types.ExecuteCommandParams) -> Any:
        """Run a command as the request's task, so that cancelling the request cancels the command."""
        handler = self.fm.commands.get(params.command)
        if handler is None:
            raise JsonRpcInvalidParams.of(ValueError(f"there is no command {params.command}"))
        return handler(*(params.arguments or []))

    @lsp_method(types.SHUTDOWN)
    def lsp_shutdown(self, *_: object) -> None:  # type: ignore[override]
        """Cancel all open requests. The loop uses a copy, because cancelling changes the table."""
        for future in list(self._request_futures.values()):
            future.cancel()
        self._shutdown = True

    @lsp_method(types.EXIT)
    def lsp_exit(self, *_: object) -> None:  # type: ignore[override]
        """Let the main loop end. pygls would leave the process from inside a callback."""
        self.on_exit()

    @property
    def was_shut_down(self) -> bool:
        """Whether the client said `shutdown` before `exit`."""
        return self._shutdown


def _with_trigger(data: dict[str, Any]) -> dict[str, Any]:
    """The message with a trigger kind where its sender leaves that out. Before December 2023 LSP counted from 0."""
    params = data.get("params")
    if data.get("method") not in _TRIGGERED or not isinstance(params, dict):
        return data
    is_inline = data["method"] == types.TEXT_DOCUMENT_INLINE_COMPLETION
    given = params.get("context")
    context = {} if given is None and is_inline else given
    if not isinstance(context, dict) or not (is_inline or "triggerKind" in context):
        return data
    kind = context.get("triggerKind")
    if kind is not None and (kind != 0 or isinstance(kind, bool)):
        return data
    return {**data, "params": {**params, "context": {**context, "triggerKind": 1}}}


def _parse(body: bytes) -> Any:
    """The value of a JSON text. msgspec takes half the time for a large document, but no lone surrogates."""
    try:
        return msgspec.json.decode(body)
    except (ValueError, RecursionError):
        return json.loads(body)


def _id_of(data: Any) -> str | int | None:
    msg_id = data.get("id") if isinstance(data, dict) else None
    return msg_id if isinstance(msg_id, str | int) and not isinstance(msg_id, bool) else None


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
