"""`infill engine serve` from its start to its end, as llama.vim's user starts it."""

import json
import os
import signal
import subprocess
import sys
from typing import Any

import pytest

from tests.engine.compat.test_clients import READ_BY_VIM, VIM
from tests.gguf.embedded import EMBEDDED
from tests.services import ROOT, Service


@pytest.fixture
def environment(tmp_path, monkeypatch):
    folders = {f"XDG_{name}": str(tmp_path) for name in ("CONFIG_HOME", "STATE_HOME", "RUNTIME_DIR")}
    for name, value in folders.items():
        monkeypatch.setenv(name, value)
    return os.environ | folders | {"PYTHONPATH": os.pathsep.join((str(ROOT), os.environ.get("PYTHONPATH", "")))}


@pytest.fixture
def serve(environment, tmp_path):
    """Start it; its first two lines are where it is, and where its key is. Options go to `Popen`."""
    started = []

    def start(*arguments: str, **options: Any) -> Service:
        command = [sys.executable, "-X", "utf8", "-m", "lsp_server", "engine", "serve", *arguments]
        process = subprocess.Popen(
            command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8",
            **options,
        )  # fmt: skip
        started.append(process)
        address, key = process.stdout.readline(), process.stdout.readline()
        if not key:
            return Service(process, 0)
        [path] = tmp_path.rglob("engine.key")
        assert str(path) in key
        return Service(process, int(address.split("127.0.0.1:")[1].split()[0]), path.read_text().strip())

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("mode", ["shared", "private"])
def test_vim_is_answered_until_it_is_ended(serve, tmp_path, mode):
    (tmp_path / "infill").mkdir()
    (tmp_path / "infill" / "config.toml").write_text(f'[engine]\nmode = "{mode}"\nthreads = 1\n')
    service = serve("--port", "0", "--model", str(EMBEDDED))
    status, text = service.ask("POST", "/infill", json.dumps(VIM))
    assert status == 200
    assert list(json.loads(text)) == READ_BY_VIM
    assert "The model is loaded." in service.process.stdout.readline()
    service.process.send_signal(signal.SIGINT)
    assert service.process.wait(30) == 130
    assert "Traceback" not in service.process.stderr.read()


@pytest.mark.skipif(os.name != "posix", reason="a shell's background jobs ignore SIGINT on POSIX")
def test_a_background_job_ignores_an_interrupt_and_ends_when_it_is_terminated(serve):
    service = serve("--port", "0", "--model", "fake", preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN))
    service.process.send_signal(signal.SIGINT)
    assert service.ask(path="/v1/models")[0] == 200
    service.process.terminate()
    assert service.process.wait(30) == -signal.SIGTERM


def test_a_model_that_is_not_there_is_a_sentence(serve):
    service = serve("--port", "0", "--model", "./nowhere.gguf")
    assert service.process.wait(60) == 1
    said = service.process.stderr.read()
    assert said.startswith("infill: ")
    assert "nowhere.gguf" in said


def test_a_port_that_is_taken_is_a_sentence(serve):
    first = serve("--port", "0", "--model", "fake")
    second = serve("--port", str(first.port), "--model", "fake")
    assert second.process.wait(60) == 1
    assert "--port" in second.process.stderr.read()


def test_an_engine_elsewhere_is_not_served(serve, tmp_path):
    (tmp_path / "infill").mkdir()
    (tmp_path / "infill" / "config.toml").write_text('[remote]\nurl = "http://127.0.0.1:9"\n')
    service = serve("--port", "0")
    assert service.process.wait(60) == 1
    assert "remote.url" in service.process.stderr.read()
