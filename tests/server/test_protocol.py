"""Faults of pygls 2.1.1 that would be the user's, each with a test that fails without our override."""

import asyncio
import json

import pytest
from lsprotocol import types

from lsp_server.server.handlers import configuration
from tests.raw_client import INLINE, RawClient
from tests.waiting import eventually

URI = "file:///project/module.py"
RECORDING = ("-m", "tests.server.recording_server", "serve")


def position(line, character):
    return {"line": line, "character": character}


def edit(text, start, end=None):
    return {"range": {"start": position(*start), "end": position(*(end or start))}, "text": text}


def did_open(connection, text, uri=URI):
    document = {"uri": uri, "languageId": "python", "version": 1, "text": text}
    return connection.note("textDocument/didOpen", {"textDocument": document})


def did_change(connection, version, *changes):
    document = {"uri": URI, "version": version}
    return connection.note("textDocument/didChange", {"textDocument": document, "contentChanges": list(changes)})


def ask(connection, at=(0, 0)):
    params = {"textDocument": {"uri": URI}, "position": position(*at), "context": {"triggerKind": 1}}
    return connection.call("textDocument/inlineCompletion", params)


def add_waiting_command(connection):
    """A command that never ends by itself; returns what happened to it."""
    happened = []

    async def wait():
        happened.append("begun")
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            happened.append("cancelled")
            raise

    @connection.context.server.command("test.wait")
    def command(*_):
        return wait()

    return happened


def execute(connection, command, *arguments):
    return connection.call("workspace/executeCommand", {"command": command, "arguments": list(arguments)})


# Documents


@pytest.mark.parametrize("separator", ["\f", "\u2028", "\u2029", "\v", "\x85", "\x1c"])
async def test_what_only_python_calls_a_line_break_shifts_no_line(connection, separator):
    text = f"a{separator}b\nsecond\nthird"
    connection.feed(did_open(connection, text), did_change(connection, 2, edit("X", (1, 0))))
    connection.feed(did_change(connection, 3, edit("Y", (2, 5))))
    await connection.settle()
    assert connection.context.documents.get(URI).text == f"a{separator}b\nXsecond\nthirdY"


async def test_a_position_past_the_end_of_the_last_line_is_its_end(connection):
    connection.feed(did_open(connection, "first\nlast"), did_change(connection, 2, edit("!", (1, 99))))
    connection.feed(did_change(connection, 3, edit("?", (0, 99))), did_change(connection, 4, edit(".", (7, 3))))
    await connection.settle()
    assert connection.context.documents.get(URI).text == "first?\nlast!."


async def test_pygls_keeps_no_copy_of_its_own(connection):
    connection.feed(did_open(connection, "text"), did_change(connection, 2, edit("more ", (0, 0))))
    await connection.settle()
    assert connection.context.documents.get(URI).text == "more text"
    assert not connection.context.server.workspace.text_documents


async def test_no_futures_are_left_behind(connection):
    @connection.context.server.feature("test/slow")
    async def slow(_):
        await asyncio.sleep(0)

    connection.feed(did_open(connection, ""))
    for version in range(2, 300):
        connection.feed(did_change(connection, version, edit("x", (0, 0))))
        connection.feed(connection.note("$/setTrace", {"value": "off"}), connection.note("test/slow", {}))
        connection.feed(connection.note("$/cancelRequest", {"id": version * 1000}))
    for _ in range(50):
        await connection.answer(ask(connection))
    for number in range(20):
        connection.feed(did_open(connection, "", f"file:///{number}.py"))
        closed = {"textDocument": {"uri": f"file:///{number}.py"}}
        connection.feed(connection.note("textDocument/didClose", closed))
    await connection.settle()
    assert connection.protocol._request_futures == {}
    assert connection.protocol._result_types == {}


# Messages that are not as they should be


@pytest.mark.parametrize(
    "params",
    [{}, {"textDocument": {"uri": URI}}, {"textDocument": {"uri": URI}, "position": "end"}, [1, 2], "text", 7, None],
)
async def test_malformed_params_are_answered_with_the_id(connection, params):
    response = await connection.answer(connection.call("textDocument/inlineCompletion", params))
    assert response["error"]["code"] == -32602
    await connection.settle()


async def test_malformed_params_of_a_notification_are_dropped(connection):
    connection.feed(did_open(connection, "kept"), ask(connection), connection.note("$/cancelRequest", {"id": []}))
    connection.feed(connection.note("textDocument/didChange", {"textDocument": 1}))
    connection.feed(connection.note("textDocument/didOpen", {"textDocument": {"uri": URI}}))
    connection.feed(connection.note("textDocument/didClose"))
    await connection.settle()
    assert connection.context.documents.get(URI).text == "kept"


@pytest.mark.parametrize(
    "body",
    [b"{", b"", b"nonsense", b"\xff\xfe\x00", b'{"jsonrpc": "2.0", "method": "\xe9"}', b"[" * 100_000],
    ids=["cut short", "empty", "no JSON", "no text", "no UTF-8", "nested without end"],
)
async def test_what_is_not_json_is_answered(connection, body):
    connection.feed(b"Content-Length: %d\r\n\r\n" % len(body), body)
    if body:
        assert (await connection.response(None))["error"]["code"] == -32700
    await connection.settle()


@pytest.mark.parametrize(
    "message",
    [[], 1, None, {}, {"id": "a", "method": "initialize"}, {"jsonrpc": "1.0", "id": "a", "method": "shutdown"}],
    ids=repr,
)
async def test_what_is_json_and_no_message_is_answered(connection, message):
    connection.feed(message)
    expected = message.get("id") if isinstance(message, dict) else None
    assert (await connection.response(expected))["error"]["code"] == -32600
    await connection.settle()


async def test_true_is_no_id(connection):
    """To Python it is 1, whose request would seem to be answered twice."""
    connection.feed({"jsonrpc": "2.0", "id": True, "method": "shutdown"})
    assert (await connection.response(None))["error"]["code"] == -32600
    assert not any(message.get("id") is True for message in connection.received)


@pytest.mark.parametrize(
    "header",
    [
        b"content-length: %d\r\n\r\n",
        b"CONTENT-LENGTH:%d\r\n\r\n",
        b"Content-Type: application/vscode-jsonrpc; charset=utf-8\r\nContent-Length: %d\r\n\r\n",
        b"Content-Length: %d\r\ncontent-type: application/vscode-jsonrpc; charset=utf8\r\n\r\n",
        b"\r\nContent-Length: nonsense\r\n\r\nContent-Length:  %d \r\n\r\n",
    ],
)
async def test_headers_are_read_as_the_standard_has_them(connection, header):
    message = execute(connection, "infill.explainLast")
    body = json.dumps(message).encode()
    connection.feed(header % len(body), body)
    assert "result" in await connection.response(message["id"])


async def test_a_message_may_come_byte_by_byte(connection):
    message = execute(connection, "infill.explainLast", "é😀")
    for byte in RawClient.frame(message):
        connection.feed(bytes([byte]))
        await asyncio.sleep(0)
    assert "result" in await connection.response(message["id"])


async def test_an_argument_that_looks_like_a_message_is_an_argument(connection):
    connection.context.server.command("test.echo")(lambda *arguments: list(arguments))
    argument = {"jsonrpc": "2.0", "id": 1, "method": "shutdown", "result": {"jsonrpc": "2.0", "method": "exit"}}
    response = await connection.answer(execute(connection, "test.echo", argument))
    assert response["result"] == [argument]


# Methods


@pytest.mark.parametrize("params", [(), (None,), ({"some": "thing"},), ([1],)], ids=repr)
async def test_an_unknown_method_is_not_found(connection, params):
    for method in ("textDocument/unheardOf", "$/unheardOf", "textDocument/hover"):
        message = connection.call(method, *params)
        if method == "textDocument/hover":
            message["params"] = {"textDocument": {"uri": URI}, "position": position(0, 0)}
        assert (await connection.answer(message))["error"]["code"] == -32601
    await connection.settle()


async def test_an_unknown_notification_is_ignored(connection):
    connection.feed(connection.note("textDocument/unheardOf", {"some": "thing"}), connection.note("$/unheardOf"))
    connection.feed(connection.note("window/workDoneProgress/cancel", {"token": "unheard of"}))
    connection.feed(connection.note("$/cancelRequest", {"id": 12345}))
    before = len(connection.received)
    await connection.settle()
    assert len(connection.received) == before + 1


async def test_a_notification_that_cannot_be_handled_is_not_the_users_concern(connection):
    @connection.context.server.feature("test/fails")
    def fails(_):
        raise ValueError("a fault of ours")

    before = len(connection.received)
    connection.feed(connection.note("test/fails", {}))
    connection.feed(did_open(connection, "x"), did_change(connection, 2, edit("y", (0, 0))))
    await connection.settle()
    assert len(connection.received) == before + 1
    assert connection.context.documents.get(URI).text == "yx"


async def test_an_unknown_command_is_an_error(connection):
    assert (await connection.answer(execute(connection, "infill.unheardOf")))["error"]["code"] == -32602


async def test_a_response_nobody_waits_for_is_ignored(connection):
    connection.feed({"jsonrpc": "2.0", "id": "unheard of", "result": None})
    connection.feed({"jsonrpc": "2.0", "id": "unheard of", "error": {"code": 1, "message": "no"}})
    connection.feed({"jsonrpc": "2.0", "id": None, "error": {"code": -32700, "message": "no"}})
    connection.feed({"jsonrpc": "2.0", "id": ["no", "id"], "result": 1})
    connection.feed({"jsonrpc": "2.0", "id": {}, "error": {"code": 1, "message": "no"}})
    await connection.settle()


@pytest.mark.parametrize("answer", [{"result": 1}, {"error": {"code": 1, "message": "no"}}], ids=repr)
async def test_an_answer_with_the_id_of_the_clients_own_request_is_ignored(connection, answer):
    add_waiting_command(connection)
    message = execute(connection, "test.wait")
    connection.feed(message, {"jsonrpc": "2.0", "id": message["id"], **answer})
    await connection.settle()
    connection.feed(connection.note("$/cancelRequest", {"id": message["id"]}))
    assert (await connection.response(message["id"]))["error"]["code"] == -32800


async def test_an_error_of_ours_is_answered_without_its_traceback(connection):
    @connection.context.server.feature("test/fails")
    def fails(_):
        raise RecursionError("a fault of ours")

    error = (await connection.answer(connection.call("test/fails", {})))["error"]
    assert error == {"code": -32603, "message": "RecursionError: a fault of ours"}


async def test_a_response_that_comes_too_late_is_ignored(fresh, monkeypatch):
    monkeypatch.setattr(configuration, "PULL_TIMEOUT_S", 0.01)
    monkeypatch.setattr(fresh.context.settings, "apply", lambda: None)
    await fresh.initialize(capabilities={"workspace": {"configuration": True}})
    fresh.feed(fresh.note("initialized", {}))
    await eventually(lambda: fresh.received[-1].get("method") == "workspace/configuration")
    await eventually(lambda: not fresh.context.tasks)
    fresh.feed({"jsonrpc": "2.0", "id": fresh.received[-1]["id"], "result": [{}]})
    await fresh.settle()
    assert fresh.protocol._request_futures == {}


# Cancelling and ending


async def test_cancelling_a_command_ends_the_command(connection):
    happened = add_waiting_command(connection)
    message = execute(connection, "test.wait")
    connection.feed(message)
    await eventually(lambda: happened == ["begun"])
    connection.feed(connection.note("$/cancelRequest", {"id": message["id"]}))
    assert (await connection.response(message["id"]))["error"]["code"] == -32800
    await eventually(lambda: happened == ["begun", "cancelled"])
    assert connection.protocol._request_futures == {}


async def test_shutdown_with_requests_open_is_answered_and_so_are_they(connection):
    happened = add_waiting_command(connection)
    open_requests = [execute(connection, "test.wait") for _ in range(3)]
    connection.feed(*open_requests)
    await eventually(lambda: len(happened) == 3)
    waiting_for_client = connection.protocol.send_request("workspace/configuration", types.ConfigurationParams([]))
    assert (await connection.answer(connection.call("shutdown"))) == {"jsonrpc": "2.0", "id": 5, "result": None}
    for message in open_requests:
        assert (await connection.response(message["id"]))["error"]["code"] == -32800
    await eventually(lambda: happened.count("cancelled") == 3)
    assert waiting_for_client.cancelled()
    assert not [m for m in connection.received if "method" in m and m["method"] != "workspace/configuration"]


async def test_after_shutdown_requests_are_refused_until_exit(connection):
    await connection.answer(connection.call("shutdown", None))
    for message in (ask(connection), connection.call("shutdown"), connection.call("unheard/of")):
        assert (await connection.answer(message))["error"]["code"] == -32600
    connection.feed(did_open(connection, "dropped"), connection.note("exit"))
    assert await asyncio.wait_for(connection.serving, 20) == 0
    assert connection.context.documents.get(URI) is None


async def test_exit_without_shutdown_is_a_failure(connection):
    connection.feed(connection.note("exit"))
    assert await asyncio.wait_for(connection.serving, 20) == 1


# Before and again: initialize


async def test_requests_before_initialize_are_refused_and_notifications_dropped(fresh):
    refused = [ask(fresh), execute(fresh, "infill.dumpState"), execute(fresh, "infill.explainLast")]
    refused += [fresh.call("unheard/of"), fresh.call("shutdown")]
    for message in refused:
        assert (await fresh.answer(message))["error"]["code"] == -32002, message
    fresh.feed(did_open(fresh, "early"), did_change(fresh, 2, edit("x", (0, 0))))
    fresh.feed(fresh.note("workspace/didChangeConfiguration", {"settings": {}}), fresh.note("initialized", {}))
    capabilities = (await fresh.initialize())["capabilities"]
    assert "inlineCompletionProvider" in capabilities
    assert fresh.context.documents.get(URI) is None
    await fresh.settle()


async def test_exit_before_initialize_ends_the_server(fresh):
    fresh.feed(fresh.note("exit"))
    assert await asyncio.wait_for(fresh.serving, 20) == 1


async def test_initialize_is_answered_once(connection):
    again = connection.call("initialize", {"processId": None, "rootUri": None, "capabilities": INLINE})
    assert (await connection.answer(again))["error"]["code"] == -32600
    await connection.settle()


# Order


@pytest.mark.parametrize("transport", ["stdio", "tcp"])
async def test_a_request_sees_the_text_as_of_itself(transport):
    """Requests and edits in one write: pygls would start every request after all the edits."""
    client = await (RawClient.start(program=RECORDING) if transport == "stdio" else RawClient.start_tcp(RECORDING))
    try:
        await client.request("initialize", {"processId": None, "rootUri": None, "capabilities": INLINE})
        messages = [did_open(RawClientMessages, "|")]
        for number in range(20):
            messages.append(RawClientMessages.call(number, ask_params(number)))
            messages.append(did_change(RawClientMessages, number + 2, edit(f"{number % 10}", (0, number))))
        client.write(b"".join(map(RawClient.frame, messages)))
        for number in range(20):
            assert (await client.response(f"ask {number}"))["result"] is None
        typed = "".join(str(number % 10) for number in range(20))
        assert await client.command("test.seen") == [[typed[:number], "|"] for number in range(20)]
        assert await client.request("shutdown") is None
        client.notify("exit")
        assert await client.exit_status() == 0
    finally:
        await client.close()


class RawClientMessages:
    """Messages for a client that numbers its own."""

    @staticmethod
    def note(method, params):
        return {"jsonrpc": "2.0", "method": method, "params": params}

    @staticmethod
    def call(number, params):
        return {
            "jsonrpc": "2.0",
            "id": f"ask {number}",
            "method": "textDocument/inlineCompletion",
            "params": params,
        }


def ask_params(character):
    return {"textDocument": {"uri": URI}, "position": position(0, character), "context": {"triggerKind": 1}}
