"""Typing at a steady pace. Every key sends a request and closes the connection of the one before, as editors do."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from lsp_server.measure.corpus import Corpus, View, keystrokes
from lsp_server.measure.stats import Ratio, Spread, ratio, spread
from lsp_server.measure.targets import Answer, Target, in_turn
from lsp_server.measure.typing_cost import ANSWER_TOKENS


@dataclass(slots=True)
class Burst:
    """A burst of keys: when each was typed, and which keys had text and when. Seconds count from the first key."""

    typed_s: list[float] = field(default_factory=list)
    texts: list[tuple[int, float]] = field(default_factory=list)
    evaluated_tokens: list[int] = field(default_factory=list)  # of the keys that had text

    def waits_ms(self) -> list[float]:
        """From each key to the first text of this or a later key. Keys without such a text are left out."""
        firsts = [min((at for key, at in self.texts if key >= number), default=None) for number in range(self.num_keys)]
        return [(first - typed) * 1000 for first, typed in zip(firsts, self.typed_s, strict=True) if first is not None]

    def num_in_time(self) -> int:
        """How many keys had their own text before the next key."""
        nexts = [*self.typed_s[1:], float("inf")]
        return sum(at < nexts[key] for key, at in self.texts)

    @property
    def num_keys(self) -> int:
        """How many keys were typed."""
        return len(self.typed_s)


async def type_through(target: Target, views: Sequence[View], pace_s: float, *, until_text: bool = False) -> Burst:
    """Type, and wait for the last request. With `until_text`, typing stops at the first text."""
    burst = Burst()
    began = time.perf_counter()
    pending: asyncio.Task[Answer] | None = None
    for number, view in enumerate(views):
        await asyncio.sleep(max(0.0, began + number * pace_s - time.perf_counter()))
        if until_text and burst.texts:
            break
        await _close(pending)
        burst.typed_s.append(time.perf_counter() - began)

        def note(answer: Answer, number: int = number) -> None:
            burst.texts.append((number, time.perf_counter() - began))
            burst.evaluated_tokens.append(answer.evaluated_tokens)

        pending = asyncio.ensure_future(target.complete(view, ANSWER_TOKENS, note))
    if pending is not None:
        if until_text and burst.texts:
            await _close(pending)
        else:
            await pending
    await target.settle()
    return burst


async def _close(pending: asyncio.Task[Answer] | None) -> None:
    """Close a request's connection if it is still open. Raises the error of a request that failed."""
    if pending is None:
        return
    if pending.done():
        pending.result()
        return
    pending.cancel()
    await asyncio.gather(pending, return_exceptions=True)


# From cold


@dataclass(slots=True)
class ColdSample:
    """Milliseconds to the first text: of an undisturbed request, and from the first key of a burst."""

    undisturbed_ms: float
    typing_ms: float
    num_keys: int


@dataclass(slots=True)
class ColdResult:
    """Typing from cold, by target."""

    typing_ms: dict[str, Spread | None]
    undisturbed_ms: dict[str, Spread | None]
    num_keys: dict[str, Spread | None]
    over_undisturbed: dict[str, Ratio | None]
    samples: dict[str, list[ColdSample]]


async def from_cold(
    corpus: Corpus, targets: list[Target], pairs: int, pace_s: float, keys: int, say: Callable[[str], None]
) -> ColdResult:
    """Type into a new document until the first text, and send an undisturbed request in another document."""
    samples: dict[str, list[ColdSample]] = {target.name: [] for target in targets}
    for number in range(pairs):
        for target in in_turn(targets, number):
            say(f"typing from cold {number + 1}/{pairs}, {target.name}")
            undisturbed = await type_through(target, [corpus.page().view()], pace_s)
            page = corpus.page()
            typed = keystrokes(page.to_type)[:keys]
            views = [page.view("".join(typed[: count + 1])) for count in range(len(typed))]
            burst = await type_through(target, views, pace_s, until_text=True)
            if undisturbed.texts and burst.texts:
                waits = undisturbed.texts[0][1] * 1000, burst.texts[0][1] * 1000
                samples[target.name].append(ColdSample(*waits, burst.num_keys))
    return ColdResult(
        {name: spread([sample.typing_ms for sample in each]) for name, each in samples.items()},
        {name: spread([sample.undisturbed_ms for sample in each]) for name, each in samples.items()},
        {name: spread([sample.num_keys for sample in each]) for name, each in samples.items()},
        {
            name: ratio([sample.typing_ms for sample in each], [sample.undisturbed_ms for sample in each])
            for name, each in samples.items()
        },
        samples,
    )


# Through files


@dataclass(slots=True)
class FilesResult:
    """Typing through files, by target. `share_in_time` of the keys had their text before the next key."""

    num_keys: dict[str, int]
    share_in_time: dict[str, float]
    waits_ms: dict[str, Spread | None]
    evaluated_tokens: dict[str, Spread | None]
    samples: dict[str, list[Burst]]


async def through_files(
    texts: Sequence[tuple[str, str]], targets: list[Target], pace_s: float, keys: int, say: Callable[[str], None]
) -> FilesResult:
    """Type the text that follows the first third of each file (name and text).

    Before that, one request is sent in the document.
    """
    bursts: dict[str, list[Burst]] = {target.name: [] for target in targets}
    for number, (name, text) in enumerate(texts):
        opened, views = _views_through(name, text, keys)
        for target in in_turn(targets, number):
            say(f"typing through {name}, {target.name}")
            await target.complete(opened, ANSWER_TOKENS)
            await target.settle()
            bursts[target.name].append(await type_through(target, views, pace_s))
    return FilesResult(
        {name: sum(burst.num_keys for burst in each) for name, each in bursts.items()},
        {
            name: round(sum(burst.num_in_time() for burst in each) / max(1, sum(burst.num_keys for burst in each)), 4)
            for name, each in bursts.items()
        },
        {name: spread([wait for burst in each for wait in burst.waits_ms()]) for name, each in bursts.items()},
        {name: spread([num for burst in each for num in burst.evaluated_tokens]) for name, each in bursts.items()},
        bursts,
    )


def _views_through(name: str, text: str, keys: int) -> tuple[View, list[View]]:
    """A file without the text after its first third, and the views while that text is typed."""
    start = text.find("\n", len(text) // 3) + 1
    typed = keystrokes(text[start:])[:keys]
    # The rest of the last line is dropped, so that the cursor is at the end of its line.
    end = text.find("\n", start + sum(map(len, typed)))
    rest = text[end:] if end >= 0 else ""
    uri = f"file:///bench/{name}"
    views = [View(uri, text[:start] + "".join(typed[:count]), rest) for count in range(len(typed) + 1)]
    return views[0], views[1:]
