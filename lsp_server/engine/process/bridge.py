"""The bridge between the event loop and the worker thread: requests go over, events come back."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import Callable, Iterator

from lsp_server.base.errors import EngineError
from lsp_server.engine.process.watchdog import Watchdog
from lsp_server.engine.process.worker import BackendFactory, Worker
from lsp_server.ipc.launch import Loaded, LoadEvent, LoadFailed, Loading
from lsp_server.ipc.model_info import ModelInfo
from lsp_server.ipc.requests import Done, Event, Failed, Generate


class ResponseStream:
    """One request under way. Iterate over its events; the last one is its `Done` or `Failed`."""

    def __init__(self, events: asyncio.Queue[Event], cancel: Callable[[], None]) -> None:
        self._events = events
        self.cancel = cancel
        self.has_ended = False

    def __aiter__(self) -> ResponseStream:
        return self

    async def __anext__(self) -> Event:
        if self.has_ended:
            raise StopAsyncIteration
        event = await self._events.get()
        self.has_ended = isinstance(event, Done | Failed)
        return event


class WorkerBridge:
    """A worker, as one event loop sees it. `on_death` is called in the worker's thread when a fault has ended it."""

    def __init__(self, factory: BackendFactory, on_death: Callable[[], None], watchdog: Watchdog) -> None:
        self._loop = asyncio.get_running_loop()
        self._worker = Worker(factory, self._load_from_worker, self._event_from_worker, on_death, watchdog)
        self._load_event: LoadEvent = Loading(0.0)
        self._load_changed = asyncio.Event()
        self._event_queues: dict[str, asyncio.Queue[Event]] = {}
        self._ids = itertools.count(1)

    def start(self) -> None:
        """Begin to load the model."""
        self._worker.start()

    @contextlib.contextmanager
    def generate(self, request: Generate) -> Iterator[ResponseStream]:
        """Submit a request. Leaving the block before its end cancels it. The request waits while the model loads."""
        request_id = str(next(self._ids))
        # The queue is never longer than an answer, and an answer is never longer than the context.
        events = self._event_queues[request_id] = asyncio.Queue()
        stream = ResponseStream(events, lambda: self._worker.cancel(request_id))
        self._worker.submit(request_id, request)
        try:
            yield stream
        finally:
            del self._event_queues[request_id]
            if not stream.has_ended:
                stream.cancel()

    @property
    def load_event(self) -> LoadEvent:
        """The progress of loading the model."""
        return self._load_event

    @property
    def load_changed(self) -> asyncio.Event:
        """Set when there is a newer load event. Take it before you read `load_event`."""
        return self._load_changed

    async def model(self) -> ModelInfo:
        """Wait for the model. Raises `EngineError` if it cannot be loaded."""
        while True:
            match self._load_event:
                case Loaded(model):
                    return model
                case LoadFailed(_, message):
                    raise EngineError(message)
            await self._load_changed.wait()

    def tokenize(self, text: str, *, control: bool) -> list[int]:
        """Tokens of a text, with control tokens if `control`. Raises `EngineError` while there is no model."""
        return self._worker.tokenize(text, control=control)

    def piece(self, token: int) -> bytes:
        """The bytes of a token. Raises `EngineError` while there is no model."""
        return self._worker.piece(token)

    def marker(self, role: str) -> int:
        """The token of a marker. Raises `PromptError` if the model has none, and `EngineError` without a model."""
        return self._worker.marker(role)

    async def state(self) -> str:
        """The scheduler's state as text, without any text of the user."""
        reply: asyncio.Queue[str] = asyncio.Queue()
        self._worker.dump(lambda text: self._call_soon(reply.put_nowait, text))
        return await reply.get()

    # From the worker's thread to the event loop

    def _call_soon(self, call: Callable[[str], None], text: str) -> None:
        self._loop.call_soon_threadsafe(call, text)

    def _load_from_worker(self, event: LoadEvent) -> None:
        self._loop.call_soon_threadsafe(self._set_load_event, event)

    def _set_load_event(self, event: LoadEvent) -> None:
        self._load_event = event
        self._load_changed.set()
        self._load_changed = asyncio.Event()

    def _event_from_worker(self, request_id: str, event: Event) -> None:
        self._loop.call_soon_threadsafe(self._deliver, request_id, event)

    def _deliver(self, request_id: str, event: Event) -> None:
        if answer := self._event_queues.get(request_id):
            answer.put_nowait(event)
