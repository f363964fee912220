"""Requests that end early: cancelled, superseded, or because the engine died. Each is answered exactly once."""

import asyncio
import itertools
import re

import pytest

from tests.processes import engine_of
from tests.raw_client import INLINE
from tests.waiting import eventually

pytestmark = pytest.mark.asyncio(loop_scope="module")

CANCELLED = -32800
LONG = "x = 1\n" * 4000  # more than the fake model reads in seven decodes
_numbers = itertools.count(1)


@pytest.fixture
def uri():
    return f"file:///project/module{next(_numbers)}.py"


async def until_open(client, number):
    async def is_so():
        return await client.num_open() == number

    await eventually(is_so)


async def until_loading(client):
    async def is_so():
        return "engine loading" in await client.command("infill.dumpState")

    await eventually(is_so)


def answers_to(client, request_id):
    return [message for message in client.received if message.get("id") == request_id and "method" not in message]


async def cache_tokens(client):
    return int(re.search(r"cache (\d+)/", await client.command("infill.dumpState"))[1])


async def test_cancelling_stops_the_engine(fake, uri):
    """It is stopped while it reads the prompt, and the rest of the prompt is never read."""
    client = await fake("decode_ms=1000")
    client.open(uri, LONG)
    request = client.ask(uri, 3000, 0)
    await until_open(client, 1)
    client.cancel(request)
    response = await client.response(request)
    assert response["error"]["code"] == CANCELLED
    assert "result" not in response
    await until_open(client, 0)
    assert await cache_tokens(client) < 4000, "stopped, not finished"
    assert len(answers_to(client, request)) == 1
    assert not client.shown(client.begun)


async def test_cancelling_while_the_model_loads(serve, uri):
    client = await serve(INLINE, {"model": "fake:load_ms=1000000"})
    client.open(uri, "a")
    await until_loading(client)
    request = client.ask(uri, 0, 1)
    client.cancel(request)
    assert (await client.response(request))["error"]["code"] == CANCELLED


async def test_cancelling_what_is_unknown_or_done_does_nothing(fake, uri):
    client = await fake()
    client.open(uri, "a")
    request = client.ask(uri, 0, 1)
    await client.response(request)
    for request_id in (request, 12345, "unheard of"):
        client.cancel(request_id)
    client.notify("$/cancelRequest", {})
    await client.command("infill.dumpState")
    assert len(answers_to(client, request)) == 1


@pytest.mark.parametrize("trigger_kind", [1, 2], ids=["asked for", "typing"])
async def test_the_newest_request_wins(fake, uri, trigger_kind):
    """Neovim, eglot and Helix do not cancel: the server does."""
    client = await fake("decode_ms=50")
    client.open(uri, "first\nsecond\nthird")
    requests = [client.ask(uri, line, 5, trigger_kind) for line in range(3)]
    responses = [await client.response(request) for request in requests]
    assert [response["result"] for response in responses[:2]] == [None, None]
    (item,) = responses[2]["result"]["items"]
    assert item["range"]["start"] == {"line": 2, "character": 5}
    await until_open(client, 0)
    assert all(len(answers_to(client, request)) == 1 for request in requests)


async def test_other_documents_are_not_superseded(fake, uri):
    client = await fake("decode_ms=20")
    uris = [f"file:///project/{name}.py" for name in "abc"]
    for uri in uris:
        client.open(uri, "third")
    requests = [client.ask(uri, 0, 5) for uri in uris]
    for request in requests:
        assert (await client.response(request))["result"]["items"][0]["insertText"]


async def test_a_burst_keeps_the_engine_at_one_request_a_document(fake, uri):
    """Typing that never pauses, in a client that never cancels."""
    client = await fake("decode_ms=20", completion={"debounce_ms": 0})
    client.open(uri, "")
    requests, dumps = [], []
    for number in range(40):
        client.insert(uri, 0, number, "x")
        requests.append(client.ask(uri, 0, number + 1, 1 + number % 2))
        if number % 4 == 3:
            dumps.append(await client.num_open())
    for request in requests:
        assert "error" not in await client.response(request)
    assert max(dumps) <= 2, dumps
    await until_open(client, 0)
    assert all(len(answers_to(client, request)) == 1 for request in requests)
    assert [r for r in requests[:-1] if answers_to(client, r)[0]["result"] is not None] == [], "all but the newest"


async def test_closing_the_document_answers_its_requests(fake, uri):
    client = await fake("decode_ms=20")
    client.open(uri, "text")
    request = client.ask(uri, 0, 4)
    client.notify("textDocument/didClose", {"textDocument": {"uri": uri}})
    assert (await client.response(request))["result"] is None
    await until_open(client, 0)


async def test_an_engine_that_dies_is_replaced_and_requests_are_answered(serve, uri):
    client = await serve(INLINE, {"model": "fake:die_after=3"})
    await client.ready()
    client.open(uri, "text")
    first_engine = await engine_of(client)
    mark = client.mark
    request = client.ask(uri, 0, 4)
    response = await client.response(request)
    assert response["result"] is None
    await client.ready(since=mark)
    assert await engine_of(client) != first_engine
    mark = client.mark
    assert (await client.response(client.ask(uri, 0, 4)))["result"] is None
    await client.ready(since=mark)
    (told,) = client.shown()
    assert "restarted" in told


async def test_an_engine_that_is_killed_is_replaced(fake, uri):
    client = await fake("decode_ms=200")
    client.open(uri, "text")
    request = client.ask(uri, 0, 4)
    await until_open(client, 1)
    engine = await engine_of(client)
    mark = client.mark
    process = await asyncio.create_subprocess_exec("kill", "-9", str(engine))
    await process.wait()
    assert (await client.response(request))["result"] is None
    await client.ready(since=mark)
    assert await engine_of(client) != engine


async def test_an_engine_that_fails_answers_with_nothing_and_lives_on(fake, uri):
    client = await fake("fail_after=2")
    client.open(uri, "text")
    for _ in range(3):
        assert (await client.response(client.ask(uri, 0, 4)))["result"] is None
    assert client.shown(client.begun) == ["infill: The fake model was told to fail."]


async def test_changing_the_model_answers_who_waits_for_the_old_one(serve, uri):
    client = await serve(INLINE, {"model": "fake:load_ms=1000000"})
    client.open(uri, "text")
    await until_loading(client)
    request = client.ask(uri, 0, 4)
    await client.command("infill.dumpState")
    client.notify("workspace/didChangeConfiguration", {"settings": {"model": "fake"}})
    await client.ready()
    assert "error" not in await client.response(request)
    assert not client.shown()


async def test_changing_the_model_answers_who_is_being_served(fake, uri):
    client = await fake("decode_ms=1000")
    client.open(uri, LONG)
    request = client.ask(uri, 3000, 0)
    await until_open(client, 1)
    mark = client.mark
    client.notify("workspace/didChangeConfiguration", {"settings": {"model": "fake"}})
    await client.ready(since=mark)
    assert (await client.response(request))["result"] is None
    assert not client.shown(client.begun), "nothing is wrong: the user has chosen another model"
    await engine_of(client)


async def test_shutdown_with_requests_open_answers_all(serve, uri):
    client = await serve(INLINE, {"model": "fake:decode_ms=1000"})
    await client.ready()
    client.open(uri, LONG)
    request = client.ask(uri, 3000, 0)
    await until_open(client, 1)
    command = client.send("workspace/executeCommand", {"command": "infill.dumpState"})
    assert await client.request("shutdown") is None
    client.notify("exit")
    assert await client.exit_status() == 0
    assert (await client.response(request))["error"]["code"] == CANCELLED
    assert len(answers_to(client, command)) == 1
