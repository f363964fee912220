"""What a keystroke costs, by kind of edit: tokens evaluated and milliseconds to the whole answer, both targets."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from lsp_server.measure.corpus import Corpus
from lsp_server.measure.infill_target import InfillTarget
from lsp_server.measure.stats import Ratio, Spread, ratio, spread
from lsp_server.measure.targets import Answer, Target
from lsp_server.measure.typing_trace import Step, Trace

ANSWER_TOKENS = 16
# A letter is compared with this many tokens decoded alone by the same engine.
ALONE, ALONE_TOKENS = "decoding alone", 18


@dataclass(slots=True)
class StepAnswers:
    """The answers of each target to one step, and of decoding alone, by name, in the order they were measured."""

    answers: dict[str, Answer] = field(default_factory=dict)


@dataclass(slots=True)
class EditCost:
    """A row of the table. `over` has the ratios of our milliseconds to those of others by name.

    Ratios are of the pairs in which both answers had their full length, `num_full` of them.
    """

    name: str
    evaluated_tokens: dict[str, Spread | None]
    prompt_tokens: dict[str, Spread | None]
    total_ms: dict[str, Spread | None]
    num_full: int
    over: dict[str, Ratio | None]
    samples: list[StepAnswers]


async def measure(
    name: str, row: Trace, corpus: Corpus, targets: list[Target], pairs: int, say: Callable[[str], None]
) -> EditCost:
    """One row: every target takes every step, and the target that goes first changes each time."""
    samples: list[StepAnswers] = []
    # Each target types in documents of its own making: what one accepts, the other did not write.
    steps: Iterator[Step] = row(corpus)
    for number in range(pairs):
        say(f"{name} {number + 1}/{pairs}")
        step = next(steps)
        sample = StepAnswers()
        for target in targets[number % len(targets) :] + targets[: number % len(targets)]:
            sample.answers[target.name] = await _take(target, step)
            if name == "letter" and isinstance(target, InfillTarget):
                alone = await target.decode_alone(step.measured(""), ALONE_TOKENS)
                sample.answers[ALONE] = alone
            await target.settle()
        samples.append(sample)
    return _summarise(name, samples)


async def _take(target: Target, step: Step) -> Answer:
    accepted = ""
    for view in step.preparation:
        accepted = (await target.complete(view, step.preparation_tokens)).text
    return await target.complete(step.measured(accepted), ANSWER_TOKENS)


def _summarise(name: str, samples: list[StepAnswers]) -> EditCost:
    names = list(samples[0].answers) if samples else []
    full = [
        sample
        for sample in samples
        if all(answer.written_tokens >= ANSWER_TOKENS for answer in sample.answers.values())
    ]

    def all_of(target: str, read: Callable[[Answer], float], of: list[StepAnswers]) -> list[float]:
        return [read(sample.answers[target]) for sample in of]

    ours = all_of("ours", lambda answer: answer.total_ms, full)
    return EditCost(
        name,
        {target: spread(all_of(target, lambda answer: answer.evaluated_tokens, samples)) for target in names},
        {target: spread(all_of(target, lambda answer: answer.prompt_tokens, samples)) for target in names},
        {target: spread(all_of(target, lambda answer: answer.total_ms, full)) for target in names},
        len(full),
        {
            target: ratio(ours, all_of(target, lambda answer: answer.total_ms, full))
            for target in names
            if target != "ours"
        },
        samples,
    )
