"""What can happen to an engine and to those who ask it, over real processes: one end each, and the next works."""

import asyncio
import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time

import msgspec
import psutil
import pytest

from lsp_server.engine.client import shared
from lsp_server.engine.client.connect import connect_private, connect_shared
from lsp_server.engine.client.interface import EngineState
from lsp_server.engine.client.supervisor import EngineSupervisor
from lsp_server.ipc.launch import EngineOptions, LoadEvent, LoadFailed
from lsp_server.ipc.requests import Done, Event, Failed, Generate, Marker, Text
from tests.processes import ENGINE, engines_of, is_running
from tests.services import ROOT, TOKEN, events_in, launched, request_of
from tests.waiting import wait_until

TIMEOUT_S = 60.0
MIB = 1 << 20
FAKE = EngineOptions("fake", backend="fake")
# A batch takes 100 ms: a prompt of many takes a while, and so does a text of many tokens.
SLOW = EngineOptions("fake:decode_ms=100", backend="fake")
LONG_PROMPT = Generate((Marker("begin"), Text("x" * 3000)), 5)
LONG_ANSWER = Generate((Marker("begin"), Text("abc9")), 3000)
QUESTION = Generate((Marker("begin"), Text("abc9")), 5)

needs_posix = pytest.mark.skipif(os.name != "posix", reason="needs POSIX signals and limits")


pytestmark = pytest.mark.usefixtures("runtime_folder")


@contextlib.asynccontextmanager
async def opened(options: EngineOptions, connector=connect_shared):
    engine = EngineSupervisor(options, connector=connector)
    engine.start()
    try:
        await asyncio.wait_for(engine.ready(), TIMEOUT_S)
        yield engine
    finally:
        await asyncio.wait_for(engine.stop(), TIMEOUT_S)


async def ask(engine: EngineSupervisor, request: Generate = QUESTION) -> Done | Failed:
    """The one event that ends a request, which is its last."""
    async with asyncio.timeout(TIMEOUT_S):
        events: list[Event] = [event async for event in engine.generate(request)]
    ends = [event for event in events if isinstance(event, Done | Failed)]
    assert ends == events[-1:]
    return ends[0]


async def becomes(engine: EngineSupervisor, *texts: str) -> None:
    """Wait until the dump of its state has all of these."""
    async with asyncio.timeout(TIMEOUT_S):
        state = ""
        while not all(text in state for text in texts):
            await asyncio.sleep(0.005)
            state = await engine.dump()


def process_of(connector) -> int:
    if connector is connect_private:
        return max(engines_of(), key=psutil.Process.create_time).pid  # a shared engine of another file may linger
    [(_, record)] = shared.records()
    return record.pid


# kill -9


@pytest.mark.parametrize("connector", [connect_private, connect_shared])
@pytest.mark.parametrize(
    ("request_", "state"),
    [
        (LONG_PROMPT, ("1 open", "missing")),
        (LONG_ANSWER, ("1 open", "missing 1,", "/3000 decoded")),
        (None, (" 0 open",)),
    ],
    ids=["prefill", "decode", "idle"],
)
async def test_an_engine_killed_at_any_time_ends_requests_once_and_comes_back(connector, request_, state):
    async with opened(SLOW, connector) as engine:
        asking = asyncio.ensure_future(ask(engine, request_)) if request_ else None
        await becomes(engine, *state)
        os.kill(process_of(connector), signal.SIGKILL)
        if asking:
            assert isinstance(await asking, Failed)
        async with asyncio.timeout(TIMEOUT_S):
            while engine.state is EngineState.READY:  # noqa: ASYNC110
                await asyncio.sleep(0.005)
        assert isinstance(await ask(engine), Done)


async def test_the_real_model_s_engine_killed_while_it_writes_comes_back(model_path):
    options = EngineOptions(str(model_path), threads=1)
    endless = Generate((Marker("begin"), Text("def f(a, b):\n")), 1500)
    async with opened(options) as engine:
        asking = asyncio.ensure_future(ask(engine, endless))
        await becomes(engine, "1 open")
        os.kill(process_of(connect_shared), signal.SIGKILL)
        assert isinstance(await asking, Done | Failed)
        async with asyncio.timeout(TIMEOUT_S):
            while engine.state is EngineState.READY:  # noqa: ASYNC110
                await asyncio.sleep(0.005)
        assert isinstance(await ask(engine), Done)


# Files


async def test_a_lock_whose_owner_was_killed_is_free(runtime_folder):
    lock = runtime_folder / f"{shared._key(FAKE)}.lock"
    program = f"import filelock, os\nfilelock.FileLock({str(lock)!r}).acquire()\nos.kill(os.getpid(), 9)\n"
    await asyncio.to_thread(subprocess.run, [sys.executable, "-c", program], check=False, timeout=TIMEOUT_S)
    async with opened(FAKE) as engine:
        assert isinstance(await ask(engine), Done)


async def test_what_a_killed_starter_left_half_written_is_no_matter(runtime_folder):
    (runtime_folder / f"{shared._key(FAKE)}.new").write_bytes(b'{"pid": 1, "tok')
    async with opened(FAKE) as engine:
        assert isinstance(await ask(engine), Done)


async def test_a_killed_engine_s_file_and_token_are_replaced():
    async with opened(FAKE) as engine:
        [(_, old)] = shared.records()
        os.kill(old.pid, signal.SIGKILL)
        async with asyncio.timeout(TIMEOUT_S):
            while engine.state is EngineState.READY:  # noqa: ASYNC110
                await asyncio.sleep(0.005)
        await ask(engine)
        [(_, new)] = shared.records()
        assert new.token != old.token


@needs_posix
def test_a_disk_too_full_for_its_record_leaves_no_engine(tmp_path):
    program = (
        "import resource, signal\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))\n"
        "from lsp_server.engine.client import shared\n"
        "from lsp_server.ipc.launch import EngineOptions\n"
        "try:\n"
        "    shared.find_or_start(EngineOptions('fake', backend='fake'))\n"
        "except OSError as error:\n"
        "    print(error)\n"
    )
    found = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, encoding="utf-8", timeout=TIMEOUT_S, check=True
    )
    assert "File too large" in found.stdout
    assert list(shared.records()) == []
    started = [each for each in psutil.process_iter(["cmdline", "environ"]) if _is_engine_of(each, str(tmp_path))]
    psutil.wait_procs(started, timeout=10)
    assert not [each for each in started if is_running(each)]


def _is_engine_of(process: psutil.Process, folder: str) -> bool:
    command, environment = process.info["cmdline"] or [], process.info["environ"] or {}
    return ENGINE in command and environment.get("XDG_RUNTIME_DIR") == folder


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")  # noqa: PTH110
def test_a_log_that_cannot_be_written_is_no_matter():
    options = EngineOptions("fake:fail_load=1", backend="fake")
    launch = msgspec.json.encode({"token": TOKEN, "options": options}) + b"\n"
    with (
        open("/dev/full", "wb") as full,  # noqa: PTH123
        subprocess.Popen(
            [sys.executable, "-m", "lsp_server.engine.process.service"],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=full,
        ) as process,
    ):  # fmt: skip
        process.stdin.write(launch)
        process.stdin.flush()
        port = json.loads(process.stdout.readline())["port"]
        with socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_S) as asking:
            asking.sendall(b"GET /load HTTP/1.0\r\nHost: localhost\r\nAuthorization: Bearer the-token\r\n\r\n")
            answer = b"".join(iter(lambda: asking.recv(65536), b""))
        process.stdin.close()
    assert isinstance(events_in(answer.split(b"\r\n\r\n", 1)[1].decode(), LoadEvent)[-1], LoadFailed)


@pytest.mark.skipif(os.name != "posix" or os.getuid() != 0, reason="needs to become another user")
async def test_another_user_s_process_gets_nothing(monkeypatch):
    program = (
        "import os, socket, sys\n"
        "os.setgroups([])\n"
        "os.setgid(65534)\n"
        "os.setuid(65534)\n"
        "try:\n"
        "    open(sys.argv[1])\n"
        "except PermissionError:\n"
        "    print('may not read')\n"
        "asking = socket.socket()\n"
        "asking.connect((b'127.0.0.1', int(sys.argv[2])))\n"
        "asking.sendall(b'GET /v1/models HTTP/1.0\\r\\nHost: localhost\\r\\n\\r\\n')\n"
        "print(asking.recv(100).decode().split()[1])\n"
    )
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        os.chmod(folder, 0o755)  # noqa: PTH101  (what is in it must guard itself)
        monkeypatch.setenv("XDG_RUNTIME_DIR", folder)
        async with opened(FAKE):
            [(key, record)] = shared.records()
            arguments = (str(shared.folder() / f"{key}.json"), str(record.port))
            found = await asyncio.to_thread(
                subprocess.run, [sys.executable, "-c", program, *arguments], capture_output=True, timeout=TIMEOUT_S
            )
        for _, record in shared.records():
            shared.stop(record, with_clients=True)
    assert found.stdout.split(b"\n")[:2] == [b"may not read", b"401"]


# Clocks


async def test_a_wall_clock_that_jumps_ends_nothing(monkeypatch):
    """Idleness and back-off go by the monotonic clock; this one is only shown."""
    monkeypatch.setattr(shared, "IDLE_SHUTDOWN_S", 600)
    async with opened(FAKE) as engine:
        [(_, before)] = shared.records()
        for jump in (-1e9, 1e9):
            monkeypatch.setattr(time, "time", lambda jump=jump: jump)
            assert isinstance(await ask(engine), Done)
            async with opened(FAKE):
                assert [record for _, record in shared.records()] == [before]


# Clients


def test_who_never_reads_hinders_nobody_and_its_answer_is_cut(tmp_path):
    """The system takes in little of the answer, so that writing waits for the client and then times out."""
    program = (
        "import socket\n"
        "bind = socket.socket.bind\n"
        "def bind_with_small_buffer(self, address):\n"
        "    self.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)\n"
        "    bind(self, address)\n"
        "socket.socket.bind = bind_with_small_buffer\n"
        "from lsp_server.engine.http import responses\n"
        "responses.WRITE_TIMEOUT_S = 2.0\n"
        "from lsp_server.engine.process import service\n"
        "service.main()\n"
    )
    says = tmp_path / "says"
    says.write_text("on and " * 2000)
    request = Generate((Marker("begin"), Text("abc9")), 10_000, logprobs=True)
    fake = launched(f"says={says}", program=("-c", program), context_tokens=1 << 14)
    with fake as service, socket.socket() as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.settimeout(TIMEOUT_S)
        deaf.connect(("127.0.0.1", service.port))
        body = msgspec.json.encode(request)
        head = f"POST /generate HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n"
        deaf.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        assert deaf.recv(12) == b"HTTP/1.1 200", "its answer begins"
        process = psutil.Process(service.process.pid)
        assert isinstance(service.generate()[-1], Done), "others are answered meanwhile"
        wait_until(lambda: ", 0 open" in service.state())
        assert process.memory_info().rss < 100 * MIB
        answer = b"".join(iter(lambda: deaf.recv(65536), b""))
        assert answer.count(b"\ndata: ") > 100
        assert not answer.endswith(b"0\r\n\r\n"), "the last chunk of a whole answer (RFC 9112, section 7.1)"


@pytest.mark.parametrize("path", ["/generate", "/infill"])
def test_who_stops_in_the_middle_of_its_request_hinders_nobody(path):
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\nContent-Length: 1000\r\n\r\n"
    with launched("") as service, contextlib.ExitStack() as stack:
        for _ in range(20):
            half = stack.enter_context(socket.create_connection(("127.0.0.1", service.port)))
            half.sendall(head.encode() + b'{"prompt": [')
        assert isinstance(service.generate()[-1], Done)
        assert ", 0 open" in service.state()


def test_who_closes_only_its_own_direction_is_gone():
    body = request_of(3000)
    head = f"POST /generate HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n"
    with launched("decode_ms=20") as service, socket.create_connection(("127.0.0.1", service.port)) as half:
        half.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        wait_until(lambda: ", 1 open" in service.state())
        half.shutdown(socket.SHUT_WR)
        wait_until(lambda: ", 0 open" in service.state())


async def test_a_frozen_client_hinders_nobody(runtime_folder):
    """It reads nothing and closes nothing, as one on the other end of a half-open connection."""
    program = (
        "import asyncio, os, signal\n"
        "from lsp_server.engine.client import shared\n"
        "from lsp_server.ipc.launch import EngineOptions\n"
        "from lsp_server.ipc.requests import Generate, Text\n"
        "async def main():\n"
        "    async with shared.join_shared(EngineOptions('fake:decode_ms=20', backend='fake')) as opened:\n"
        "        async for event in opened.client.generate(Generate((Text('abc9'),), 3000)):\n"
        "            print('.', flush=True)\n"
        "            os.kill(os.getpid(), signal.SIGSTOP)\n"
        "asyncio.run(main())\n"
    )
    async with opened(SLOW) as engine:
        frozen = await asyncio.create_subprocess_exec(sys.executable, "-c", program, stdout=asyncio.subprocess.PIPE)
        await asyncio.wait_for(frozen.stdout.readline(), TIMEOUT_S)
        assert isinstance(await ask(engine), Done)
        frozen.kill()
        await frozen.wait()
        await becomes(engine, ", 0 open")


# Stuck


def test_an_engine_that_is_stuck_ends_and_says_where():
    with launched("decode_ms=60000", stuck_s=0.3) as service:
        with pytest.raises((ConnectionError, http.client.HTTPException)):
            service.generate()
        assert service.process.wait(timeout=30) != 0
        assert b"decode" in service.process.stderr.read()


def test_an_engine_that_rests_or_takes_many_steps_is_not_stuck():
    with launched("decode_ms=20", stuck_s=1.0) as service:
        service.generate(100)
        time.sleep(1.5)
        assert isinstance(service.generate()[-1], Done)
