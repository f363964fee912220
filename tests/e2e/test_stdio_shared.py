"""Servers with the settings everybody has: they share an engine, which outlives any of them."""

import argparse
import os
import signal

import psutil
import pytest
import pytest_asyncio

from lsp_server.commands import engine as command
from lsp_server.engine.client import shared
from tests.raw_client import INLINE
from tests.waiting import eventually

pytestmark = pytest.mark.asyncio(loop_scope="module")

URI = "file:///p/a.py"


@pytest_asyncio.fixture(loop_scope="module")
async def serve_shared(serve, tmp_path, monkeypatch):
    """Start servers that share engines with each other only."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))

    async def serve_shared():
        env = {"XDG_CONFIG_HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path)}
        client = await serve(INLINE, {"model": "fake", "completion": {"debounce_ms": 0}}, env=env)
        await client.ready()
        return client

    yield serve_shared
    for record in running():
        shared.stop(record, with_clients=True)


def running():
    return [record for _, record in shared.records()]


async def ask(client) -> str:
    client.open(URI, "def area(w, h):\n    ")
    response = await client.response(client.ask(URI, 1, 4))
    return response["result"]["items"][0]["insertText"]


async def test_two_servers_share_an_engine_that_outlives_the_first(serve_shared, infill_engine):
    first, second = await serve_shared(), await serve_shared()
    assert await ask(first) == await ask(second)
    [record] = running()
    assert str(record.pid) in infill_engine("status")
    first.send("shutdown")
    first.notify("exit")
    await first.exit_status()
    second.change(URI, {"text": "def volume(w, h, d):\n    "})
    assert (await second.response(second.ask(URI, 1, 4)))["result"]["items"]
    assert running() == [record]
    assert "in use" in infill_engine("stop")
    assert psutil.pid_exists(record.pid)


async def test_a_killed_engine_is_missed_by_a_suggestion_only(serve_shared):
    clients = [await serve_shared(), await serve_shared()]
    text = await ask(clients[0])
    [record] = running()
    os.kill(record.pid, signal.SIGKILL)
    await eventually(lambda: running() and running() != [record])
    assert len(running()) == 1
    assert text
    assert not [sentence for client in clients for sentence in client.shown()]


async def test_a_killed_server_takes_nothing_from_the_others(serve_shared):
    first, second, third = [await serve_shared() for _ in range(3)]
    await ask(first)
    [record] = running()
    first.change(URI, {"text": "def volume(w, h, d):\n    "})
    first.ask(URI, 1, 4)
    first.process.kill()
    assert await ask(second) == await ask(third)
    assert running() == [record]
    await eventually(lambda: _num_open() == 0)
    assert not [sentence for client in (second, third) for sentence in client.shown()]


def _num_open() -> int:
    """Requests that the engine has open, by its own books."""
    [record] = running()
    _, state = shared._request(record, "GET", "/state")
    return int(state.decode().split(" open")[0].rpartition(" ")[2])


async def test_the_engine_can_be_stopped_and_comes_back(serve_shared, infill_engine):
    client = await serve_shared()
    await ask(client)
    [record] = running()
    assert "Stopped" in infill_engine("stop", "--force")
    await eventually(lambda: running() and running() != [record])
    assert str(shared.folder()) in infill_engine("logs")


async def test_without_engines_the_command_says_so(infill_engine, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    assert "No shared engine" in infill_engine("status")


@pytest.fixture
def infill_engine(capsys):
    """Run `infill engine …` and return what it prints."""

    def run(*arguments: str) -> str:
        parser = argparse.ArgumentParser()
        command.add_arguments(parser)
        capsys.readouterr()
        command.run(parser.parse_args(arguments))
        return capsys.readouterr().out

    return run
