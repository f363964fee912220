"""How long typing waits for a chat that is being written, where the cache has room for one context only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from msgspec.structs import replace

from lsp_server.base.errors import EngineError
from lsp_server.engine.backends.llama.backend import LlamaBackend
from lsp_server.engine.drafting.proposer import drafting_scheduler
from lsp_server.engine.scheduler.tokenize import RequestTokenizer
from lsp_server.ipc.launch import EngineOptions
from lsp_server.ipc.requests import Done, Event, Failed, Generate, Priority
from lsp_server.measure.corpus import Corpus
from lsp_server.measure.infill_target import prompt_of
from lsp_server.measure.stats import Ratio, Spread, ratio, spread

CONTEXT_TOKENS, CHAT_TOKENS, TYPED_TOKENS = 4096, 2048, 16
CHAT_PROMPT_TOKENS, PROMPT_TOKENS = 1500, 2000
NUM_WRITTEN = 50  # tokens of the chat when typing begins


@dataclass(slots=True)
class PreemptionSample:
    """Milliseconds to the first token of a typed request, beside a chat and alone."""

    beside_ms: float
    alone_ms: float


@dataclass(slots=True)
class PreemptionResult:
    """`over` is the ratio of the times beside a chat to those alone."""

    beside_ms: Spread | None
    alone_ms: Spread | None
    over: Ratio | None
    samples: list[PreemptionSample] = field(default_factory=list)


class _Engine:
    """A scheduler in this process, whose requests may be left alone half done."""

    def __init__(self, backend: LlamaBackend) -> None:
        self._ends: dict[str, Event] = {}
        self._scheduler = drafting_scheduler(backend, self._ends.__setitem__)
        self._tokenizer = RequestTokenizer(backend, CONTEXT_TOKENS)

    def start(self, name: str, request: Generate) -> None:
        """Submit a request and take some steps."""
        self._submit(name, request)
        for _ in range(NUM_WRITTEN):
            self._scheduler.step()

    def first_token_ms(self, request: Generate) -> float:
        """Answer a request. Raises `EngineError` if it failed."""
        self._submit("typed", request)
        while not isinstance(end := self._ends.get("typed"), Done | Failed):
            self._scheduler.step()
        del self._ends["typed"]
        if isinstance(end, Failed):
            raise EngineError(end.message)
        return end.timings.first_token_ms

    def cancel(self, name: str) -> None:
        """End a request, and what it left."""
        self._scheduler.cancel(name)
        while self._scheduler.has_work:
            self._scheduler.step()

    def _submit(self, name: str, request: Generate) -> None:
        self._scheduler.submit(name, request, self._tokenizer.tokenize_request(request))


def measure(options: EngineOptions, corpus: Corpus, pairs: int, say: Callable[[str], None]) -> PreemptionResult:
    """Each sample has texts of its own, so that nothing is in the cache."""
    backend = LlamaBackend(replace(options, context_tokens=CONTEXT_TOKENS, cache_tokens=CONTEXT_TOKENS))
    backend.is_end = lambda _: False  # type: ignore[method-assign, assignment]  # a chat is as long as it may be
    engine, samples = _Engine(backend), []
    for number in range(pairs):
        say(f"pair {number + 1}/{pairs}")
        took = {}
        for with_chat in (True, False) if number % 2 else (False, True):
            if with_chat:
                prompt = prompt_of(corpus.text(CHAT_PROMPT_TOKENS), backend.info)
                engine.start("chat", Generate(prompt, CHAT_TOKENS, priority=Priority.CHAT))
            prompt = prompt_of(corpus.text(PROMPT_TOKENS), backend.info)
            took[with_chat] = engine.first_token_ms(Generate(prompt, TYPED_TOKENS))
            engine.cancel("chat")
        samples.append(PreemptionSample(took[True], took[False]))
    backend.close()
    beside, alone = [each.beside_ms for each in samples], [each.alone_ms for each in samples]
    return PreemptionResult(spread(beside), spread(alone), ratio(beside, alone), samples)
