"""What a keystroke costs, by kind of edit: tokens evaluated, and milliseconds to the whole answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from lsp_server.measure.corpus import Corpus
from lsp_server.measure.infill_target import InfillTarget
from lsp_server.measure.stats import Ratio, Spread, ratio, spread
from lsp_server.measure.targets import INFILL, Answer, Target, in_turn
from lsp_server.measure.typing_trace import Step, Trace

ANSWER_TOKENS = 16
# A letter is compared with so many tokens that the same engine decodes without any prefill.
ALONE, ALONE_TOKENS = "decoding alone", 18


@dataclass(slots=True)
class StepAnswers:
    """The answers to one step by target, and that of decoding alone. They stand in the order of measuring."""

    answers: dict[str, Answer] = field(default_factory=dict)


@dataclass(slots=True)
class EditCost:
    """What one kind of edit costs, by target.

    `over` is infill's milliseconds over those of each other target. Ratios and milliseconds count only samples in
    which all answers had their full length. There are `num_full` of those.
    """

    name: str
    evaluated_tokens: dict[str, Spread | None]
    prompt_tokens: dict[str, Spread | None]
    total_ms: dict[str, Spread | None]
    num_full: int
    over: dict[str, Ratio | None]
    samples: list[StepAnswers]


async def measure(
    name: str, trace: Trace, corpus: Corpus, targets: list[Target], pairs: int, say: Callable[[str], None]
) -> EditCost:
    """Measure one kind of edit. Every target takes every step, and another target goes first each time."""
    samples: list[StepAnswers] = []
    # What one target accepts, the other did not write: so a step is a function of the answer.
    steps: Iterator[Step] = trace(corpus)
    for number in range(pairs):
        say(f"{name} {number + 1}/{pairs}")
        step = next(steps)
        sample = StepAnswers()
        for target in in_turn(targets, number):
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

    ours = all_of(INFILL, lambda answer: answer.total_ms, full)
    return EditCost(
        name,
        {target: spread(all_of(target, lambda answer: answer.evaluated_tokens, samples)) for target in names},
        {target: spread(all_of(target, lambda answer: answer.prompt_tokens, samples)) for target in names},
        {target: spread(all_of(target, lambda answer: answer.total_ms, full)) for target in names},
        len(full),
        {
            target: ratio(ours, all_of(target, lambda answer: answer.total_ms, full))
            for target in names
            if target != INFILL
        },
        samples,
    )
