"""What several answers to one prompt take, beside a bare loop over llama.cpp's functions that writes as many."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from msgspec.structs import replace

from lsp_server.base.errors import EngineError
from lsp_server.bench.bare_loop import BareLoop
from lsp_server.bench.dictated import Dictated
from lsp_server.bench.ours import prompt_of
from lsp_server.bench.stats import Ratio, Spread, ratio, spread
from lsp_server.bench.text import Book
from lsp_server.engine.backends.base import Backend
from lsp_server.engine.drafting.proposer import drafting_scheduler
from lsp_server.engine.scheduler.tokenize import RequestTokenizer
from lsp_server.ipc.launch import EngineOptions
from lsp_server.ipc.requests import Done, Event, Failed, Generate, Priority, Sampling

NUM_ANSWERS, TOKENS, PROMPT_TOKENS = 3, 24, 256
SAMPLINGS = tuple(Sampling(temperature=0.8, seed=seed) for seed in range(1, NUM_ANSWERS + 1))


@dataclass(slots=True)
class Sample:
    """Milliseconds to the end of all answers, and the tokens that the scheduler wrote in them."""

    scheduler_ms: float
    bare_ms: float
    decoded_tokens: int


@dataclass(slots=True)
class AlternativesResult:
    """`over` is the ratio of the scheduler's time to the bare loop's."""

    num_answers: int
    num_tokens: int
    scheduler_ms: Spread | None
    bare_ms: Spread | None
    over: Ratio | None
    samples: list[Sample] = field(default_factory=list)


class Alternatives:
    """A scheduler that is asked for several answers at once, as the pipeline asks."""

    def __init__(self, backend: Backend) -> None:
        self._scheduler = drafting_scheduler(backend, self._receive)
        self._request_tokenizer = RequestTokenizer(backend, backend.info.context_tokens)
        self._num_decoded = 0
        self._failure = ""

    def write(self, request: Generate, samplings: tuple[Sampling, ...], priority: Priority) -> tuple[float, int]:
        """The milliseconds until all have ended, and the tokens written. Raises `EngineError`."""
        tokenized = self._request_tokenizer.tokenize_request(request)
        self._num_decoded = 0
        began = time.perf_counter()
        for number, sampling in enumerate(samplings):
            each = Generate(
                request.prompt, request.max_tokens, document="bench", kind=f"inline {number}", sampling=sampling,
                priority=priority,
            )  # fmt: skip
            self._scheduler.submit(str(number), each, tokenized)
        while self._scheduler.has_work:
            self._scheduler.step()
        elapsed_ms = (time.perf_counter() - began) * 1000
        if self._failure:
            raise EngineError(self._failure)
        return elapsed_ms, self._num_decoded

    def _receive(self, _: str, event: Event) -> None:
        match event:
            case Done(_, timings):
                self._num_decoded += timings.decoded_tokens
            case Failed(message):
                self._failure = message


def measure(options: EngineOptions, book: Book, pairs: int, say: Callable[[str], None]) -> AlternativesResult:
    """Both write the same text several times behind a prompt that is in the cache, in turns.

    The text is dictated, so that every answer has its length; without drafts, because the first answer would tell the
    others.
    """
    backend, bare = Dictated(replace(options, drafts=False)), BareLoop(options)
    alternatives = Alternatives(backend)
    samples = []
    for number in range(-1, pairs):
        say(f"alternatives {number + 1}/{pairs}")
        backend.text = backend.tokenize(book.text(2 * TOKENS))[:TOKENS]
        request = Generate(prompt_of(book.text(PROMPT_TOKENS), backend.info), TOKENS)
        prompt = RequestTokenizer(backend, backend.info.context_tokens).tokenize_request(request).anchor
        bare.prefill(prompt)
        alternatives.write(request, (Sampling(),), Priority.INTERACTIVE)  # the first answer, which brings the prompt
        by_turns: dict[str, float] = {}
        for who in ("scheduler", "bare")[:: 1 if number % 2 == 0 else -1]:
            if who == "scheduler":
                by_turns[who], num_tokens = alternatives.write(request, SAMPLINGS, Priority.ALTERNATIVES)
            else:
                by_turns[who] = bare.write_together(prompt, backend.text, SAMPLINGS) * 1000
        samples += [Sample(by_turns["scheduler"], by_turns["bare"], num_tokens)] if number >= 0 else []
    bare.close()
    backend.close()
    scheduler_ms, bare_ms = ([getattr(sample, name) for sample in samples] for name in ("scheduler_ms", "bare_ms"))
    return AlternativesResult(
        NUM_ANSWERS, TOKENS, spread(scheduler_ms), spread(bare_ms), ratio(scheduler_ms, bare_ms), samples
    )
