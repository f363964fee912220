"""How the server starts, reports that the model loads, and ends, taking its engine with it."""

import asyncio
import os
import signal
import sys

import pytest

from tests.processes import engine_of, is_running
from tests.raw_client import INLINE
from tests.waiting import eventually

pytestmark = pytest.mark.asyncio(loop_scope="module")

SLOW_TO_LOAD = {"model": "fake:load_ms=1000000"}
PROGRESS = {**INLINE, "window": {"workDoneProgress": True}}
URI = "file:///a.py"


# Starting


async def test_initialize_does_not_wait_for_the_model(serve):
    client = await serve(INLINE, SLOW_TO_LOAD)
    client.open(URI, "text")
    assert (await client.response(client.ask(URI, 0, 4, trigger_kind=2)))["result"] is None, "typing waits for nothing"
    await engine_of(client)
    assert (await client.response(client.ask(URI, 0, 4, trigger_kind=2)))["result"] is None
    assert not client.all_of("window/logMessage")
    assert "1 documents open" in await client.command("infill.dumpState")


async def test_who_asks_while_the_model_loads_is_answered_by_it(serve):
    client = await serve(INLINE, {"model": "fake:load_ms=1000"})
    client.open(URI, "text")
    await engine_of(client)
    response = await client.response(client.ask(URI, 0, 4, trigger_kind=1))
    assert response["result"]["items"][0]["insertText"]
    assert client.received.index(response) > client.received.index(client.all_of("window/logMessage")[0])


# Progress


def progress_of(client, since=0):
    """The values of `$/progress`; all have the token that was created before them."""
    messages = client.received[since:]
    created = [m["params"]["token"] for m in messages if m.get("method") == "window/workDoneProgress/create"]
    reported = [m["params"] for m in messages if m.get("method") == "$/progress"]
    assert {each["token"] for each in reported} <= set(created)
    assert len([each for each in reported if each["value"]["kind"] == "begin"]) == len(created)
    return [each["value"] for each in reported]


async def ended(client, since=0):
    await client.wait_for(
        lambda message: message.get("method") == "$/progress" and message["params"]["value"]["kind"] == "end", since
    )


async def test_loading_is_reported_from_begin_to_end(serve):
    client = await serve(PROGRESS, {"model": "fake:load_ms=500"}, answers={"window/workDoneProgress/create": None})
    await ended(client)
    await client.ready()
    begin, *reports, end = progress_of(client)
    assert begin["kind"] == "begin"
    assert begin["title"]
    assert end["kind"] == "end"
    assert {report["kind"] for report in reports} <= {"report"}
    percentages = [begin["percentage"], *[report["percentage"] for report in reports]]
    assert percentages == sorted(percentages)
    assert 0 <= percentages[0] <= percentages[-1] <= 100
    first_words = [m.get("method") for m in client.received[1:3]]
    assert first_words == ["window/workDoneProgress/create", "$/progress"]


async def test_another_model_is_reported_anew_and_not_ended_by_the_old_one(serve):
    client = await serve(PROGRESS, {"model": "fake:load_ms=200"}, answers={"window/workDoneProgress/create": None})
    await client.ready()
    first = await engine_of(client)
    mark = client.mark
    client.notify("workspace/didChangeConfiguration", {"settings": {"model": "fake:load_ms=1000"}})
    await eventually(lambda: not is_running(first))
    await client.ready(since=mark)
    kinds = [value["kind"] for value in progress_of(client, mark)]
    assert kinds == ["begin", *["report"] * (len(kinds) - 2), "end"]


async def test_loading_that_fails_is_ended_too(serve):
    client = await serve(PROGRESS, {"model": "fake:fail_load=1"}, answers={"window/workDoneProgress/create": None})
    await ended(client)
    await client.notification("window/showMessage")
    assert [value["kind"] for value in progress_of(client)][-1] == "end"


# Ending


async def test_a_whole_life(serve):
    """Nothing but framed JSON on standard output, or `RawClient` had failed; no source text on standard error."""
    client = await serve(INLINE, {"model": "fake"})
    await client.ready()
    engine = await engine_of(client)
    client.open(URI, "secret = 'swordfish'")
    await client.response(client.ask(URI, 0, 20))
    client.notify("textDocument/didChange", {"textDocument": {"uri": "secret"}})
    assert "swordfish" not in await client.command("infill.explainLast")
    assert "swordfish" not in await client.command("infill.explainLast", False)
    assert "swordfish" in await client.command("infill.explainLast", True)
    assert not client.all_of("$/progress"), "the client has not said that it knows it"
    assert not client.all_of("window/workDoneProgress/create")
    assert await client.request("shutdown") is None
    client.notify("exit")
    assert await client.exit_status() == 0
    await eventually(lambda: not is_running(engine))
    for unwanted in (b"swordfish", b"secret", b"never awaited", b"never retrieved"):
        assert unwanted not in client.stderr


async def test_shutdown_and_exit_in_one_write(serve):
    client = await serve(INLINE, SLOW_TO_LOAD)
    engine = await engine_of(client)
    request = client.send("shutdown")
    client.notify("exit")
    assert await client.exit_status() == 0
    assert (await client.response(request))["result"] is None
    await eventually(lambda: not is_running(engine))


async def test_exit_alone_ends_with_one(serve):
    client = await serve(INLINE, SLOW_TO_LOAD)
    engine = await engine_of(client)
    client.notify("exit")
    assert await client.exit_status() == 1
    await eventually(lambda: not is_running(engine))


@pytest.mark.parametrize("options", [SLOW_TO_LOAD, {}], ids=["loading", "ready"])
async def test_the_end_of_standard_input_ends_all(serve, options):
    client = await serve(INLINE, options)
    if options != SLOW_TO_LOAD:
        await client.ready()
    engine = await engine_of(client)
    client.process.stdin.close()
    assert await client.exit_status() == 1
    await eventually(lambda: not is_running(engine))
    assert b"Traceback" not in client.stderr


async def test_a_server_that_is_killed_leaves_no_engine(serve):
    client = await serve(INLINE, {"model": "fake:decode_ms=1000"})
    await client.ready()
    client.open(URI, "text")
    client.ask(URI, 0, 4)
    await eventually(client.num_open)
    engine = await engine_of(client)
    client.process.kill()
    await client.exit_status()
    await eventually(lambda: not is_running(engine))


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
async def test_a_signal_ends_it_in_order(serve):
    client = await serve(INLINE, SLOW_TO_LOAD)
    engine = await engine_of(client)
    os.kill(client.process.pid, signal.SIGTERM)
    assert await client.exit_status() == 1
    await eventually(lambda: not is_running(engine))
    assert b"Traceback" not in client.stderr


async def test_the_end_of_the_editor_ends_all_though_standard_input_stays_open(start):
    """Somebody else, such as a shell that the editor ran in, may hold the other end of the pipe."""
    editor = await asyncio.create_subprocess_exec(sys.executable, "-c", "import time; time.sleep(1000)")
    client = await start()
    await client.initialize(INLINE, {"model": "fake"}, processId=editor.pid)
    await client.ready()
    engine = await engine_of(client)
    assert client.process.returncode is None
    editor.kill()
    await editor.wait()
    assert not client.process.stdin.is_closing()
    await client.exit_status()
    await eventually(lambda: not is_running(engine))


async def test_a_client_that_reads_nothing_does_not_stop_the_server(serve):
    """The pipe to the client is full long before the last answer; closing it ends everything nevertheless."""
    client = await serve(INLINE, {"model": "fake"})
    await client.ready()
    engine = await engine_of(client)
    client.pause()
    for _ in range(1000):
        client.send("workspace/executeCommand", {"command": "infill.explainLast"})
    await client.drain()
    client.process.stdin.close()
    await eventually(lambda: not is_running(client.process.pid))
    await eventually(lambda: not is_running(engine))
    client.resume()
