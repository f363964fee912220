"""How soon the engine is free for another: a request is given up at a random moment and a short one follows at once.

And what an engine that can be interrupted quickly pays for it: prefill with short and long physical batches.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from msgspec.structs import replace

from lsp_server.ipc.launch import EngineOptions
from lsp_server.ipc.requests import Generate
from lsp_server.measure.corpus import Corpus
from lsp_server.measure.infill_target import InfillTarget, prompt_of
from lsp_server.measure.stats import Ratio, Spread, ratio, spread
from lsp_server.measure.targets import Answer, ignore
from tests.bench.baseline import Baseline

KINDS = ("prefill", "decode")
DECODED_TOKENS = 128
DECODE_PROMPT_TOKENS = 100
PHYSICAL_BATCHES = (128, 512)
SHORT_TEXT = "def area(width, height):\n    return "
# Not before the request has reached the engine, nor when it is all but over.
EARLIEST, LATEST = 0.05, 0.95
_SEED = 1


class TextTarget(Protocol):
    """A target that can be asked about plain text, without a plan."""

    name: str

    async def ask_text(self, text: str, max_tokens: int, on_text: Callable[[Answer], None] = ignore) -> Answer:
        """Go on after a text."""
        ...

    async def calm(self) -> None:
        """End whatever a request that was given up has left behind, and wait until the engine is idle."""
        ...


class InfillText:
    """Ours: a text with nothing after it."""

    def __init__(self, target: InfillTarget) -> None:
        self.name = target.name
        self._side = target
        self._document = ""

    async def ask_text(self, text: str, max_tokens: int, on_text: Callable[[Answer], None] = ignore) -> Answer:
        """Go on after a text; every text is a document of its own."""
        self._document = text if text != SHORT_TEXT else self._document
        prompt = prompt_of(text, self._side.model)
        return await self._side.ask(Generate(prompt, max_tokens, document=str(hash(text))), on_text)

    async def calm(self) -> None:
        """A request in the same document ends the prefill that goes on for it."""
        request = Generate(prompt_of("\n", self._side.model), 1, document=str(hash(self._document)))
        await self._side.ask(request)
        await self._side.settle()


class BaselineText:
    """The peer: `/completion`, because `/infill` cuts its prefix to less than a long prompt needs."""

    def __init__(self, target: Baseline) -> None:
        self.name = target.name
        self._side = target

    async def ask_text(self, text: str, max_tokens: int, on_text: Callable[[Answer], None] = ignore) -> Answer:
        """Go on after a text."""
        fields: dict[str, Any] = {"prompt": text, "n_predict": max_tokens}
        return await self._side.ask("/completion", fields, on_text)

    async def calm(self) -> None:
        """Its batch ends by itself."""
        await self._side.settle()


@dataclass(slots=True)
class CancelSample:
    """One request given up after `after_ms`. Milliseconds until the engine was free for the short one.

    `free_ms` runs from closing the connection to the short request's first text, less what its own evaluation took by
    the engine's clock: HTTP is in it, and so is drawing one token. `queue_ms` is what our engine says of its waiting.
    """

    after_ms: float
    free_ms: float
    queue_ms: float


@dataclass(slots=True)
class CancelResult:
    """By kind of moment and target."""

    undisturbed_ms: dict[str, dict[str, float]]
    free_ms: dict[str, dict[str, Spread | None]]
    samples: dict[str, dict[str, list[CancelSample]]]


async def measure(
    corpus: Corpus, targets: Sequence[TextTarget], prefill_tokens: int, pairs: int, say: Callable[[str], None]
) -> CancelResult:
    """Give up requests in a long prefill and in a long answer."""
    moments = random.Random(_SEED)
    undisturbed: dict[str, dict[str, float]] = {kind: {} for kind in KINDS}
    samples: dict[str, dict[str, list[CancelSample]]] = {kind: {each.name: [] for each in targets} for kind in KINDS}
    for kind in KINDS:
        for target in targets:
            say(f"undisturbed {kind}, {target.name}")
            undisturbed[kind][target.name] = await _undisturbed_ms(target, kind, corpus, prefill_tokens)
        for number in range(pairs):
            share = moments.uniform(EARLIEST, LATEST)
            for target in [*targets[number % len(targets) :], *targets[: number % len(targets)]]:
                say(f"{kind} {number + 1}/{pairs}, {target.name}")
                after_ms = share * undisturbed[kind][target.name]
                sample = await _give_up(target, kind, corpus, prefill_tokens, after_ms)
                samples[kind][target.name] += [sample] if sample else []
                await target.calm()
    spreads = {
        kind: {name: spread([sample.free_ms for sample in each]) for name, each in of_kind.items()}
        for kind, of_kind in samples.items()
    }
    return CancelResult(undisturbed, spreads, samples)


async def _undisturbed_ms(target: TextTarget, kind: str, corpus: Corpus, prefill_tokens: int) -> float:
    """How long the part takes in which requests are to be given up."""
    if kind == "prefill":
        answer = await target.ask_text(corpus.text(prefill_tokens), 1, lambda _: None)
        return answer.first_text_ms
    answer = await target.ask_text(corpus.text(DECODE_PROMPT_TOKENS), DECODED_TOKENS, lambda _: None)
    return answer.total_ms - answer.first_text_ms


async def _give_up(
    target: TextTarget, kind: str, corpus: Corpus, prefill_tokens: int, after_ms: float
) -> CancelSample | None:
    """Ask, close the connection after a while, of the prefill or from the first text on, and ask something short.

    None if the model had ended its text by then.
    """
    started = asyncio.Event()
    length = prefill_tokens if kind == "prefill" else DECODE_PROMPT_TOKENS
    text = corpus.text(length)
    asked = asyncio.ensure_future(target.ask_text(text, DECODED_TOKENS, lambda _: started.set()))
    asked.add_done_callback(lambda _: started.set())
    if kind == "decode":
        await started.wait()
    await asyncio.sleep(after_ms / 1000)
    if asked.done():
        asked.result()
        return None
    began = time.perf_counter()
    asked.cancel()
    await asyncio.gather(asked, return_exceptions=True)
    short = await target.ask_text(SHORT_TEXT, 1, lambda _: None)
    first_text_ms = (time.perf_counter() - began) * 1000 - (short.total_ms - short.first_text_ms)
    return CancelSample(after_ms, first_text_ms - short.prompt_ms, short.queue_ms)


# What short physical batches cost


@dataclass(slots=True)
class BatchResult:
    """Prefill in tokens a second by physical batch, and the ratio of the first batch's speed to the second's."""

    num_tokens: int
    tokens_per_s: dict[int, Spread | None]
    over: Ratio | None
    samples: dict[int, list[float]]


def measure_batches(
    options: EngineOptions, corpus: Corpus, prefill_tokens: int, pairs: int, say: Callable[[str], None]
) -> BatchResult:
    """Prefill of the same text through the backend, by physical batch, in turns."""
    from tests.bench.bare_loop import BareLoop

    backends = {size: BareLoop(replace(options, physical_batch_tokens=size)) for size in PHYSICAL_BATCHES}
    samples: dict[int, list[float]] = {size: [] for size in PHYSICAL_BATCHES}
    tokens = backends[PHYSICAL_BATCHES[0]].tokenize(corpus.text(prefill_tokens))[:prefill_tokens]
    for number in range(pairs):
        for size in PHYSICAL_BATCHES[:: 1 if number % 2 == 0 else -1]:
            say(f"prefill in batches of {size}, {number + 1}/{pairs}")
            began = time.perf_counter()
            backends[size].prefill(tokens)
            samples[size].append(len(tokens) / (time.perf_counter() - began))
    for backend in backends.values():
        backend.close()
    short, long = (samples[size] for size in PHYSICAL_BATCHES)
    speeds = {size: spread(each) for size, each in samples.items()}
    return BatchResult(len(tokens), speeds, ratio(short, long), samples)
