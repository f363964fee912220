"""The engine process as others on this machine see it: over real sockets, with the fake model."""

import contextlib
import http.client
import json
import os
import subprocess
import sys

import psutil
import pytest

from lsp_server.ipc.launch import Loaded, LoadEvent, LoadFailed, Loading
from lsp_server.ipc.requests import Done, Event, Failed
from tests.processes import is_running
from tests.services import ROOT, TOKEN, events_in, launched, request_of
from tests.waiting import wait_until


@pytest.fixture(scope="module")
def service():
    with launched("decode_ms=20") as running:
        yield running


# Who may ask


def test_with_the_token(service):
    wait_until(lambda: service.ask()[0] == 200)
    health = json.loads(service.ask()[1])
    assert (health["status"], health["pid"]) == ("ok", service.process.pid)


@pytest.mark.parametrize("path", ["/health", "/state", "/load", "/generate", "/elsewhere"])
def test_without_the_token(service, path):
    assert service.ask("GET", path, Authorization="")[0] == 401


@pytest.mark.parametrize("given", ["wrong", f"Bearer {TOKEN}x", "Bearer ", f"Basic {TOKEN}", "Bearer é\xff"])
def test_with_a_wrong_token(service, given):
    assert service.ask(Authorization=given)[0] == 401


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost:8000"])
def test_a_web_page_is_refused(service, origin):
    assert service.ask(Origin=origin)[0] == 403


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example:80", "localhost.evil.example", "10.0.0.1"])
def test_a_host_that_is_not_loopback_is_refused(service, host):
    assert service.ask(Host=host)[0] == 403


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "localhost:1234", "[::1]:80"])
def test_a_loopback_host_is_served(service, host):
    assert service.ask("GET", "/state", Host=host)[0] == 200


def test_it_listens_on_loopback_only(service):
    listening = [c for c in psutil.Process(service.process.pid).net_connections("inet") if c.status == "LISTEN"]
    assert [c.laddr.ip for c in listening] == ["127.0.0.1"]


# Asking for text


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'{"prompt": []}',
        b'{"prompt": "abc", "max_tokens": 3}',
        b'{"prompt": [{"type": "picture"}], "max_tokens": 3}',
        b'{"prompt": [{"type": "text", "text": "a"}], "max_tokens": "many"}',
        b'{"prompt": [{"type": "text", "text": "\xff"}], "max_tokens": 3}',
        b'{"prompt": [{"type": "text", "text": "\\ud800"}], "max_tokens": 3}',
    ],
)
def test_a_malformed_request(service, body):
    assert service.ask("POST", "/generate", body)[0] == 400


def test_a_request_that_is_too_large(service):
    assert service.ask("POST", "/generate", b"x" * (17 * 1024 * 1024))[0] == 413


def test_an_answer_ends_with_one_event(service):
    *before, end = service.generate()
    assert isinstance(end, Done)
    assert not [event for event in before if isinstance(event, Done | Failed)]


def test_text_of_any_alphabet_is_taken(service):
    _, text = service.ask("POST", "/generate", request_of(1, "naïve 日本語 😀\r\n\x00"))
    assert isinstance(events_in(text, Event)[-1], Done)


def test_closing_the_connection_cancels(service):
    connection, response = service.open("POST", "/generate", request_of(3000))
    response.readline()
    assert ", 1 open" in service.state()
    response.close()
    connection.close()
    wait_until(lambda: ", 0 open" in service.state())


def test_many_at_once_each_get_their_own(service):
    opened = [service.open("POST", "/generate", request_of(4, text)) for text in ("aaaa", "bbbb", "cccc") * 3]
    answers = []
    for connection, response in opened:
        with contextlib.closing(connection):
            answers.append([event for event in events_in(response.read().decode(), Event) if hasattr(event, "text")])
    assert answers[:3] == answers[3:6] == answers[6:]
    assert answers[0] != answers[1] != answers[2]


def test_the_state_has_none_of_the_users_text(service):
    connection, response = service.open("POST", "/generate", request_of(3000, "secret abc"))
    response.readline()
    state = service.state()
    response.close()
    connection.close()
    assert "1 open" in state
    assert "secret" not in state


# Loading


def test_loading_is_reported_until_it_is_done():
    with launched("load_ms=300") as service:
        *progress, last = events_in(service.ask("GET", "/load")[1], LoadEvent)
    assert progress
    assert all(isinstance(event, Loading) for event in progress)
    assert isinstance(last, Loaded)
    assert last.model.name == "fake"


def test_a_request_waits_for_the_model():
    with launched("load_ms=500") as service:
        assert isinstance(service.generate()[-1], Done)


def test_a_model_that_does_not_load_fails_all_requests_with_its_sentence():
    with launched("fail_load=1") as service:
        failure = events_in(service.ask("GET", "/load")[1], LoadEvent)[-1]
        assert failure == LoadFailed("ModelFileError", failure.message)
        assert service.generate() == service.generate() == [Failed(failure.message)]
        assert failure.message in service.state()


# Faults


def test_a_backend_that_fails_fails_the_request_and_is_replaced_when_it_fails_again():
    with launched("fail_after=2") as service:
        assert service.generate()[-1] == Failed("The fake model was told to fail.")
        assert ", 0 open" in service.state()
        with contextlib.suppress(http.client.HTTPException, ConnectionError):
            assert service.generate()[-1] == Failed("The fake model was told to fail.")
        assert service.process.wait(timeout=10) == 70


def test_a_fault_of_ours_ends_the_process():
    faulty = (
        "from lsp_server.engine.backends import fake\n"
        "from lsp_server.engine.process import service\n"
        "def fault(*_): raise ValueError('a fault of ours')\n"
        "fake.FakeBackend.decode = fault\n"
        "service.main()"
    )
    with launched(program=("-c", faulty)) as service:
        with contextlib.suppress(http.client.HTTPException, ConnectionError):
            assert isinstance(service.generate()[-1], Failed)
        assert service.process.wait(timeout=10) != 0


def test_it_ends_with_its_standard_input():
    with launched("decode_ms=60000") as service:
        connection, _ = service.open("POST", "/generate", request_of(3))
        service.process.stdin.close()
        assert service.process.wait(timeout=30) == 0
        connection.close()


@pytest.mark.skipif(not hasattr(os, "killpg"), reason="needs SIGKILL")
@pytest.mark.parametrize("script", ["", "load_ms=60000", "decode_ms=60000"])
def test_killing_the_parent_ends_the_engine(tmp_path, script):
    program = tmp_path / "parent.py"
    program.write_text(
        "import asyncio, psutil\n"
        "from lsp_server.ipc.launch import EngineOptions\n"
        "from lsp_server.ipc.requests import Generate, Text\n"
        "from lsp_server.engine.client.supervisor import EngineSupervisor\n"
        "async def main():\n"
        f"    engine = EngineSupervisor(EngineOptions(model_path='fake:{script}', backend='fake'))\n"
        "    engine.start()\n"
        "    while not (children := psutil.Process().children()):\n"
        "        await asyncio.sleep(0.01)\n"
        "    if 'load_ms' not in engine.options.model_path:\n"
        "        await engine.ready()\n"
        "    print(children[0].pid, flush=True)\n"
        "    async for event in engine.generate(Generate((Text('abc9'),), 3)):\n"
        "        pass\n"
        "    await asyncio.sleep(600)\n"
        "asyncio.run(main())\n"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen([sys.executable, program], cwd=ROOT, env=environment, stdout=subprocess.PIPE) as parent:
        engine = psutil.Process(int(parent.stdout.readline()))
        assert engine.is_running()
        parent.kill()
    wait_until(lambda: not is_running(engine))
