"""The worker thread. It owns the model: it loads it, runs the scheduler while there is work, and sleeps otherwise."""

from __future__ import annotations

import dataclasses
import logging
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from lsp_server.base.errors import EngineError, InfillError
from lsp_server.engine.backends.base import Backend
from lsp_server.engine.drafting.proposer import drafting_scheduler
from lsp_server.engine.process.watchdog import Watchdog
from lsp_server.engine.scheduler.scheduler import Scheduler
from lsp_server.engine.scheduler.tokenize import RequestTokenizer, TokenizedRequest
from lsp_server.ipc.launch import Loaded, LoadEvent, LoadFailed, Loading
from lsp_server.ipc.requests import Event, Failed, Generate

logger = logging.getLogger(__name__)

# The pause before idle slots are offloaded, in seconds. A typist's next letter comes sooner.
OFFLOAD_AFTER_S = 0.5
# Decodes that fail in a row. The backend is then broken for good, as it is after its device was lost.
MAX_FAILURES = 2

BackendFactory = Callable[[Callable[[float], None]], Backend]


@dataclass(frozen=True, slots=True)
class _Submit:
    request_id: str
    request: Generate
    arrived_at: float
    tokenized: TokenizedRequest | None = None  # None: it is not tokenised yet, or there is no model


@dataclass(frozen=True, slots=True)
class _Cancel:
    request_id: str


@dataclass(frozen=True, slots=True)
class _Dump:
    reply: Callable[[str], None]


@dataclass(frozen=True, slots=True)
class _Close:
    pass


_Message = _Submit | _Cancel | _Dump | _Close


class Worker:
    """A backend and its scheduler, in a thread of their own.

    A second thread tokenises requests, because neither an event loop nor a decode may wait for a long text. All
    messages pass through it, so they keep their order. Messages that arrive while the model loads wait there.

    `on_load` and `on_event` are called in these threads. `on_death` is called when a fault of ours or a broken backend
    has ended the thread, so that the process must be replaced. A `watchdog` limits the time of every step.
    """

    def __init__(
        self,
        factory: BackendFactory,
        on_load: Callable[[LoadEvent], None],
        on_event: Callable[[str, Event], None],
        on_death: Callable[[], None] = lambda: None,
        watchdog: Watchdog | None = None,
    ) -> None:
        self._factory = factory
        self._on_load = on_load
        self._on_event = on_event
        self._on_death = on_death
        self._watchdog = watchdog
        self._arrivals: queue.SimpleQueue[_Message] = queue.SimpleQueue()
        self._inbox: queue.SimpleQueue[_Message] = queue.SimpleQueue()
        self._is_load_over = threading.Event()
        self._backend: Backend | None = None
        self._scheduler: Scheduler | None = None
        self._thread = threading.Thread(target=self._main, name="infill-worker", daemon=True)
        self._tokenizing_thread = threading.Thread(target=self._forward, name="infill-tokenizer", daemon=True)

    def start(self) -> None:
        """Begin to load the model."""
        self._thread.start()
        self._tokenizing_thread.start()

    def submit(self, request_id: str, request: Generate) -> None:
        """Queue a request. It interrupts a decode that it makes useless."""
        self._arrivals.put(_Submit(request_id, request, time.monotonic()))

    def cancel(self, request_id: str) -> None:
        """End a request. Interrupts a decode that serves only this request, unless it prefills an anchor."""
        self._arrivals.put(_Cancel(request_id))

    def tokenize(self, text: str, *, control: bool) -> list[int]:
        """Tokens of a text, with control tokens if `control`. Raises `EngineError` while there is no model."""
        backend = self._require_backend()
        return backend.tokenize_control(text) if control else backend.tokenize(text)

    def piece(self, token: int) -> bytes:
        """The bytes of a token. Raises `EngineError` while there is no model."""
        return self._require_backend().piece(token)

    def marker(self, role: str) -> int:
        """The token of a marker. Raises `PromptError` if the model has none, and `EngineError` without a model."""
        return self._require_backend().marker(role)

    def _require_backend(self) -> Backend:
        if self._backend is None:
            raise EngineError("The model is not loaded.")
        return self._backend

    def dump(self, reply: Callable[[str], None]) -> None:
        """Pass the scheduler's state as text to `reply`."""
        self._arrivals.put(_Dump(reply))

    def close(self) -> None:
        """End the thread and free the model."""
        self._arrivals.put(_Close())
        self._thread.join(timeout=5)

    def _forward(self) -> None:
        """Tokenise what arrives, and pass it on to the worker. Interrupts a decode that becomes useless."""
        self._is_load_over.wait()
        tokenizer = _tokenizer_for(self._backend) if self._backend else None
        while True:
            message, scheduler = self._arrivals.get(), self._scheduler
            if isinstance(message, _Submit) and scheduler is not None and tokenizer is not None:
                try:
                    message = dataclasses.replace(message, tokenized=tokenizer.tokenize_request(message.request))
                except InfillError as error:
                    self._on_event(message.request_id, Failed.by(error))
                    continue
                except Exception as error:
                    logger.exception("A request cannot be tokenised.")
                    self._on_event(message.request_id, Failed(_fault(error)))
                    continue
            # First the message, then the flag: the worker lowers the flag before it reads its inbox.
            self._inbox.put(message)
            if scheduler is not None and self._makes_useless(scheduler, message):
                scheduler.backend.interrupt(True)
            if isinstance(message, _Close):
                return

    @staticmethod
    def _makes_useless(scheduler: Scheduler, message: _Message) -> bool:
        """Whether the decode under way becomes useless by a message."""
        match message:
            case _Submit(request=request, tokenized=TokenizedRequest() as tokenized):
                return scheduler.should_interrupt_for(request, tokenized)
            case _Cancel(request_id):
                return scheduler.should_interrupt_to_cancel(request_id)
        return isinstance(message, _Close)

    def _main(self) -> None:
        try:
            backend = self._factory(lambda fraction: self._on_load(Loading(fraction)))
        except Exception as error:
            if isinstance(error, InfillError):
                logger.warning("%s", error)
                failed = LoadFailed(type(error).__name__, str(error))
            else:
                logger.exception("The backend failed while loading.")
                failed = LoadFailed("EngineError", f"The engine failed while loading ({type(error).__name__}).")
            self._is_load_over.set()
            self._on_load(failed)
            self._fail_requests(failed.message)
            return
        scheduler = drafting_scheduler(backend, self._on_event, has_pending_messages=lambda: not self._inbox.empty())
        self._backend = backend
        self._scheduler = scheduler
        self._is_load_over.set()
        self._on_load(Loaded(backend.info))
        try:
            while self._take_messages(scheduler):
                self._step(scheduler)
        except Exception:
            logger.exception("The engine failed and ends.")
            self._on_death()
        finally:
            scheduler.fail_all("The engine was closed.")
            self._backend = self._scheduler = None
            backend.close()

    def _take_messages(self, scheduler: Scheduler) -> bool:
        """Read all messages. Waits for one if there is no work. Returns false if the worker is to close."""
        assert self._backend is not None
        is_all_offloaded = False
        while True:
            # The flag is lowered before the inbox is read. A later cancel raises it again and is read in the next
            # round.
            self._backend.interrupt(False)
            if self._watchdog and not scheduler.has_work:
                self._watchdog.disarm()
            try:
                message = self._inbox.get(
                    block=not scheduler.has_work, timeout=None if is_all_offloaded else OFFLOAD_AFTER_S
                )
            except queue.Empty:
                if scheduler.has_work:
                    return True
                is_all_offloaded = not scheduler.offload_idle()
                continue
            match message:
                case _Submit(request_id, request, arrived_at, tokenized):
                    assert tokenized is not None
                    scheduler.submit(request_id, request, tokenized, arrived_at)
                case _Cancel(request_id):
                    scheduler.cancel(request_id)
                case _Dump(reply):
                    reply(scheduler.dump())
                case _Close():
                    return False

    def _step(self, scheduler: Scheduler) -> None:
        if self._watchdog:
            self._watchdog.arm()
        try:
            scheduler.step()
            if not scheduler.has_work:
                scheduler.check_integrity()
        except InfillError as error:
            scheduler.fail_all(str(error))
            if scheduler.num_failures >= MAX_FAILURES:
                raise
        except Exception as error:
            # No caller may wait after a fault of ours. The process then ends and is replaced.
            scheduler.fail_all(f"{_fault(error)[:-1]} and is being restarted.")
            raise

    def _fail_requests(self, message: str) -> None:
        """Without a model, fail every request until the process ends."""
        while True:
            match self._inbox.get():
                case _Submit(request_id):
                    self._on_event(request_id, Failed(message))
                case _Dump(reply):
                    reply(f"no model: {message}")
                case _Close():
                    return


def _fault(error: Exception) -> str:
    return f"The engine failed ({type(error).__name__})."


def _tokenizer_for(backend: Backend) -> RequestTokenizer:
    return RequestTokenizer(backend, min(backend.info.context_tokens, backend.info.cache_tokens))
