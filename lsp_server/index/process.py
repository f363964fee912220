"""The server's side of the indexing process: one process for all folders, of low priority. It ends with the server."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

import lsp_server
from lsp_server.base import subprocesses
from lsp_server.index.messages import Event, Request, Scan, Update

logger = logging.getLogger(__name__)

# So often in a row the process is started, then not again for a while. Completions work without it.
MAX_STARTS, PAUSE_S = 3, 300.0


class IndexProcess:
    """The first scan launches the process. Its events go to `on_event`, in the event loop."""

    def __init__(self, on_event: Callable[[Event], None]) -> None:
        self._on_event = on_event
        self._roots: tuple[str, ...] = ()
        self._pending: asyncio.Queue[Request] = asyncio.Queue()
        self._supervisor: asyncio.Task[None] | None = None

    def scan(self, roots: Sequence[Path]) -> None:
        """Bring the indexes of these folders up to date."""
        self._roots = tuple(map(str, roots))
        if self._roots:
            self._enqueue(Scan(self._roots))

    def update(self, paths: Sequence[Path]) -> None:
        """Index files that were changed, created or deleted. The process finds out which are in its folders."""
        if paths and self._roots:
            self._enqueue(Update(tuple(map(str, paths))))

    async def stop(self) -> None:
        """End the process. A second call does nothing."""
        if self._supervisor is not None:
            self._supervisor.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._supervisor
            self._supervisor = None

    def _enqueue(self, request: Request) -> None:
        self._pending.put_nowait(request)
        if self._supervisor is None:
            self._supervisor = asyncio.ensure_future(self._supervise())

    async def _supervise(self) -> None:
        while True:
            for _ in range(MAX_STARTS):
                try:
                    await self._run_once()
                except OSError as error:
                    logger.warning("The indexing process failed: %s", error)
                logger.warning("The indexing process ended by itself.")
                self._pending.put_nowait(Scan(self._roots))
            await asyncio.sleep(PAUSE_S)
            self._pending = asyncio.Queue()  # one scan finds all that has changed meanwhile
            self._pending.put_nowait(Scan(self._roots))

    async def _run_once(self) -> None:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-X", "utf8", "-m", "lsp_server.index.worker"),
            cwd=Path(lsp_server.__file__).parents[1],
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        assert process.stdin is not None
        assert process.stdout is not None
        sending = asyncio.ensure_future(self._send(process.stdin))
        try:
            while line := await process.stdout.readline():
                self._on_event(msgspec.json.decode(line, type=Event))
        finally:
            sending.cancel()
            await subprocesses.end(process)

    async def _send(self, stdin: asyncio.StreamWriter) -> None:
        while True:
            request = await self._pending.get()
            stdin.write(msgspec.json.encode(request) + b"\n")
            await stdin.drain()
