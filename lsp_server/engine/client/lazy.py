"""Lazy start and idle unload of an engine."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Callable, Iterator

from lsp_server.base.errors import EngineError
from lsp_server.engine.client.connect import connect_private
from lsp_server.engine.client.interface import IS_STOPPED, EngineState
from lsp_server.engine.client.supervisor import Connector, EngineSupervisor
from lsp_server.ipc.launch import EngineOptions
from lsp_server.ipc.model_info import ModelInfo
from lsp_server.ipc.requests import Event, Failed, Generate

RETRY_S, MAX_RETRY_S = 30.0, 480.0  # from a failure to the next try; doubled after each in a row


class LazyEngine:
    """An `EngineClient` that starts its engine on `start` or with the first request, and unloads it when idle.

    `EnginesByRole` calls `start` for the completion engine at once. After `idle_s` seconds without use the engine ends,
    which frees the model's memory; 0 means never. The next request starts it again. An unload never interrupts a
    request or a loading. No failure is final: the disk or the server may be back. A request tries again once `RETRY_S`
    have passed, `retry` at once, and with `retries_alone` time does it. `on_state` and `connector` are those of
    `EngineSupervisor`, for every engine in turn.
    """

    def __init__(
        self,
        options: EngineOptions,
        idle_s: float = 0.0,
        on_state: Callable[[EngineState, float, str], None] = lambda *_: None,
        clock: Callable[[], float] = time.monotonic,
        connector: Connector = connect_private,
        *,
        retries_alone: bool = False,
    ) -> None:
        self.options = options
        self.connector = connector
        self._idle_s = idle_s
        self._on_state = on_state
        self._clock = clock
        self._supervisor: EngineSupervisor | None = None
        self._num_users = 0
        self._used_at = clock()
        self._timer: asyncio.TimerHandle | None = None
        self._stopping: set[asyncio.Task[None]] = set()
        self._retries_alone = retries_alone
        self._retry_timer: asyncio.TimerHandle | None = None
        self._failed_at = 0.0
        self._num_failures = 0  # since the engine was last ready
        self._is_stopped = False

    @property
    def state(self) -> EngineState:
        """The state of the engine; stopped while there is none."""
        return self._supervisor.state if self._supervisor else EngineState.STOPPED

    @property
    def model(self) -> ModelInfo | None:
        """The model, while it is loaded."""
        return self._supervisor.model if self._supervisor else None

    def start(self) -> None:
        """Start the engine, unless it runs or was stopped for good. Returns at once."""
        if self.state is EngineState.FAILED and self._clock() - self._failed_at >= self._retry_s:
            self._unload()
        if self._is_stopped or self._supervisor is not None:
            return
        self._used_at = self._clock()
        self._supervisor = supervisor = EngineSupervisor(
            self.options, lambda *change: self._report(supervisor, *change), self.connector
        )
        supervisor.start()
        self._watch()

    def retry(self) -> None:
        """Start a failed engine again, now. The user asks for it, or has changed something."""
        if self.state is EngineState.FAILED:
            self._unload()
            self.start()

    async def ready(self) -> ModelInfo:
        """Wait for the model, and load it if necessary. Raises the `ModelError` or `EngineError` that prevents it."""
        with self._busy():
            return await self._ensure_started().ready()

    async def generate(self, request: Generate) -> AsyncGenerator[Event, None]:
        """Generate text. Loads the model if necessary."""
        with self._busy():
            try:
                supervisor = self._ensure_started()
            except EngineError as error:
                yield Failed(str(error))
                return
            async with contextlib.aclosing(supervisor.generate(request)) as events:
                async for event in events:
                    yield event

    async def dump(self) -> str:
        """The state, for a bug report."""
        return await self._supervisor.dump() if self._supervisor else f"engine {self.state.value}"

    async def stop(self) -> None:
        """End the engine for good. Safe to call twice."""
        self._is_stopped = True
        self._unload()
        self._watch()
        await asyncio.gather(*self._stopping)

    # Idle unload

    def unload_after(self, idle_s: float) -> None:
        """Unload the engine after this many idle seconds, from now on; 0 means never."""
        self._idle_s = idle_s
        self._watch()

    def unload_if_idle(self) -> float:
        """Unload the engine if it was idle long enough. Returns the seconds until then; 0 if no timer is needed."""
        if self._supervisor is None or not self._idle_s:
            return 0.0
        if self._num_users or self.state is EngineState.LOADING:
            return self._idle_s
        left = self._used_at + self._idle_s - self._clock()
        if left <= 0:
            self._unload()
        return max(0.0, left)

    @property
    def _retry_s(self) -> float:
        """The seconds from the last failure to the next try."""
        return min(RETRY_S * 2.0 ** (min(self._num_failures, 10) - 1), MAX_RETRY_S)

    def _watch(self) -> None:
        """Unload if idle, and set a timer for the next check."""
        if self._timer is not None:
            self._timer.cancel()
        left = self.unload_if_idle()
        self._timer = asyncio.get_running_loop().call_later(left, self._watch) if left > 0 else None

    def _unload(self) -> None:
        """Forget the engine and end it in a task, so that the caller need not wait."""
        if self._retry_timer is not None:
            self._retry_timer.cancel()
        supervisor, self._supervisor = self._supervisor, None
        if supervisor is not None:
            stopping = asyncio.ensure_future(supervisor.stop())
            self._stopping.add(stopping)
            stopping.add_done_callback(self._stopping.discard)

    @contextlib.contextmanager
    def _busy(self) -> Iterator[None]:
        self._num_users += 1
        try:
            yield
        finally:
            self._num_users -= 1
            self._used_at = self._clock()

    def _ensure_started(self) -> EngineSupervisor:
        self.start()
        if self._supervisor is None:
            raise EngineError(IS_STOPPED)
        return self._supervisor

    def _report(self, supervisor: EngineSupervisor, state: EngineState, fraction: float, message: str) -> None:
        if self._supervisor not in (supervisor, None):
            return  # it is ending, and another one already runs
        if state is EngineState.READY:
            self._num_failures = 0
        elif state is EngineState.FAILED:
            self._failed_at = self._clock()
            self._num_failures += 1
            if self._retries_alone:
                self._retry_timer = asyncio.get_running_loop().call_later(self._retry_s, self.retry)
        self._on_state(state, fraction, message)
