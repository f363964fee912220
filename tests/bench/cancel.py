"""How soon the engine is free again: a request is cancelled at a random moment, and a short one follows at once.

Short physical batches let the engine stop soon. So prefill is measured with short and long ones too.
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
from lsp_server.measure.targets import Answer, ignore, in_turn
from tests.bench.baseline import Baseline

KINDS = ("prefill", "decode")
DECODED_TOKENS = 128
DECODE_PROMPT_TOKENS = 100
PHYSICAL_BATCHES = (128, 512)
SHORT_TEXT = "def area(width, height):\n    return "
# Shares of a request's time: after it has reached the engine, and well before it ends.
EARLIEST, LATEST = 0.05, 0.95
_SEED = 1


class TextTarget(Protocol):
    """A target that completes plain text, without a plan."""

    name: str

    async def ask_text(self, text: str, max_tokens: int, on_text: Callable[[Answer], None] = ignore) -> Answer:
        """Complete a text."""
        ...

    async def calm(self) -> None:
        """End what a cancelled request left in the engine, and wait until the engine is idle."""
        ...


class InfillText:
    """infill: a prompt with the text before the cursor and nothing after it."""

    def __init__(self, target: InfillTarget) -> None:
        self.name = target.name
        self._target = target
        self._document = ""

    async def ask_text(self, text: str, max_tokens: int, on_text: Callable[[Answer], None] = ignore) -> Answer:
        """Complete a text. Every text is a document of its own."""
        self._document = text if text != SHORT_TEXT else self._document
        prompt = prompt_of(text, self._target.model)
        return await self._target.ask(Generate(prompt, max_tokens, document=str(hash(text))), on_text)

    async def calm(self) -> None:
        """End the detached prefill by a request in the same document."""
        request = Generate(prompt_of("\n", self._target.model), 1, document=str(hash(self._document)))
        await self._target.ask(request)
        await self._target.settle()


class BaselineText:
    """llama-server's `/completion`. Its `/infill` would cut the prefix of a long prompt."""

    def __init__(self, target: Baseline) -> None:
        self.name = target.name
        self._target = target

    async def ask_text(self, text: str, max_tokens: int, on_text: Callable[[Answer], None] = ignore) -> Answer:
        """Complete a text."""
        fields: dict[str, Any] = {"prompt": text, "n_predict": max_tokens}
        return await self._target.ask("/completion", fields, on_text)

    async def calm(self) -> None:
        """Wait: llama-server's batch ends by itself."""
        await self._target.settle()


@dataclass(slots=True)
class CancelSample:
    """One request cancelled after `after_ms`.

    `free_ms` runs from closing the connection to the short request's first text. The short request's own prefill, by
    the engine's clock, is subtracted. HTTP and the sampling of one token are included.
    `queue_ms` is how long the short request waited, as infill's engine says.
    """

    after_ms: float
    free_ms: float
    queue_ms: float


@dataclass(slots=True)
class CancelResult:
    """Results by `KINDS` and target."""

    undisturbed_ms: dict[str, dict[str, float]]
    free_ms: dict[str, dict[str, Spread | None]]
    samples: dict[str, dict[str, list[CancelSample]]]


async def measure(
    corpus: Corpus, targets: Sequence[TextTarget], prefill_tokens: int, pairs: int, say: Callable[[str], None]
) -> CancelResult:
    """Cancel requests in a long prefill and in a long answer."""
    moments = random.Random(_SEED)
    undisturbed: dict[str, dict[str, float]] = {kind: {} for kind in KINDS}
    samples: dict[str, dict[str, list[CancelSample]]] = {kind: {each.name: [] for each in targets} for kind in KINDS}
    for kind in KINDS:
        for target in targets:
            say(f"undisturbed {kind}, {target.name}")
            undisturbed[kind][target.name] = await _undisturbed_ms(target, kind, corpus, prefill_tokens)
        for number in range(pairs):
            share = moments.uniform(EARLIEST, LATEST)
            for target in in_turn(targets, number):
                say(f"{kind} {number + 1}/{pairs}, {target.name}")
                after_ms = share * undisturbed[kind][target.name]
                sample = await _cancel_one(target, kind, corpus, prefill_tokens, after_ms)
                samples[kind][target.name] += [sample] if sample else []
                await target.calm()
    spreads = {
        kind: {name: spread([sample.free_ms for sample in each]) for name, each in of_kind.items()}
        for kind, of_kind in samples.items()
    }
    return CancelResult(undisturbed, spreads, samples)


async def _undisturbed_ms(target: TextTarget, kind: str, corpus: Corpus, prefill_tokens: int) -> float:
    """How long the prefill or the decoding takes that requests are cancelled in."""
    if kind == "prefill":
        answer = await target.ask_text(corpus.text(prefill_tokens), 1, lambda _: None)
        return answer.first_text_ms
    answer = await target.ask_text(corpus.text(DECODE_PROMPT_TOKENS), DECODED_TOKENS, lambda _: None)
    return answer.total_ms - answer.first_text_ms


async def _cancel_one(
    target: TextTarget, kind: str, corpus: Corpus, prefill_tokens: int, after_ms: float
) -> CancelSample | None:
    """Send a request, close its connection after a while, and send a short request.

    The while counts from the request, or from the first text where decoding is cancelled. Returns None if the text had
    ended by then.
    """
    started = asyncio.Event()
    length = prefill_tokens if kind == "prefill" else DECODE_PROMPT_TOKENS
    text = corpus.text(length)
    long = asyncio.ensure_future(target.ask_text(text, DECODED_TOKENS, lambda _: started.set()))
    long.add_done_callback(lambda _: started.set())
    if kind == "decode":
        await started.wait()
    await asyncio.sleep(after_ms / 1000)
    if long.done():
        long.result()
        return None
    began = time.perf_counter()
    long.cancel()
    await asyncio.gather(long, return_exceptions=True)
    short = await target.ask_text(SHORT_TEXT, 1, lambda _: None)
    first_text_ms = (time.perf_counter() - began) * 1000 - (short.total_ms - short.first_text_ms)
    return CancelSample(after_ms, first_text_ms - short.prompt_ms, short.queue_ms)


# What short physical batches cost


@dataclass(slots=True)
class BatchResult:
    """Prefill in tokens a second by physical batch. `over` is the short batch's speed over the long one's."""

    num_tokens: int
    tokens_per_s: dict[int, Spread | None]
    over: Ratio | None
    samples: dict[int, list[float]]


def measure_batches(
    options: EngineOptions, corpus: Corpus, prefill_tokens: int, pairs: int, say: Callable[[str], None]
) -> BatchResult:
    """Prefill the same text in turns, by physical batch."""
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
