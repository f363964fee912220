"""What single clients do and cannot do: old trigger kinds, cancels at once, refusals, no edits, stock Neovim."""

import asyncio
import os
import sys

import pytest

from lsp_server.completion.request import Answer
from lsp_server.server.parent_watch import watch_parent
from tests.raw_client import INLINE
from tests.server.conftest import Connection
from tests.waiting import eventually

URI = "file:///a.py"
START = {"line": 0, "character": 0}
RANGE = {"start": START, "end": START}
NEOVIM = {"name": "Neovim", "version": "0.12.1"}
ACTIONS = {
    "codeActionLiteralSupport": {"codeActionKind": {"valueSet": []}},
    "dataSupport": True,
    "resolveSupport": {"properties": ["edit"]},
}


class Pipeline:
    """Answers with one text and keeps the requests."""

    def __init__(self, text=""):
        self.text = text
        self.requests = []

    async def complete(self, snapshot, neighbours, request):
        self.requests.append(request)
        return Answer(text=self.text)

    def forget(self, uri):
        pass


@pytest.fixture
async def connect():
    connections = []

    async def connect(text="", source="x\r\ny", **params):
        connection = Connection()
        connection.context.settings.apply = lambda: None  # no engine
        connections.append(connection)
        await connection.initialize(**params)
        connection.pipeline = Pipeline(text)
        connection.context.engines.pipelines = {connection.context.settings.current: connection.pipeline}
        document = {"uri": URI, "languageId": "python", "version": 1, "text": source}
        connection.feed(connection.note("textDocument/didOpen", {"textDocument": document}))
        return connection

    yield connect
    for connection in connections:
        await connection.end()


def ask(connection, **context):
    params = {"textDocument": {"uri": URI}, "position": START}
    return connection.call("textDocument/inlineCompletion", {**params, **context})


@pytest.mark.parametrize(
    ("context", "automatic"),
    [
        ({}, False),
        ({"context": None}, False),
        ({"context": {}}, False),
        ({"context": {"triggerKind": None}}, False),
        ({"context": {"triggerKind": 0}}, False),
        ({"context": {"triggerKind": 1}}, False),
        ({"context": {"triggerKind": 2}}, True),
    ],
)
async def test_a_trigger_kind_that_is_missing_or_zero_is_by_hand(connect, context, automatic):
    connection = await connect("text")
    response = await connection.answer(ask(connection, **context))
    assert response["result"]["items"]
    assert [request.automatic for request in connection.pipeline.requests] == [automatic]


@pytest.mark.parametrize("kind", [3, -1, "1", False, []])
async def test_any_other_trigger_kind_is_an_error(connect, kind):
    connection = await connect("text")
    response = await connection.answer(ask(connection, context={"triggerKind": kind}))
    assert response["error"]["code"] == -32602


@pytest.mark.parametrize("method", ["textDocument/completion", "textDocument/codeAction"])
async def test_the_other_requests_take_a_zero_too(connect, method):
    capabilities = {"textDocument": {"completion": {}, "codeAction": ACTIONS}, "workspace": {"applyEdit": True}}
    connection = await connect(capabilities=capabilities)
    context = {"triggerKind": 0, "diagnostics": []}
    params = {"textDocument": {"uri": URI}, "position": START, "range": RANGE, "context": context}
    assert "result" in await connection.answer(connection.call(method, params))


@pytest.mark.parametrize("method", ["textDocument/inlineCompletion", "textDocument/completion"])
async def test_a_request_and_its_cancel_in_one_read_leave_nothing(connect, method):
    """A coroutine that nobody awaits would be a warning, which is an error in tests."""
    documents = {"inlineCompletion": {}} if "inline" in method else {"completion": {}}
    connection = await connect("text", capabilities={"textDocument": documents})
    await connection.settle()
    request = connection.call(method, {"textDocument": {"uri": URI}, "position": START, "context": {"triggerKind": 1}})
    connection.feed(request, connection.note("$/cancelRequest", {"id": request["id"]}))
    assert (await connection.response(request["id"]))["error"]["code"] == -32800
    assert connection.pipeline.requests == []


@pytest.mark.parametrize(("client", "nothing"), [(NEOVIM, []), ({"name": "other"}, None)])
async def test_stock_neovim_gets_an_empty_list_for_nothing(connect, client, nothing):
    connection = await connect(capabilities=INLINE, clientInfo=client)
    assert (await connection.answer(ask(connection)))["result"] == nothing


async def test_stock_neovim_gets_the_line_breaks_that_it_draws(connect):
    connection = await connect("a\nb", capabilities=INLINE, clientInfo=NEOVIM)
    [item] = (await connection.answer(ask(connection)))["result"]["items"]
    assert item["insertText"] == "a\nb"


@pytest.mark.parametrize(
    ("edits", "offered"),
    [({"codeAction": {}}, False), ({"codeAction": ACTIONS}, True)],
    ids=["commands without applyEdit", "resolves"],
)
async def test_edits_are_offered_only_to_clients_that_can_apply_them(connect, edits, offered):
    connection = await connect(source="def f():\n    pass\n", capabilities={"textDocument": edits})
    params = {"textDocument": {"uri": URI}, "range": RANGE, "context": {"diagnostics": []}}
    response = await connection.answer(connection.call("textDocument/codeAction", params))
    assert bool(response["result"]) is offered


PROGRESS = {**INLINE, "window": {"workDoneProgress": True}}


def progress(connection):
    return [
        (message["params"]["token"], message["params"]["value"]["kind"])
        for message in connection.received
        if message.get("method") == "$/progress"
    ]


def created(connection):
    return [each for each in connection.received if each.get("method") == "window/workDoneProgress/create"]


async def test_progress_begins_when_the_client_agrees_and_once_a_token(connect):
    connection = await connect(capabilities=PROGRESS)
    loading = connection.context.engines._progress["fill"]
    for number in range(2):
        loading.report(0.1)
        await eventually(lambda number=number: len(created(connection)) == number + 1)
        loading.report(0.2)
        assert len(progress(connection)) == 3 * number, "the client has not agreed"
        connection.feed({"jsonrpc": "2.0", "id": created(connection)[-1]["id"], "result": None})
        await eventually(lambda number=number: len(progress(connection)) == 3 * number + 1)
        loading.report(0.5)
        loading.end("ready")
    tokens = [token for token, _ in progress(connection)]
    assert [kind for _, kind in progress(connection)] == ["begin", "report", "end"] * 2
    assert len(set(tokens)) == 2


async def test_a_client_that_refuses_progress_gets_none(connect):
    connection = await connect(capabilities=PROGRESS)
    loading = connection.context.engines._progress["fill"]
    loading.report(0.1)
    await eventually(lambda: created(connection))
    refusal = {"code": -32603, "message": "no"}
    connection.feed({"jsonrpc": "2.0", "id": created(connection)[0]["id"], "error": refusal})
    await connection.settle()
    loading.report(0.5)
    loading.end("ready")
    assert progress(connection) == []


async def test_another_process_with_the_clients_number_is_not_watched():
    """In a container the client's number may be that of a process that has nothing to do with us."""
    shell = await asyncio.create_subprocess_exec(
        "sh", "-c", "sleep 100 & echo $!; wait", stdout=asyncio.subprocess.PIPE
    )
    stranger = int(await shell.stdout.readline())
    ended = asyncio.Event()
    assert watch_parent(stranger, ended.set) is None
    os.kill(stranger, 9)
    await shell.wait()
    assert not ended.is_set()


async def test_a_related_process_is_watched():
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", "import time; time.sleep(1000)")
    program = (
        "import asyncio\n"
        "from lsp_server.server.parent_watch import watch_parent\n"
        "async def main():\n"
        "    ended = asyncio.Event()\n"
        f"    watch_parent({process.pid}, ended.set)\n"
        "    print('watching', flush=True)\n"
        "    await ended.wait()\n"
        "asyncio.run(main())\n"
    )
    server = await asyncio.create_subprocess_exec(sys.executable, "-c", program, stdout=asyncio.subprocess.PIPE)
    await server.stdout.readline()
    process.kill()
    await process.wait()
    assert await asyncio.wait_for(server.wait(), 20) == 0
