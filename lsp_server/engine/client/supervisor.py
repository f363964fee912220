"""The supervisor of an engine: it connects, follows the loading, and restarts with back-off."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Callable

from lsp_server.base import errors
from lsp_server.base.errors import EngineError, InfillError
from lsp_server.engine.client.connect import connect_private
from lsp_server.engine.client.interface import IS_STOPPED, WENT_AWAY, EngineState
from lsp_server.engine.client.spawn import Connection, Transport
from lsp_server.ipc.launch import EngineOptions, Loaded, LoadFailed, Loading
from lsp_server.ipc.model_info import ModelInfo
from lsp_server.ipc.requests import Event, Failed, Generate

logger = logging.getLogger(__name__)

RESTART_DELAYS_S = (0.2, 1.0, 5.0, 20.0)  # after that many deaths in a row the engine stays down

Connector = Callable[[EngineOptions], contextlib.AbstractAsyncContextManager[Connection]]


class EngineSupervisor:
    """An `EngineClient` whose engine runs in another process, to which `connector` connects.

    `on_state` receives every change: the new state, the fraction loaded, and the message of an error.
    """

    def __init__(
        self,
        options: EngineOptions,
        on_state: Callable[[EngineState, float, str], None] = lambda *_: None,
        connector: Connector = connect_private,
    ) -> None:
        self.options = options
        self._connector = connector
        self._on_state = on_state
        self._state = EngineState.STOPPED
        self._model: ModelInfo | None = None
        self._error: InfillError | None = None
        self._client: Transport | None = None
        self._settled = asyncio.Event()  # ready or failed
        self._supervisor: asyncio.Task[None] | None = None
        self._has_answered = False
        self._end_reason = ""

    @property
    def state(self) -> EngineState:
        """The state of the engine."""
        return self._state

    @property
    def model(self) -> ModelInfo | None:
        """The model, once it is loaded."""
        return self._model

    def start(self) -> None:
        """Start the engine and load the model in the background, unless that was done before."""
        if self._supervisor is None and self._error is None:
            self._supervisor = asyncio.ensure_future(self._supervise())

    async def ready(self) -> ModelInfo:
        """Wait for the model. Raises the `ModelError` or `EngineError` that prevents it."""
        while self._model is None:
            await self._settled.wait()
            if self._error is not None:
                raise self._error
        return self._model

    async def generate(self, request: Generate) -> AsyncGenerator[Event, None]:
        """Generate text. Waits for the model if it is still loading."""
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
                self._has_answered |= not isinstance(event, Failed)
                yield event

    async def dump(self) -> str:
        """The state, for a bug report."""
        text = f"engine {self._state.value}"
        if self._client is not None:
            text += "\n" + await self._client.state()
        if self._error is not None:
            text += f"\nlast error: {self._error}"
        return text

    async def stop(self) -> None:
        """End the engine. Safe to call twice."""
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
                await self._run_once()
                logger.warning("The engine ended by itself.")
            except errors.ModelError as error:
                self._fail(error)
                return
            except Exception as error:  # noqa: BLE001  (whatever went wrong in one life, there is another)
                logger.warning("%s", error)
                last_error = str(error)
            else:
                last_error = "The engine ended by itself. " + self._end_reason
            deaths = 0 if self._has_answered else deaths
            if deaths >= len(RESTART_DELAYS_S):
                self._fail(EngineError(f"{last_error} It was restarted {deaths} times; run `infill doctor`."))
                return
            self._set_state(EngineState.LOADING, 0.0)
            await asyncio.sleep(RESTART_DELAYS_S[deaths])
            deaths += 1

    async def _run_once(self) -> None:
        """One life of the engine, from its start to its end. Cancelling ends the engine."""
        self._has_answered = False
        self._error = None
        self._settled.clear()
        self._set_state(EngineState.LOADING, 0.0)
        async with self._connector(self.options) as connection:
            try:
                self._client = connection.client
                await self._follow_load(connection.client)
                self._end_reason = await connection.ended()
            finally:
                self._client = None
                self._model = None
                self._settled.clear()

    async def _follow_load(self, client: Transport) -> None:
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

    def _fail(self, error: InfillError) -> None:
        self._error = error
        self._settled.set()
        self._set_state(EngineState.FAILED, message=str(error))

    def _set_state(self, state: EngineState, fraction: float = 0.0, message: str = "") -> None:
        if state is not self._state or state is EngineState.LOADING:
            self._state = state
            self._on_state(state, fraction, message)
