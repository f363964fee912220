"""What drafts gain and what they cost: the same texts written with and without, in turns."""

from __future__ import annotations

import itertools
import random
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from msgspec.structs import replace

from lsp_server.base.common_prefix import common_prefix
from lsp_server.base.errors import EngineError
from lsp_server.bench.decode import Scheduled
from lsp_server.bench.dictated import Dictated
from lsp_server.bench.ours import prompt_of
from lsp_server.bench.stats import Ratio, Spread, ratio, spread
from lsp_server.bench.text import Book
from lsp_server.engine.backends.base import BatchToken, DecodeStatus
from lsp_server.engine.backends.llama.backend import LlamaBackend
from lsp_server.engine.backends.llama.draft_model import open_for
from lsp_server.engine.drafting.lookup import MAX_DRAFTED, Source
from lsp_server.engine.scheduler.batches import Guess
from lsp_server.engine.scheduler.sequence import SequenceState
from lsp_server.engine.scheduler.tokenize import RequestTokenizer
from lsp_server.ipc.launch import EngineOptions
from lsp_server.ipc.requests import Generate

TOKENS = 64
PROMPT_TOKENS = 256
# Rows by name: the odds that a guessed token is right where the text is dictated, or what the model writes itself.
DICTATED = {"80% right": 0.8, "none right": 0.0}
REPEATING, PLAIN = "repeats code above", "repeats nothing"
ROWS = (REPEATING, PLAIN, *DICTATED)
# Those that want a draft model, by the odds that a token it writes is right.
DRAFT_MODEL_ROWS = {f"draft model {name}": odds for name, odds in DICTATED.items()}
ODDS = DICTATED | DRAFT_MODEL_ROWS
SEED = 1
BATCHES = range(1, 9)  # tokens, whose costs are measured
NUM_BATCHES = 5  # of each size, each time that models are loaded

Say = Callable[[str], None]


@dataclass(slots=True)
class Sample:
    """Tokens a second from the first token on, with drafts and without, and what became of the guesses."""

    drafting_tokens_per_s: float
    plain_tokens_per_s: float
    num_tokens: int
    drafted_tokens: int
    accepted_tokens: int
    num_same_tokens: int


@dataclass(slots=True)
class RowResult:
    """A row of the table. `over` is the ratio of tokens a second with drafts to those without.

    `num_same` texts of `samples` were the same token by token; others part where two candidates are near each other.
    `batch_ms` are medians, by number of tokens, with logits for each, behind a batch of the same size. By those, and
    guesses that are right with the row's odds and cost nothing to make, no more than `most_over` can be had; None where
    the odds are not known. So is `share_accepted` where no guess was tried.
    """

    name: str
    drafting_tokens_per_s: Spread | None
    plain_tokens_per_s: Spread | None
    over: Ratio | None
    share_accepted: float | None
    num_same: int
    batch_ms: dict[int, float]
    most_over: float | None
    samples: list[Sample] = field(default_factory=list)


class Scripted:
    """Guesses the dictated text, each token right with the same odds."""

    def __init__(self, odds: float) -> None:
        self.text: Sequence[int] = ()
        self._odds = odds
        self._random = random.Random(SEED)  # noqa: S311  (the same each time)

    def guess(self, run: SequenceState) -> Guess | None:
        """What is dictated next."""
        following = self.text[run.timings.decoded_tokens :][:MAX_DRAFTED]
        return Guess([self.spoilt(token) for token in following], "scripted")

    def spoilt(self, token: int) -> int:
        """A token, or its neighbour, which is wrong."""
        return token if self._random.random() < self._odds else token ^ 1

    def ended(self, run: SequenceState) -> None:
        """Nothing is learnt."""


class _Nothing:
    """No guesses but those of the draft model."""

    def guess(self, _: SequenceState) -> None:
        """None."""

    def ended(self, run: SequenceState) -> None:
        """Nothing is learnt."""


class ScriptedModel(LlamaBackend):
    """A draft model that writes what it is told, at the cost of writing what it would."""

    _start = 0

    def follow(self, script: Scripted, start: int) -> None:
        """Write a script's text, which stands from a position on."""
        self._script, self._start = script, start

    def decode(self, batch: Sequence[BatchToken]) -> DecodeStatus:
        """Evaluates as ever, and knows what place in the text it is at."""
        self._places = [token.position + 1 - self._start for token in batch]
        return super().decode(batch)

    def sample(self, sampler: Any, row: int, rest: bytes = b"", *, visible: bool = False) -> int:
        """The text's next token, or a wrong one; its own where there is no text."""
        own = super().sample(sampler, row, rest, visible=visible)
        place = self._places[row]
        return self._script.spoilt(self._script.text[place]) if 0 <= place < TOKENS else own

    def logprob(self, row: int, token: int, rest: bytes = b"", *, visible: bool = False) -> float:
        """It is sure of what it was told."""
        super().logprob(row, token, rest, visible=visible)
        return 0.0


class Pair:
    """A scheduler with drafts and one without, on a model each, in that order."""

    def __init__(self, backends: Sequence[LlamaBackend], guesses: Source | None = None) -> None:
        self._backends = backends
        self._drafting, self._plain = (Scheduled(backend, guesses) for backend in backends)

    def write(self, request: Generate, *, drafting_first: bool) -> Sample:
        """Both write the same. Raises `EngineError` if there is no text to measure."""
        speeds = {}
        for who in (self._drafting, self._plain) if drafting_first else (self._plain, self._drafting):
            num_tokens, seconds, _ = who.write(request)
            if num_tokens < 2:
                raise EngineError("The model ends its text at once. Measure with another model.")
            speeds[who] = (num_tokens - 1) / seconds
        timings = self._drafting.timings
        return Sample(
            speeds[self._drafting],
            speeds[self._plain],
            timings.decoded_tokens,
            timings.drafted_tokens,
            timings.accepted_tokens,
            common_prefix(self._drafting.tokens, self._plain.tokens),
        )

    def close(self) -> None:
        """Free the models."""
        for backend in self._backends:
            backend.close()


def measure(options: EngineOptions, book: Book, names: Sequence[str], pairs: int, say: Say) -> list[RowResult]:
    """Rows by name. Each side is the first to be loaded in half of a row's pairs: the first may have the better memory.

    A side goes by what it knows of costs and guesses after one text that is not measured. Raises `InfillError` where a
    row wants a draft model and the options' cannot serve.
    """
    rows = []
    for name in names:
        batches: dict[int, list[float]] = {size: [] for size in BATCHES}
        samples = _measure_pairs(name, options, book, pairs - pairs // 2, say, batches, drafting_loads_first=True)
        if pairs > 1:
            samples += _measure_pairs(name, options, book, pairs // 2, say, batches, drafting_loads_first=False)
        rows.append(_summarise(name, samples, batches))
    return rows


def _measure_pairs(
    name: str,
    options: EngineOptions,
    book: Book,
    pairs: int,
    say: Say,
    batches: dict[int, list[float]],
    *,
    drafting_loads_first: bool,
) -> list[Sample]:
    """Some pairs on models of their own. Adds what batches take to `batches`, by size, in milliseconds."""
    odds = ODDS.get(name)
    script = None if odds is None else Scripted(odds)
    kind = Dictated if script else LlamaBackend
    loaded = {
        drafts: kind(replace(options, drafts=drafts)) for drafts in (drafting_loads_first, not drafting_loads_first)
    }
    backends = [loaded[True], loaded[False]]
    draft_model = None
    if name in DRAFT_MODEL_ROWS:
        draft_model = backends[0].draft_model = open_for(backends[0], options, ScriptedModel)
    pair = Pair(backends, _Nothing() if draft_model else script)
    samples = []
    texts = _repeating(book) if name == REPEATING else _plain(book)
    for number, text in zip(range(-1, pairs), texts, strict=False):
        say(f"{name} {number + 1}/{pairs}, {'drafts' if drafting_loads_first else 'no drafts'} loaded first")
        request = Generate(prompt_of(text, backends[0].info), TOKENS)
        if script:
            script.text = backends[0].tokenize(book.text(2 * TOKENS))[:TOKENS]
            for backend in backends:
                assert isinstance(backend, Dictated)
                backend.text = script.text
        if script and draft_model:
            assert isinstance(draft_model, ScriptedModel)
            start = len(RequestTokenizer(backends[0], backends[0].info.context_tokens).tokenize_request(request).anchor)
            draft_model.follow(script, start)
        sample = pair.write(request, drafting_first=number % 2 == 0)
        samples += [sample] if number >= 0 else []
    _time_batches(backends[0], book.text(PROMPT_TOKENS), batches)
    pair.close()
    return samples


def _time_batches(backend: LlamaBackend, text: str, batches: dict[int, list[float]]) -> None:
    """Add what batches of each size take behind a text. Nothing that the backend held is left."""
    tokens = backend.tokenize(text)
    for sequence in range(backend.info.parameters.num_sequences):
        backend.truncate(sequence, 0)
    backend.decode([BatchToken(token, i, 0, wants_logits=False) for i, token in enumerate(tokens)])
    for _, size, is_again in itertools.product(range(NUM_BATCHES), batches, (False, True)):
        began = time.perf_counter()
        backend.decode([BatchToken(tokens[i], len(tokens) + i, 0, wants_logits=True) for i in range(size)])
        if is_again:  # llama.cpp makes its graph anew behind a batch of another size
            batches[size].append((time.perf_counter() - began) * 1000)
        backend.truncate(0, len(tokens))


def _plain(book: Book) -> Iterator[str]:
    while True:
        yield book.text(PROMPT_TOKENS)


def _repeating(book: Book) -> Iterator[str]:
    """Text, then its middle again, of which the last lines are left to write."""
    while True:
        lines = book.text(PROMPT_TOKENS // 2).splitlines(keepends=True)
        yield "".join(lines + lines[len(lines) // 4 : len(lines) // 2])


def _most_over(odds: float, batch_ms: dict[int, float]) -> float:
    """What could be gained with the best number of guessed tokens."""
    tokens = itertools.accumulate(odds**count for count in range(len(batch_ms)))
    return max(num * batch_ms[1] / batch_ms[size] for size, num in enumerate(tokens, 1))


def _summarise(name: str, samples: list[Sample], batches: dict[int, list[float]]) -> RowResult:
    batch_ms = {size: round(statistics.median(each), 3) for size, each in batches.items()}
    drafting = [sample.drafting_tokens_per_s for sample in samples]
    plain = [sample.plain_tokens_per_s for sample in samples]
    drafted = sum(sample.drafted_tokens for sample in samples)
    return RowResult(
        name,
        spread(drafting),
        spread(plain),
        ratio(drafting, plain),
        sum(sample.accepted_tokens for sample in samples) / drafted if drafted else None,
        sum(sample.num_same_tokens >= sample.num_tokens - 1 for sample in samples),
        batch_ms,
        _most_over(ODDS[name], batch_ms) if name in ODDS else None,
        samples,
    )
