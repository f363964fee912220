"""The engine's process: launched, watched, restarted with back-off, and never outliving its server."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import logging
import os
import secrets
import sys
from collections import deque
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from lsp_server import errors
from lsp_server.engine import hardware
from lsp_server.engine.client import IS_STOPPED, WENT_AWAY, EngineState
from lsp_server.engine.messages import (
    EngineOptions,
    Event,
    Failed,
    Generate,
    Launch,
    Listening,
    Loaded,
    LoadFailed,
    Loading,
    ModelInfo,
)
from lsp_server.errors import EngineError, InfillError

if TYPE_CHECKING:
    from lsp_server.engine.http_client import HttpClient

logger = logging.getLogger(__name__)

START_TIMEOUT_S = 60.0
RESTART_DELAYS_S = (0.2, 1.0, 5.0, 20.0)  # after that many deaths in a row it stays down
STOP_TIMEOUT_S = 2.0


class EngineProcess:
    """An `EngineClient` whose engine is a child process of ours.

    `on_state` hears of every change: the new state, and the fraction loaded or the error's sentence.
    """

    def __init__(
        self,
        options: EngineOptions,
        on_state: Callable[[EngineState, float, str], None] = lambda *_: None,
    ) -> None:
        self.options = options
        self._on_state = on_state
        self._state = EngineState.STOPPED
        self._model: ModelInfo | None = None
        self._error: InfillError | None = None
        self._client: HttpClient | None = None
        self._settled = asyncio.Event()  # ready or failed
        self._supervisor: asyncio.Task[None] | None = None
        self._answered_since_start = False
        self._stderr: deque[str] = deque(maxlen=20)

    @property
    def state(self) -> EngineState:
        """Where the engine is in its life."""
        return self._state

    @property
    def model(self) -> ModelInfo | None:
        """The model, once it is loaded."""
        return self._model

    def start(self) -> None:
        """Launch the process and load the model in the background, unless that was done before."""
        if self._supervisor is None and self._error is None:
            self._supervisor = asyncio.ensure_future(self._supervise())

    async def ready(self) -> ModelInfo:
        """Wait for the model. Raises the `ModelError` or `EngineError` that keeps it from serving."""
        while self._model is None:
            await self._settled.wait()
            if self._error is not None:
                raise self._error
        return self._model

    async def generate(self, request: Generate) -> AsyncGenerator[Event, None]:
        """Ask for text; waits for the model if it is still loading."""
        try:
            await self.ready()
        except InfillError as error:
            yield Failed(str(error))
            return
        if self._client is None:
            yield Failed(WENT_AWAY)
            return
        async with contextlib.aclosing(self._client.generate(request)) as events:
            async for event in events:
                self._answered_since_start |= not isinstance(event, Failed)
                yield event

    async def dump(self) -> str:
        """State for a bug report."""
        text = f"engine {self._state.value}"
        if self._client is not None:
            text += "\n" + await self._client.state()
        if self._error is not None:
            text += f"\nlast error: {self._error}"
        return text

    async def stop(self) -> None:
        """End the process; safe to call twice."""
        if self._supervisor is not None:
            self._supervisor.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._supervisor
            self._supervisor = None
        self._error = EngineError(IS_STOPPED)
        self._settled.set()
        self._set_state(EngineState.STOPPED)

    # Supervision

    async def _supervise(self) -> None:
        deaths = 0
        while True:
            try:
                await self._live()
                logger.warning("The engine ended by itself.")
            except errors.ModelError as error:
                self._fail(error)
                return
            except Exception as error:  # noqa: BLE001  (whatever went wrong in one life, there is another)
                logger.warning("%s", error)
                last_error = str(error)
            else:
                last_error = "The engine ended by itself. " + self._last_words()
            deaths = 0 if self._answered_since_start else deaths
            if deaths >= len(RESTART_DELAYS_S):
                self._fail(EngineError(f"{last_error} It was restarted {deaths} times; run `infill doctor`."))
                return
            self._set_state(EngineState.LOADING, 0.0)
            await asyncio.sleep(RESTART_DELAYS_S[deaths])
            deaths += 1

    async def _live(self) -> None:
        """One life of the process: from launch to its end. Cancelling it ends the process."""
        self._answered_since_start = False
        self._error = None
        self._settled.clear()
        self._set_state(EngineState.LOADING, 0.0)
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-X", "utf8", "-m", "lsp_server.engine.service"),
            cwd=Path(errors.__file__).parents[1],
            env=hardware.environment(os.environ),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        drain = asyncio.ensure_future(self._drain_stderr(process))
        try:
            async with await self._connect(process) as client:
                self._client = client
                await self._follow_load(client)
                await process.wait()
        finally:
            self._client = None
            self._model = None
            self._settled.clear()
            await _end(process)
            await drain

    async def _connect(self, process: asyncio.subprocess.Process) -> HttpClient:
        assert process.stdin is not None
        assert process.stdout is not None
        launch = Launch(token=secrets.token_urlsafe(32), options=self.options)
        process.stdin.write(msgspec.json.encode(launch) + b"\n")
        try:
            line = await asyncio.wait_for(process.stdout.readline(), START_TIMEOUT_S)
            listening = msgspec.json.decode(line, type=Listening)
        except (TimeoutError, msgspec.MsgspecError) as error:
            await _end(process)
            raise EngineError(f"The engine did not start. {self._last_words()}") from error
        # Its import takes long; in a thread, the editor's first request need not wait for it.
        http_client = await asyncio.to_thread(importlib.import_module, "lsp_server.engine.http_client")
        client: HttpClient = http_client.HttpClient(listening.port, launch.token)
        return client

    async def _follow_load(self, client: HttpClient) -> None:
        async with contextlib.aclosing(client.load()) as events:
            async for event in events:
                match event:
                    case Loading(fraction):
                        self._set_state(EngineState.LOADING, fraction)
                    case LoadFailed(kind, message):
                        raise getattr(errors, kind, EngineError)(message)
                    case Loaded(model):
                        self._model = model
                        self._error = None
                        self._settled.set()
                        self._set_state(EngineState.READY, 1.0)

    async def _drain_stderr(self, process: asyncio.subprocess.Process) -> None:
        assert process.stderr is not None
        while chunk := await process.stderr.read(4096):
            text = chunk.decode("utf-8", errors="replace").rstrip()
            self._stderr.extend(text.splitlines())
            logger.info("%s", text)

    def _last_words(self) -> str:
        return f"Its last words: {self._stderr[-1]}" if self._stderr else "It left no message."

    def _fail(self, error: InfillError) -> None:
        self._error = error
        self._settled.set()
        self._set_state(EngineState.FAILED, message=str(error))

    def _set_state(self, state: EngineState, fraction: float = 0.0, message: str = "") -> None:
        if state is not self._state or state is EngineState.LOADING:
            self._state = state
            self._on_state(state, fraction, message)


async def _end(process: asyncio.subprocess.Process) -> None:
    """Closing its standard input ends an engine; one that does not heed is killed."""
    if process.returncode is not None:
        return
    if process.stdin is not None:
        process.stdin.close()
    try:
        await asyncio.wait_for(process.wait(), STOP_TIMEOUT_S)
    except TimeoutError:
        process.kill()
        await process.wait()
