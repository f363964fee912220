"""Helpers that the engine's tests share: the model, a scheduler to drive by hand, bounded waiting."""

import functools
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from lsp_server.base.errors import PromptError
from lsp_server.engine.backends.base import BatchToken
from lsp_server.engine.backends.fake import FakeBackend
from lsp_server.engine.backends.llama.backend import LlamaBackend
from lsp_server.engine.client import shared
from lsp_server.engine.client import supervisor as process_module
from lsp_server.engine.drafting.lookup import Source
from lsp_server.engine.drafting.proposer import drafting_scheduler
from lsp_server.engine.kvcache.slots import Slot
from lsp_server.engine.scheduler.tokenize import RequestTokenizer, TokenizedRequest
from lsp_server.ipc.launch import EngineOptions
from lsp_server.ipc.requests import Chunk, Done, Event, Failed, Generate, Marker, Prefilled, Priority, Sampling, Text
from tests.gguf.embedded import EMBEDDED
from tests.gguf.patcher import with_texts


@pytest.fixture(scope="session")
def model_path() -> Path:
    return EMBEDDED


@pytest.fixture(scope="session")
def llama():
    backend = LlamaBackend(EngineOptions(model_path=str(EMBEDDED), threads=1))
    yield backend
    backend.close()


class Bench:
    """A scheduler on a fake backend, its clock, and every event it emitted."""

    def __init__(self, backend: FakeBackend | None = None, guesses: Source | None = None, **options: int) -> None:
        self.backend = backend or FakeBackend(EngineOptions(model_path="fake", backend="fake", **options))
        self.now = 100.0
        self.events: dict[str, list[Event]] = {}
        self.tokenized: dict[str, TokenizedRequest] = {}
        self.ended: list[str] = []
        self.scheduler = drafting_scheduler(self.backend, self._emit, lambda: self.now, source=guesses)
        info = self.backend.info
        self.request_tokenizer = RequestTokenizer(self.backend, min(info.context_tokens, info.cache_tokens))

    def _emit(self, request_id: str, event: Event) -> None:
        self.events[request_id].append(event)
        if isinstance(event, Done | Failed):
            self.ended.append(request_id)

    @staticmethod
    def ask(text: str = "", *, max_tokens: int = 8, prompt=None, **rest) -> Generate:
        """A request for what follows `text`, which is all of the anchor unless there is a `prompt`."""
        return Generate((Marker("begin"), Text(text)) if prompt is None else prompt, max_tokens, **rest)

    def tokenize_request(self, text: str = "", **rest) -> tuple[Generate, TokenizedRequest]:
        """A request and its tokens, as the scheduler takes them."""
        request = self.ask(text, **rest)
        return request, self.request_tokenizer.tokenize_request(request)

    def submit(self, request_id: str, text: str = "", **rest) -> None:
        """Prepare and submit, as the worker does: what cannot be prepared fails at once."""
        self.events[request_id] = []
        try:
            request, tokenized = self.tokenize_request(text, **rest)
        except PromptError as error:
            self._emit(request_id, Failed(str(error)))
            return
        self.tokenized[request_id] = tokenized
        self.scheduler.submit(request_id, request, tokenized)

    def answer(self, request_id: str, text: str = "", **rest) -> Done | Failed:
        """Submit, and work until everything has ended."""
        self.submit(request_id, text, **rest)
        self.run()
        return self.end(request_id)

    def warm_up(self, request_id: str, text: str = "", **rest) -> None:
        """Submit what only fills the cache."""
        self.submit(request_id, text, **{"max_tokens": 0, "priority": Priority.WARM_UP, "kind": "warm-up"} | rest)

    def step(self, times: int = 1) -> None:
        for _ in range(times):
            self.scheduler.step()
            self.check()

    def interrupted_step(self) -> None:
        """A step whose decode is interrupted."""
        self.backend.interrupt(True)
        try:
            self.step()
        finally:
            self.backend.interrupt(False)

    def run(self) -> None:
        """Work until nothing is open; a scheduler that makes no progress fails the test."""
        for _ in range(2000):
            if not self.scheduler.has_work:
                return
            self.step()
        pytest.fail(f"no end in sight:\n{self.scheduler.dump()}")

    def check(self) -> None:
        """The books agree with themselves and with what is really in the cache."""
        self.scheduler.check_integrity()
        assert [slot.tokens for slot in self.slots] == self.backend.sequences
        assert self.scheduler.cache.slots.used_tokens == len(set().union(*self.backend._cells))

    @property
    def slots(self) -> list[Slot]:
        return self.scheduler.cache.slots.slots

    @property
    def contents(self) -> list[str]:
        """What each slot holds, as text."""
        return [b"".join(map(self.backend.piece, slot.tokens)).decode(errors="replace") for slot in self.slots]

    def text(self, request_id: str) -> str:
        return "".join(event.text for event in self.events[request_id] if isinstance(event, Chunk))

    def end(self, request_id: str) -> Done | Failed:
        """The one event that ended a request; before it came `Prefilled` and chunks, if anything."""
        *before, end = self.events[request_id]
        assert isinstance(end, Done | Failed)
        assert [type(event) for event in before] == [Prefilled, *[Chunk] * (len(before) - 1)][: len(before)]
        return end

    def reason(self, request_id: str) -> str:
        end = self.end(request_id)
        assert isinstance(end, Done), end
        return end.reason

    def reused(self, request_id: str) -> int:
        """How many tokens of its prompt a request found in the cache."""
        return self.end(request_id).timings.reused_tokens

    def assert_answered(self, request_id: str, text: str, max_tokens: int = 8) -> None:
        """The request got all that the model writes after `text`."""
        assert (self.text(request_id), self.reason(request_id)) == _reference(text, max_tokens)


@pytest.fixture
def make_bench() -> type[Bench]:
    return Bench


@functools.cache
def _reference(text: str, max_tokens: int, *, fixed_indent: bool = False) -> tuple[str, str]:
    """What the fake model writes after a text, and why it stops."""
    model = FakeBackend(EngineOptions(model_path="fake", backend="fake", num_sequences=1, context_tokens=100_000))
    sampler = model.new_sampler(Sampling())
    new = [model.marker("begin"), *model.tokenize(text)]
    position = 0
    written = b""
    while len(written) < max_tokens:
        model.decode([BatchToken(token, position + i, 0, True) for i, token in enumerate(new)])
        position += len(new)
        token = model.sample(sampler, len(new) - 1, visible=fixed_indent and not written)
        if model.is_end(token):
            return written.decode(), "end"
        written += model.piece(token)
        new = [token]
    return written.decode(), "length"


@pytest.fixture(scope="session")
def reference() -> Callable[..., tuple[str, str]]:
    """What a request for `text` must get, and why it ends, worked out without a scheduler."""
    return _reference


@pytest.fixture(scope="session")
def rewrite_model(tmp_path_factory):
    """Make a copy of the embedded model with token texts replaced; see `with_texts`."""

    def rewrite(texts: dict[str, str], user_defined: tuple[int, ...] = ()) -> Path:
        return with_texts(EMBEDDED, tmp_path_factory.mktemp("model") / "rewritten.gguf", texts, user_defined)

    return rewrite


@pytest.fixture
def runtime_folder(tmp_path, monkeypatch):
    """Engines of this test are found here, and end with it."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setattr(process_module, "RESTART_DELAYS_S", (0.01, 0.01, 0.01))
    yield shared.folder()
    for _, record in shared.records():
        shared.stop(record, with_clients=True)
        psutil.wait_procs([psutil.Process(record.pid)] if psutil.pid_exists(record.pid) else [], timeout=10)
