"""Engine processes that tests ask over real sockets."""

from __future__ import annotations

import contextlib
import http.client
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from lsp_server.ipc.launch import EngineOptions, Launch, Listening
from lsp_server.ipc.requests import Event, Generate, Marker, Text

ROOT = Path(__file__).parents[1]
TOKEN = "the-token"
SERVE = ("-m", "lsp_server.engine.process.service")


@dataclass
class Service:
    """A running engine process, or whatever stands in front of one."""

    process: subprocess.Popen
    port: int
    token: str = TOKEN

    def open(self, method="GET", path="/health", body=None, **headers: str):
        """Ask, and return connection and response; close the former to be done."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        headers = {"Authorization": f"Bearer {self.token}"} | headers
        connection.request(method, path, body, {name: value for name, value in headers.items() if value})
        return connection, connection.getresponse()

    def ask(self, *args, **headers) -> tuple[int, str]:
        connection, response = self.open(*args, **headers)
        with contextlib.closing(connection):
            return response.status, response.read().decode()

    def post(self, path: str, **fields: Any) -> Any:
        """What is answered to a JSON request that goes well."""
        status, text = self.ask("POST", path, json.dumps(fields))
        assert status == 200, text
        return json.loads(text)

    def refused(self, path: str, **fields: Any) -> tuple[int, str]:
        """Status and sentence of a JSON request that does not."""
        status, text = self.ask("POST", path, json.dumps(fields))
        return status, json.loads(text)["error"]["message"]

    def stream(self, path: str, **fields: Any) -> list[Any]:
        """The events of a streamed answer; what is no JSON as it is."""
        status, text = self.ask("POST", path, json.dumps(fields | {"stream": True}))
        assert status == 200, text
        lines = [line.removeprefix("data: ") for line in text.splitlines() if line]
        return [json.loads(line) if line.startswith("{") else line for line in lines]

    def generate(self, max_tokens: int = 3) -> list[Event]:
        _, text = self.ask("POST", "/generate", request_of(max_tokens))
        return events_in(text, Event)

    def state(self) -> str:
        return self.ask("GET", "/state")[1]


@contextlib.contextmanager
def launched(
    script: str = "", program: tuple[str, ...] = SERVE, stuck_s: float = 300.0, **options: Any
) -> Iterator[Service]:
    """An engine process with a fake model, unless options say otherwise."""
    fake = {"model_path": f"fake:{script}", "backend": "fake"}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen([sys.executable, *program], cwd=ROOT, **pipes) as process:
        launch = Launch(TOKEN, EngineOptions(**fake | options), stuck_s=stuck_s)
        process.stdin.write(msgspec.json.encode(launch) + b"\n")
        process.stdin.flush()
        try:
            yield Service(process, msgspec.json.decode(process.stdout.readline(), type=Listening).port)
        finally:
            process.stdin.close()
            process.wait(timeout=30)


def request_of(max_tokens: int, text: str = "abc9") -> bytes:
    return msgspec.json.encode(Generate((Marker("begin"), Text(text)), max_tokens))


def events_in(text: str, kind) -> list:
    return [msgspec.json.decode(line[5:], type=kind) for line in text.splitlines() if line]
