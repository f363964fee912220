"""One engine for several clients: started once, found by all, outliving each, ended when nobody is there."""

import asyncio
import os
import signal
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import aiohttp
import msgspec
import psutil
import pytest

from lsp_server.engine.client import shared
from lsp_server.engine.client.interface import EngineState
from lsp_server.engine.client.supervisor import EngineSupervisor
from lsp_server.ipc.launch import EngineOptions, SharedEngineRecord
from lsp_server.ipc.requests import Chunk, Generate, Marker, Text
from tests.processes import is_running

TIMEOUT_S = 60.0
FAKE = EngineOptions("fake", backend="fake")


pytestmark = pytest.mark.usefixtures("runtime_folder")


@pytest.fixture
async def connect():
    engines = []

    def connect(options: EngineOptions = FAKE) -> EngineSupervisor:
        engine = EngineSupervisor(options, connector=shared.join_shared)
        engines.append(engine)
        engine.start()
        return engine

    yield connect
    async with asyncio.timeout(TIMEOUT_S):
        await asyncio.gather(*(engine.stop() for engine in engines))


async def ask(engine: EngineSupervisor, text: str = "abc9", max_tokens: int = 5, **rest) -> tuple[str, str]:
    request = Generate((Marker("begin"), Text(text)), max_tokens, **rest)
    async with asyncio.timeout(TIMEOUT_S):
        events = [event async for event in engine.generate(request)]
    end = events[-1]
    return "".join(e.text for e in events if isinstance(e, Chunk)), getattr(end, "reason", None) or end.message


def running() -> list[SharedEngineRecord]:
    return [record for _, record in shared.records()]


@pytest.mark.parametrize("runtime", ["/proc/sys/x", "/proc/0/x"])
async def test_a_runtime_folder_that_cannot_be_made_is_left_for_the_cache(connect, monkeypatch, tmp_path, runtime):
    """`su`, cron, containers and WSL leave an XDG_RUNTIME_DIR that is not there."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", runtime)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert (await ask(connect()))[1] in ("end", "length")
    assert len(running()) == 1
    assert shared.folder().is_relative_to(tmp_path)
    for record in running():
        shared.stop(record, with_clients=True)


async def test_without_any_folder_a_private_engine_serves(connect, monkeypatch):
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/proc/sys/x")
    monkeypatch.setenv("XDG_CACHE_HOME", "/proc/sys/y")
    assert (await ask(connect()))[1] in ("end", "length")
    assert running() == []
    assert shared.log_files() == []


async def test_a_record_that_cannot_be_written_is_a_private_engine(connect, monkeypatch):
    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shared, "_start", fail)
    assert (await ask(connect()))[1] in ("end", "length")
    assert running() == []


async def test_clients_find_the_engine_that_runs(connect):
    first, second = connect(), connect()
    assert await ask(first) == await ask(second)
    assert len(running()) == 1


async def test_it_is_started_once_however_many_want_it(connect):
    engines = [connect() for _ in range(10)]
    answers = await asyncio.gather(*(ask(engine) for engine in engines))
    assert len(set(answers)) == 1
    assert len(running()) == 1


def test_ten_processes_that_start_at_once_start_one():
    program = (
        "from lsp_server.engine.client import shared\n"
        "from lsp_server.ipc.launch import EngineOptions\n"
        "print(shared.find_or_start(EngineOptions('fake', backend='fake')).pid)\n"
    )

    def found(_: int) -> bytes:
        return subprocess.run(
            [sys.executable, "-c", program], capture_output=True, timeout=TIMEOUT_S, check=True
        ).stdout

    with ThreadPoolExecutor(10) as pool:
        assert len(set(pool.map(found, range(10)))) == 1


async def test_other_options_get_another_engine_and_one_nobody_uses_makes_room(connect):
    first = connect()
    await first.ready()
    [old] = running()
    other = connect(msgspec.structs.replace(FAKE, context_tokens=512))
    await other.ready()
    assert len(running()) == 2, "the first is in use"
    await first.stop()
    await other.stop()
    third = connect(msgspec.structs.replace(FAKE, context_tokens=256))
    await third.ready()
    assert [record.pid for record in running()] != [old.pid]
    assert len(running()) == 1


async def test_documents_of_two_clients_do_not_supersede_each_other(connect):
    slow = msgspec.structs.replace(FAKE, model_path="fake:decode_ms=20")
    first, second = connect(slow), connect(slow)
    await asyncio.gather(first.ready(), second.ready())
    answers = await asyncio.gather(ask(first, "return9", 20, document="d"), ask(second, "return9", 20, document="d"))
    assert [reason for _, reason in answers] != ["superseded", "length"]
    assert answers[0] == answers[1]


async def test_it_outlives_the_client_that_started_it(connect):
    first = connect()
    await first.ready()
    [record] = running()
    second = connect()
    await second.ready()
    await first.stop()
    assert (await ask(second))[1] in ("end", "length")
    assert running() == [record]


async def test_an_engine_that_was_killed_is_started_again_once_for_all(connect):
    engines = [connect() for _ in range(4)]
    await asyncio.gather(*(ask(engine) for engine in engines))
    [old] = running()
    os.kill(old.pid, signal.SIGKILL)
    async with asyncio.timeout(TIMEOUT_S):
        while any(engine.state is EngineState.READY for engine in engines):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    answers = await asyncio.gather(*(ask(engine) for engine in engines))
    assert len(set(answers)) == 1
    [new] = running()
    assert new.pid != old.pid


async def test_it_ends_when_nobody_is_there(connect, monkeypatch):
    monkeypatch.setattr(shared, "IDLE_SHUTDOWN_S", 0.3)
    engine = connect()
    await engine.ready()
    [record] = running()
    await asyncio.sleep(1.0)
    assert psutil.pid_exists(record.pid), "as long as somebody is there it stays"
    await engine.stop()
    async with asyncio.timeout(TIMEOUT_S):
        while running() or is_running(record.pid):  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def test_who_comes_back_in_time_finds_it_warm(connect):
    engine = connect()
    await engine.ready()
    [record] = running()
    await engine.stop()
    again = connect()
    await again.ready()
    assert running() == [record]


@pytest.mark.parametrize("content", [b"", b"not json", b'{"pid": 1}'])
async def test_a_damaged_file_is_no_matter(connect, runtime_folder, content):
    (runtime_folder / f"{shared._key(FAKE)}.json").write_bytes(content)
    assert (await ask(connect()))[1] in ("end", "length")


async def test_a_file_that_an_engine_left_behind_is_no_matter(connect, runtime_folder):
    stale = SharedEngineRecord(os.getpid(), 9, "token", "0", "fake", 0.0)
    (runtime_folder / f"{shared._key(FAKE)}.json").write_bytes(msgspec.json.encode(stale))
    assert (await ask(connect()))[1] in ("end", "length")


async def test_a_port_that_another_program_took_is_no_matter(connect, runtime_folder):
    async def answer(reader, writer):
        await reader.readline()
        writer.write(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        writer.close()

    other = await asyncio.start_server(answer, "127.0.0.1", 0)
    stale = SharedEngineRecord(os.getpid(), other.sockets[0].getsockname()[1], "token", "0", "fake", 0.0)
    (runtime_folder / f"{shared._key(FAKE)}.json").write_bytes(msgspec.json.encode(stale))
    assert (await ask(connect()))[1] in ("end", "length")
    other.close()


async def test_only_the_user_can_read_how_to_reach_it(connect, runtime_folder):
    await connect().ready()
    [path] = runtime_folder.glob("*.json")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(runtime_folder.stat().st_mode) == 0o700


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"Authorization": "Bearer wrong"}, 401),
        ({"Origin": "http://example.com"}, 403),
        ({"Host": "example.com"}, 403),
    ],
)
async def test_others_get_nothing(connect, headers, status):
    await connect().ready()
    [record] = running()
    given = headers if status == 401 else {"Authorization": f"Bearer {record.token}", **headers}
    for method, path in (("GET", "/watch"), ("POST", "/stop"), ("POST", "/generate"), ("GET", "/state")):
        async with aiohttp.request(method, f"http://127.0.0.1:{record.port}{path}", headers=given) as response:
            assert response.status == status


async def test_an_engine_in_use_ends_only_by_force(connect):
    engine = connect()
    await engine.ready()
    [record] = running()
    assert not await asyncio.to_thread(shared.stop, record, with_clients=False)
    assert await asyncio.to_thread(shared.stop, record, with_clients=True)


async def test_a_model_that_cannot_be_loaded_is_said_to_each(connect):
    broken = msgspec.structs.replace(FAKE, model_path="fake:fail_load=1")
    for engine in (connect(broken), connect(broken)):
        assert "told not to load" in (await ask(engine))[1]


def test_a_long_log_makes_room(runtime_folder, monkeypatch):
    monkeypatch.setattr(shared, "MAX_LOG_BYTES", 10)
    log = shared.log_file(shared._key(FAKE))
    log.write_text("x" * 20)
    shared.find_or_start(FAKE)
    assert log.stat().st_size == 0
    assert log.with_suffix(".old.log").read_text() == "x" * 20


async def test_a_client_that_vanishes_does_not_take_the_engine_along(connect):
    engine = connect()
    await engine.ready()
    [record] = running()
    program = (
        "import asyncio, os\n"
        "from lsp_server.engine.client import shared\n"
        "from lsp_server.ipc.launch import EngineOptions\n"
        "async def main():\n"
        "    async with shared.join_shared(EngineOptions('fake', backend='fake')):\n"
        "        os.kill(os.getpid(), 9)\n"
        "asyncio.run(main())\n"
    )
    gone = await asyncio.to_thread(subprocess.run, [sys.executable, "-c", program], timeout=TIMEOUT_S, check=False)
    assert gone.returncode == -signal.SIGKILL
    assert (await ask(engine))[1] in ("end", "length")
    assert running() == [record]
