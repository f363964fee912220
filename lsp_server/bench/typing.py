"""What a keystroke costs, by kind of edit: tokens evaluated and milliseconds to the whole answer, both sides."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from lsp_server.bench.edits import Row, Step
from lsp_server.bench.ours import OurSide
from lsp_server.bench.sides import Answer, Side
from lsp_server.bench.stats import Ratio, Spread, ratio, spread
from lsp_server.bench.text import Book

ANSWER_TOKENS = 16
# A letter is compared with this many tokens decoded alone by the same engine.
ALONE, ALONE_TOKENS = "decoding alone", 18


@dataclass(slots=True)
class Sample:
    """The answers of each side to one step, and of decoding alone, by name, in the order they were measured."""

    answers: dict[str, Answer] = field(default_factory=dict)


@dataclass(slots=True)
class RowResult:
    """A row of the table. `over` has the ratios of our milliseconds to those of others by name.

    Ratios are of the pairs in which both answers had their full length, `num_full` of them.
    """

    name: str
    evaluated_tokens: dict[str, Spread | None]
    prompt_tokens: dict[str, Spread | None]
    total_ms: dict[str, Spread | None]
    num_full: int
    over: dict[str, Ratio | None]
    samples: list[Sample]


async def measure(
    name: str, row: Row, book: Book, sides: list[Side], pairs: int, say: Callable[[str], None]
) -> RowResult:
    """One row: every side takes every step, and the side that goes first changes each time."""
    samples: list[Sample] = []
    # Each side types in documents of its own making: what one accepts, the other did not write.
    steps: Iterator[Step] = row(book)
    for number in range(pairs):
        say(f"{name} {number + 1}/{pairs}")
        step = next(steps)
        sample = Sample()
        for side in sides[number % len(sides) :] + sides[: number % len(sides)]:
            sample.answers[side.name] = await _take(side, step)
            if name == "letter" and isinstance(side, OurSide):
                alone = await side.decode_alone(step.measured(""), ALONE_TOKENS)
                sample.answers[ALONE] = alone
            await side.settle()
        samples.append(sample)
    return _summarise(name, samples)


async def _take(side: Side, step: Step) -> Answer:
    accepted = ""
    for view in step.preparation:
        accepted = (await side.complete(view, step.preparation_tokens)).text
    return await side.complete(step.measured(accepted), ANSWER_TOKENS)


def _summarise(name: str, samples: list[Sample]) -> RowResult:
    names = list(samples[0].answers) if samples else []
    full = [
        sample
        for sample in samples
        if all(answer.written_tokens >= ANSWER_TOKENS for answer in sample.answers.values())
    ]

    def all_of(side: str, read: Callable[[Answer], float], of: list[Sample]) -> list[float]:
        return [read(sample.answers[side]) for sample in of]

    ours = all_of("ours", lambda answer: answer.total_ms, full)
    return RowResult(
        name,
        {side: spread(all_of(side, lambda answer: answer.evaluated_tokens, samples)) for side in names},
        {side: spread(all_of(side, lambda answer: answer.prompt_tokens, samples)) for side in names},
        {side: spread(all_of(side, lambda answer: answer.total_ms, full)) for side in names},
        len(full),
        {side: ratio(ours, all_of(side, lambda answer: answer.total_ms, full)) for side in names if side != "ours"},
        samples,
    )
