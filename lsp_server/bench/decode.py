"""What the scheduler costs a token: it writes a text, and a bare loop over llama.cpp's functions writes the same."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from msgspec.structs import replace

from lsp_server.base.common_prefix import common_prefix
from lsp_server.base.errors import EngineError
from lsp_server.bench.ours import prompt_of
from lsp_server.bench.stats import Ratio, Spread, ratio, spread
from lsp_server.bench.text import Book
from lsp_server.engine.backends.base import Backend
from lsp_server.engine.drafting.lookup import Source
from lsp_server.engine.drafting.proposer import drafting_scheduler
from lsp_server.engine.scheduler.tokenize import RequestTokenizer
from lsp_server.ipc.launch import EngineOptions
from lsp_server.ipc.requests import Done, Event, Failed, Generate, Prefilled, Timings

TOKENS = 128
PROMPT_TOKENS = 256


class Stopwatch:
    """Adds up the seconds spent in functions it wraps."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def wrap(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The same function, timed."""

        def timed(*arguments: Any, **options: Any) -> Any:
            began = time.perf_counter()
            try:
                return function(*arguments, **options)
            finally:
                self.seconds += time.perf_counter() - began

        return timed


@dataclass(slots=True)
class Sample:
    """Tokens a second from the first token on, and milliseconds a token outside of evaluating and sampling."""

    scheduler_tokens_per_s: float
    bare_tokens_per_s: float
    outside_ms: float


@dataclass(slots=True)
class DecodeResult:
    """`over` is the ratio of the scheduler's tokens a second to the bare loop's.

    The texts begin with `num_same_tokens` of the same tokens, in every sample: logits depend a little on how a prompt
    was cut into batches, so where two candidates are near each other, the texts may part.
    """

    num_tokens: int
    scheduler_tokens_per_s: Spread | None
    bare_tokens_per_s: Spread | None
    outside_ms: Spread | None
    over: Ratio | None
    num_same_tokens: int
    samples: list[Sample] = field(default_factory=list)


class Scheduled:
    """A scheduler in this process, and what it takes to time it from the first token on."""

    def __init__(self, backend: Backend, guesses: Source | None = None) -> None:
        self._stopwatch = Stopwatch()
        for name in ("decode", "sample"):
            setattr(backend, name, self._stopwatch.wrap(getattr(backend, name)))
        self._scheduler = drafting_scheduler(backend, self._receive, source=guesses)
        self._request_tokenizer = RequestTokenizer(backend, backend.info.context_tokens)
        self._began_s = self._ended_s = 0.0
        self.timings = Timings()  # of the last text
        self._failure = ""
        self.tokens: list[int] = []

    def write(self, request: Generate) -> tuple[int, float, float]:
        """How many tokens were written, the seconds from the first to the last, and those outside of the backend."""
        tokenized = self._request_tokenizer.tokenize_request(request)
        self._scheduler.submit("bench", request, tokenized)
        while self._scheduler.has_work:
            self._scheduler.step()
        if self._failure:
            raise EngineError(self._failure)
        # The last token is not in the cache: nobody asked what follows it.
        held = max(self._scheduler.cache.slots.slots, key=lambda slot: slot.last_used).tokens
        self.tokens = held[len(tokenized.anchor) :]
        elapsed_s = self._ended_s - self._began_s
        return self.timings.decoded_tokens, elapsed_s, elapsed_s - self._stopwatch.seconds

    def _receive(self, _: str, event: Event) -> None:
        match event:
            case Prefilled():
                self._stopwatch.seconds = 0.0
                self._began_s = time.perf_counter()
            case Done(_, timings):
                self._ended_s = time.perf_counter()
                self.timings = timings
            case Failed(message):
                self._failure = message


def measure(options: EngineOptions, book: Book, pairs: int, say: Callable[[str], None]) -> DecodeResult:
    """Both write behind the same prompt, in turns, without drafts; the model decides how much, `TOKENS` at most."""
    from lsp_server.bench.bare_loop import BareLoop
    from lsp_server.engine.backends.llama.backend import LlamaBackend

    backend, bare = LlamaBackend(replace(options, drafts=False)), BareLoop(options)
    scheduled = Scheduled(backend)
    request = Generate(prompt_of(book.text(PROMPT_TOKENS), backend.info), TOKENS)
    prompt = RequestTokenizer(backend, backend.info.context_tokens).tokenize_request(request).anchor
    bare.prefill(prompt)
    say("first text, not measured")
    num_tokens, _, _ = scheduled.write(request)
    if num_tokens < 2:
        raise EngineError("The model ends its text at once. Measure with another model.")
    samples, num_same = [], num_tokens
    for number in range(pairs):
        say(f"decode {number + 1}/{pairs}")
        by_turns: dict[str, float] = {}
        for who in ("scheduler", "bare")[:: 1 if number % 2 == 0 else -1]:
            if who == "scheduler":
                _, seconds, outside_s = scheduled.write(request)
            else:
                written, seconds = bare.write(prompt, num_tokens)
            by_turns[who] = (num_tokens - 1) / seconds
        num_same = min(num_same, common_prefix(written, scheduled.tokens))
        samples.append(Sample(by_turns["scheduler"], by_turns["bare"], outside_s * 1000 / (num_tokens - 1)))
    bare.close()
    backend.close()
    return _summarise(num_tokens, samples, num_same)


def _summarise(num_tokens: int, samples: list[Sample], num_same_tokens: int) -> DecodeResult:
    scheduler = [sample.scheduler_tokens_per_s for sample in samples]
    bare = [sample.bare_tokens_per_s for sample in samples]
    return DecodeResult(
        num_tokens,
        spread(scheduler),
        spread(bare),
        spread([sample.outside_ms for sample in samples]),
        ratio(scheduler, bare),
        num_same_tokens,
        samples,
    )
