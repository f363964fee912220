"""Spawns a private engine: a child process that ends with its server."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import logging
import os
import secrets
import sys
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import msgspec

from lsp_server.base import errors, subprocesses
from lsp_server.base.errors import EngineError
from lsp_server.engine.sizing import hardware
from lsp_server.ipc.launch import EngineOptions, Launch, Listening, LoadEvent
from lsp_server.ipc.requests import Event, Generate

if TYPE_CHECKING:
    from lsp_server.engine.client.http import HttpClient

logger = logging.getLogger(__name__)

START_TIMEOUT_S = 60.0
SERVICE = ("-X", "utf8", "-m", "lsp_server.engine.process.service")


class Transport(Protocol):
    """How to talk to an engine, wherever it runs."""

    def load(self) -> AsyncGenerator[LoadEvent, None]:
        """Follow the loading of the model. Raises `EngineError` if the engine goes away, or `ModelError`."""
        ...

    def generate(self, request: Generate) -> AsyncGenerator[Event, None]:
        """Generate text. Ends with exactly one `Done` or `Failed`."""
        ...

    async def state(self) -> str:
        """The state, for a bug report."""
        ...


@dataclass(frozen=True, slots=True)
class Connection:
    """An open connection to an engine. `ended` waits for the engine's end and returns its reason, if known."""

    client: Transport
    ended: Callable[[], Awaitable[str]]


@contextlib.asynccontextmanager
async def spawn_private(options: EngineOptions) -> AsyncIterator[Connection]:
    """Spawn a child process. Leaving the block ends it. Raises `EngineError` if it does not start."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *SERVICE,
        cwd=package_folder(),
        env=hardware.environment(os.environ),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    stderr: deque[str] = deque(maxlen=20)
    drain = asyncio.ensure_future(_drain_stderr(process, stderr))

    async def ended() -> str:
        await process.wait()
        return _last_stderr_line(stderr)

    try:
        launch = Launch(token=secrets.token_urlsafe(32), options=options)
        port = await _listening(process, launch, stderr)
        async with await make_client(port, launch.token) as client:
            yield Connection(client, ended)
    finally:
        await subprocesses.end(process)
        await drain


def package_folder() -> Path:
    """The folder from which an engine process imports this package."""
    return Path(errors.__file__).parents[2]


async def make_client(port: int, token: str, name: str = "") -> HttpClient:
    """A client of an engine. Its slow import runs in a thread, so that the editor's first request need not wait."""
    http_client = await asyncio.to_thread(importlib.import_module, "lsp_server.engine.client.http")
    client: HttpClient = http_client.HttpClient(port, token, name)
    return client


async def _listening(process: asyncio.subprocess.Process, launch: Launch, stderr: deque[str]) -> int:
    """The port of a new process."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(msgspec.json.encode(launch) + b"\n")
    try:
        line = await asyncio.wait_for(process.stdout.readline(), START_TIMEOUT_S)
        return msgspec.json.decode(line, type=Listening).port
    except (TimeoutError, msgspec.MsgspecError) as error:
        await subprocesses.end(process)
        raise EngineError(f"The engine did not start. {_last_stderr_line(stderr)}") from error


async def _drain_stderr(process: asyncio.subprocess.Process, lines: deque[str]) -> None:
    assert process.stderr is not None
    while chunk := await process.stderr.read(4096):
        text = chunk.decode("utf-8", errors="replace").rstrip()
        lines.extend(text.splitlines())
        logger.info("%s", text)


def _last_stderr_line(stderr: deque[str]) -> str:
    return f"Its last words: {stderr[-1]}" if stderr else "It left no message."
