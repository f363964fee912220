"""Many users who type at once, each with a language server on one shared engine, and beside a llama-server."""

from __future__ import annotations

import asyncio
import contextlib
import os
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import psutil

from lsp_server.base.errors import EngineError
from lsp_server.engine.client import shared
from lsp_server.measure.corpus import Corpus, View, keystrokes
from lsp_server.measure.stats import Ratio, Spread, ratio, spread
from lsp_server.measure.targets import Answer, Target, ignore
from lsp_server.measure.typing_burst import Burst, type_through
from lsp_server.measure.typing_cost import ANSWER_TOKENS
from tests.bench.baseline import Baseline
from tests.bench.editor import Editor

Say = Callable[[str], None]
_FOLDERS = ("XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME")


class WholeAnswers:
    """Satisfies `Target`: the baseline, showing only whole answers, as llama.vim and llama.vscode do."""

    def __init__(self, peer: Baseline) -> None:
        self.name = peer.name
        self._peer = peer

    async def complete(self, view: View, max_tokens: int, on_text: Callable[[Answer], None] = ignore) -> Answer:
        """Ask and wait for the whole answer."""
        answer = await self._peer.complete(view, max_tokens)
        if answer.text:
            on_text(answer)
        return answer

    async def settle(self) -> None:
        """Return at once: others still type."""


@dataclass(slots=True)
class Ledger:
    """Requests and answers of all language servers together. A text of another document is *crossed*.

    `num_compared` last answers were computed again alone, and `num_same` of them are equal. The others are near ties,
    which come out otherwise in batches of other shapes.
    """

    num_asked: int
    num_lost: int
    num_twice: int
    num_crossed: int
    num_compared: int
    num_same: int

    def require_sound(self) -> None:
        """Raise `EngineError` if a request was lost, answered twice, or got the text of another document."""
        if self.num_lost or self.num_twice or self.num_crossed:
            raise EngineError(
                f"Of {self.num_asked} requests {self.num_lost} were lost, {self.num_twice} answered twice, and "
                f"{self.num_crossed} got the text of another document."
            )


@dataclass(slots=True)
class LoadResult:
    """By target: keys typed, the share that had their text before the next, and waits from key to text.

    `opening_s` is the time of the first requests in all documents of a round, sent together before the typing.
    `over` is the ratio of median waits, infill's to the baseline's, document by document. Memory is that of the
    engines, in MiB. A page that processes share counts in parts.
    """

    num_clients: int
    num_keys: dict[str, int]
    share_in_time: dict[str, float]
    waits_ms: dict[str, Spread | None]
    opening_s: dict[str, Spread | None]
    over: Ratio | None
    ledger: Ledger
    shared_memory_mebibytes: float
    num_private: int
    private_memory_mebibytes: float
    samples: dict[str, list[Burst]]


@dataclass(slots=True)
class _Group:
    """The users who type at once on one target, and their results."""

    targets: Sequence[Target]
    bursts: list[Burst] = field(default_factory=list)
    opening_s: list[float] = field(default_factory=list)


async def measure(
    settings: dict[str, Any],
    peers: Sequence[Baseline],
    corpus: Corpus,
    clients: int,
    private: int,
    rounds: int,
    pace_s: float,
    keys: int,
    say: Say,
) -> LoadResult:
    """`clients` type `keys` keys each, `rounds` times, on infill and on the baseline in turns."""
    with _folders_of_our_own():
        async with _editors(settings, clients, say) as editors:
            groups = [_Group(editors), *([_Group([WholeAnswers(peer) for peer in peers])] if peers else [])]
            ends: list[tuple[View, str]] = []
            for number in range(rounds):
                pages = [corpus.page() for _ in range(clients)]
                views = [_views(page.view, keystrokes(page.to_type)[:keys]) for page in pages]
                for group in groups[number % len(groups) :] + groups[: number % len(groups)]:
                    say(f"round {number + 1}/{rounds}, {clients} type on {group.targets[0].name}")
                    texts = await _type_all(group, views, pace_s)
                    if group is groups[0]:
                        ends += [(each[-1], text) for each, text in zip(views, texts, strict=True)]
            await asyncio.gather(*(editor.settle() for editor in editors))
            shared_memory = sum(_memory(record.pid) for _, record in shared.records())
        ledger = await _check(editors, ends, settings, say)
        _stop_engines()
        private_memory = await _private_memory(settings, ends, private, say)
    return _summarise(clients, groups, ledger, shared_memory, private, private_memory)


def _views(view: Callable[[str], View], typed: list[str]) -> list[View]:
    return [view("".join(typed[: count + 1])) for count in range(len(typed))]


async def _type_all(group: _Group, views: list[list[View]], pace_s: float) -> list[str]:
    """Type in all documents at once, out of step, after a first request in each. Returns the last text of each."""

    async def open_one(number: int, target: Target) -> None:
        first, *_ = views[number]
        await target.complete(View(first.uri, first.prefix[:-1], first.suffix), ANSWER_TOKENS)

    async def one(number: int, target: Target) -> tuple[Burst, str]:
        await asyncio.sleep(pace_s * number / len(views))
        last = _Last(target)
        return await type_through(last, views[number], pace_s), last.text

    began = time.perf_counter()
    await asyncio.gather(*(open_one(number, target) for number, target in enumerate(group.targets)))
    group.opening_s.append(time.perf_counter() - began)
    typed = await asyncio.gather(*(one(number, target) for number, target in enumerate(group.targets)))
    group.bursts += [burst for burst, _ in typed]
    return [text for _, text in typed]


class _Last:
    """Satisfies `Target` with another target, and remembers the text of the last answer."""

    def __init__(self, target: Target) -> None:
        self.name = target.name
        self.text = ""
        self._target = target

    async def complete(self, view: View, max_tokens: int, on_text: Callable[[Answer], None] = ignore) -> Answer:
        answer = await self._target.complete(view, max_tokens, on_text)
        self.text = answer.text
        return answer

    async def settle(self) -> None:
        await self._target.settle()


# infill


@contextlib.contextmanager
def _folders_of_our_own() -> Iterator[None]:
    """Keep engines, settings and statistics apart from the user's own."""
    with tempfile.TemporaryDirectory(prefix="infill-load-") as folder:
        before = {name: os.environ.get(name) for name in _FOLDERS}
        os.environ |= dict.fromkeys(_FOLDERS, folder)
        try:
            yield
        finally:
            _stop_engines()
            for name, value in before.items():
                os.environ.pop(name)
                if value is not None:
                    os.environ[name] = value


def _stop_engines() -> None:
    for _, record in shared.records():
        shared.stop(record, with_clients=True)


@contextlib.asynccontextmanager
async def _editors(settings: dict[str, Any], count: int, say: Say) -> AsyncIterator[list[Editor]]:
    """Start so many language servers, and wait for their model."""
    say(f"starting {count} language servers")
    async with contextlib.AsyncExitStack() as stack:
        editors = [await stack.enter_async_context(Editor(settings)) for _ in range(count)]
        await asyncio.gather(*(editor.ready() for editor in editors))
        yield editors


async def _check(editors: list[Editor], ends: list[tuple[View, str]], settings: dict[str, Any], say: Say) -> Ledger:
    """Count requests and answers, and compute each last answer again on an idle engine."""
    async with _editors(settings, 1, say) as [editor]:
        alone = []
        for number, (view, _) in enumerate(ends):
            say(f"asking again alone {number + 1}/{len(ends)}")
            alone.append((await editor.complete(view, ANSWER_TOKENS)).text)
    texts = [text for _, text in ends]
    return Ledger(
        num_asked=sum(len(each.sent) for each in editors),
        num_lost=sum(len(each.sent - each.answered.keys()) for each in editors),
        num_twice=sum(count > 1 for each in editors for count in each.answered.values()),
        num_crossed=sum(bool(text) and text != own and text in alone for text, own in zip(texts, alone, strict=True)),
        num_compared=len(texts),
        num_same=sum(text == own for text, own in zip(texts, alone, strict=True)),
    )


async def _private_memory(settings: dict[str, Any], ends: list[tuple[View, str]], count: int, say: Say) -> float:
    """Memory in MiB of so many private engines at the same time, each with a document of its own."""
    engine = settings["engine"] | {"mode": "private"}
    if not count:
        return 0.0
    async with _editors(settings | {"engine": engine}, count, say) as editors:
        for number, editor in enumerate(editors):
            say(f"asking private engine {number + 1}/{count}")
            await editor.complete(ends[number % len(ends)][0], ANSWER_TOKENS)
        children = psutil.Process().children(recursive=True)
        return sum(_memory(each.pid) for each in children if "lsp_server.engine.process.service" in _command(each))


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:  # it has ended
        return []


def _memory(pid: int) -> float:
    """Memory of a process in MiB. A page that is shared counts in part, where the system tells."""
    found = psutil.Process(pid).memory_full_info()
    return round(getattr(found, "pss", found.rss) / (1 << 20), 1)


def _summarise(
    clients: int, groups: list[_Group], ledger: Ledger, shared_memory: float, private: int, private_memory: float
) -> LoadResult:
    samples = {group.targets[0].name: group.bursts for group in groups}
    medians = [[spread(burst.waits_ms()) for burst in group.bursts] for group in groups]
    documents = zip(*medians, strict=True) if len(groups) > 1 else ()
    pairs = [(ours.median, theirs.median) for ours, theirs in documents if ours and theirs]
    return LoadResult(
        clients,
        {name: sum(burst.num_keys for burst in bursts) for name, bursts in samples.items()},
        {
            name: round(sum(burst.num_in_time() for burst in bursts) / sum(burst.num_keys for burst in bursts), 4)
            for name, bursts in samples.items()
        },
        {name: spread([wait for burst in bursts for wait in burst.waits_ms()]) for name, bursts in samples.items()},
        {group.targets[0].name: spread(group.opening_s) for group in groups},
        ratio([ours for ours, _ in pairs], [theirs for _, theirs in pairs]),
        ledger,
        shared_memory,
        private,
        private_memory,
        samples,
    )
