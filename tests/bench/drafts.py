"""What drafts gain and what they cost: the same texts written with drafts and without, in turns."""

from __future__ import annotations

import itertools
import random
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from msgspec.structs import replace

from lsp_server.base.common_prefix import common_prefix
from lsp_server.base.errors import EngineError
from lsp_server.engine.backends.base import BatchToken
from lsp_server.engine.backends.llama.backend import LlamaBackend
from lsp_server.engine.drafting.lookup import MAX_DRAFTED, Source
from lsp_server.engine.scheduler.batches import Guess
from lsp_server.engine.scheduler.sequence import SequenceState
from lsp_server.engine.scheduler.tokenize import RequestTokenizer
from lsp_server.ipc.launch import EngineOptions
from lsp_server.ipc.requests import Generate
from lsp_server.measure.corpus import Corpus
from lsp_server.measure.infill_target import prompt_of
from lsp_server.measure.stats import Ratio, Spread, ratio, spread
from tests.bench.decode import Scheduled
from tests.bench.scripted_backend import ScriptedBackend

TOKENS = 64
PROMPT_TOKENS = 256
# The odds that a drafted token is right, in rows with a scripted text. In other rows the model writes its own text.
SCRIPTED = {"80% right": 0.8, "none right": 0.0}
REPEATING, PLAIN = "repeats code above", "repeats nothing"
ROWS = (REPEATING, PLAIN, *SCRIPTED)
SEED = 1
BATCHES = range(1, 9)  # tokens of a batch
NUM_BATCHES = 5  # of each size, for each loading of the models

Say = Callable[[str], None]


@dataclass(slots=True)
class DraftSample:
    """Tokens a second from the first token on, with drafts and without, and how many drafted tokens were accepted."""

    drafting_tokens_per_s: float
    plain_tokens_per_s: float
    num_tokens: int
    drafted_tokens: int
    accepted_tokens: int
    num_same_tokens: int


@dataclass(slots=True)
class DraftResult:
    """A row of the table. `over` is the ratio of tokens a second with drafts to those without.

    `num_same` of `samples` have equal texts, token by token. The others differ after a near tie of two candidates.
    `batch_ms` has the median time of a batch by its number of tokens, with logits for each, after one of the same size.
    `most_over` is the most that drafts with the row's odds could gain at these times, if they cost nothing to make.
    It is None where the odds are unknown. `share_accepted` is None where no draft was tried.
    """

    name: str
    drafting_tokens_per_s: Spread | None
    plain_tokens_per_s: Spread | None
    over: Ratio | None
    share_accepted: float | None
    num_same: int
    batch_ms: dict[int, float]
    most_over: float | None
    samples: list[DraftSample] = field(default_factory=list)


class ScriptedGuesses:
    """Drafts the scripted text. Each token is right with the same odds."""

    def __init__(self, odds: float) -> None:
        self.text: Sequence[int] = ()
        self._odds = odds
        self._random = random.Random(SEED)

    def guess(self, run: SequenceState) -> Guess | None:
        """The next tokens of the script, some of them wrong."""
        following = self.text[run.timings.decoded_tokens :][:MAX_DRAFTED]
        return Guess([self.spoilt(token) for token in following], "scripted")

    def spoilt(self, token: int) -> int:
        """The token, or its neighbour, which is wrong."""
        return token if self._random.random() < self._odds else token ^ 1

    def ended(self, run: SequenceState) -> None:
        """Learn nothing."""


class Pair:
    """A scheduler with drafts and one without, each on its own model, in that order."""

    def __init__(self, backends: Sequence[LlamaBackend], guesses: Source | None = None) -> None:
        self._backends = backends
        self._drafting, self._plain = (Scheduled(backend, guesses) for backend in backends)

    def write(self, request: Generate, *, drafting_first: bool) -> DraftSample:
        """Both write the same text. Raises `EngineError` if the text is too short to measure."""
        speeds = {}
        for who in (self._drafting, self._plain) if drafting_first else (self._plain, self._drafting):
            num_tokens, seconds, _ = who.write(request)
            if num_tokens < 2:
                raise EngineError("The model ends its text at once. Measure with another model.")
            speeds[who] = (num_tokens - 1) / seconds
        timings = self._drafting.timings
        return DraftSample(
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


def measure(options: EngineOptions, corpus: Corpus, names: Sequence[str], pairs: int, say: Say) -> list[DraftResult]:
    """Rows by name.

    The first model to be loaded may get the better memory. So each scheduler is loaded first in half of a row's pairs.
    One text before the measured ones teaches the scheduler its step times.
    """
    rows = []
    for name in names:
        batches: dict[int, list[float]] = {size: [] for size in BATCHES}
        samples = _measure_pairs(name, options, corpus, pairs - pairs // 2, say, batches, drafting_loads_first=True)
        if pairs > 1:
            samples += _measure_pairs(name, options, corpus, pairs // 2, say, batches, drafting_loads_first=False)
        rows.append(_summarise(name, samples, batches))
    return rows


def _measure_pairs(
    name: str,
    options: EngineOptions,
    corpus: Corpus,
    pairs: int,
    say: Say,
    batches: dict[int, list[float]],
    *,
    drafting_loads_first: bool,
) -> list[DraftSample]:
    """Some pairs on newly loaded models. Adds the times of batches to `batches`, by size, in milliseconds."""
    odds = SCRIPTED.get(name)
    script = None if odds is None else ScriptedGuesses(odds)
    kind = ScriptedBackend if script else LlamaBackend
    loaded = {
        drafts: kind(replace(options, drafts=drafts)) for drafts in (drafting_loads_first, not drafting_loads_first)
    }
    backends = [loaded[True], loaded[False]]
    pair = Pair(backends, script)
    samples = []
    texts = _repeating(corpus) if name == REPEATING else _plain(corpus)
    for number, text in zip(range(-1, pairs), texts, strict=False):
        say(f"{name} {number + 1}/{pairs}, {'drafts' if drafting_loads_first else 'no drafts'} loaded first")
        request = Generate(prompt_of(text, backends[0].info), TOKENS)
        if script:
            script.text = backends[0].tokenize(corpus.text(2 * TOKENS))[:TOKENS]
            start = len(RequestTokenizer(backends[0], backends[0].info.context_tokens).tokenize_request(request).anchor)
            for backend in backends:
                assert isinstance(backend, ScriptedBackend)
                backend.follow(script.text, start)
        sample = pair.write(request, drafting_first=number % 2 == 0)
        samples += [sample] if number >= 0 else []
    _time_batches(backends[0], corpus.text(PROMPT_TOKENS), batches)
    pair.close()
    return samples


def _time_batches(backend: LlamaBackend, text: str, batches: dict[int, list[float]]) -> None:
    """Add the times of batches of each size after a text. The backend's cache is emptied."""
    tokens = backend.tokenize(text)
    for sequence in range(backend.info.parameters.num_sequences):
        backend.truncate(sequence, 0)
    backend.decode([BatchToken(token, i, 0, wants_logits=False) for i, token in enumerate(tokens)])
    for _, size, is_again in itertools.product(range(NUM_BATCHES), batches, (False, True)):
        began = time.perf_counter()
        backend.decode([BatchToken(tokens[i], len(tokens) + i, 0, wants_logits=True) for i in range(size)])
        if is_again:  # llama.cpp builds its graph anew after a batch of another size
            batches[size].append((time.perf_counter() - began) * 1000)
        backend.truncate(0, len(tokens))


def _plain(corpus: Corpus) -> Iterator[str]:
    while True:
        yield corpus.text(PROMPT_TOKENS)


def _repeating(corpus: Corpus) -> Iterator[str]:
    """A text, and the beginning of its middle again, which the model is to continue."""
    while True:
        lines = corpus.text(PROMPT_TOKENS // 2).splitlines(keepends=True)
        yield "".join(lines + lines[len(lines) // 4 : len(lines) // 2])


def _most_over(odds: float, batch_ms: dict[int, float]) -> float:
    """The gain with the best number of drafted tokens."""
    tokens = itertools.accumulate(odds**count for count in range(len(batch_ms)))
    return max(num * batch_ms[1] / batch_ms[size] for size, num in enumerate(tokens, 1))


def _summarise(name: str, samples: list[DraftSample], batches: dict[int, list[float]]) -> DraftResult:
    batch_ms = {size: round(statistics.median(each), 3) for size, each in batches.items()}
    drafting = [sample.drafting_tokens_per_s for sample in samples]
    plain = [sample.plain_tokens_per_s for sample in samples]
    drafted = sum(sample.drafted_tokens for sample in samples)
    return DraftResult(
        name,
        spread(drafting),
        spread(plain),
        ratio(drafting, plain),
        sum(sample.accepted_tokens for sample in samples) / drafted if drafted else None,
        sum(sample.num_same_tokens >= sample.num_tokens - 1 for sample in samples),
        batch_ms,
        _most_over(SCRIPTED[name], batch_ms) if name in SCRIPTED else None,
        samples,
    )
