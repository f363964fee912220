"""What coming back to a file costs: files in turn, more than the cache has room for, beside the baseline."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from lsp_server.measure.corpus import Corpus
from lsp_server.measure.stats import Ratio, Spread, ratio, spread
from lsp_server.measure.targets import BASELINE, INFILL, Answer, Target

TOKENS = 4  # of each answer, whose first text is measured


@dataclass(slots=True)
class Visit:
    """One return to a file: the answers by target, of the first visit and of the return."""

    cold: dict[str, Answer] = field(default_factory=dict)
    back: dict[str, Answer] = field(default_factory=dict)


@dataclass(slots=True)
class RevisitResult:
    """By target: milliseconds to the first text, of the first visit and of a return, and the ratio of these two.

    `over` is the ratio of infill's returns to the baseline's. Answers without text do not count.
    """

    num_files: int
    cold_ms: dict[str, Spread | None]
    back_ms: dict[str, Spread | None]
    evaluated_tokens: dict[str, Spread | None]
    over_cold: dict[str, Ratio | None]
    over: Ratio | None
    visits: list[Visit]


async def measure(
    corpus: Corpus, targets: Sequence[Target], num_files: int, rounds: int, say: Callable[[str], None]
) -> RevisitResult:
    """Every target visits all files in order, and then `rounds` times again."""
    views = [corpus.page().view() for _ in range(num_files)]
    cold: list[dict[str, Answer]] = []
    visits: list[Visit] = []
    for round_number in range(rounds + 1):
        for number, view in enumerate(views):
            say(f"file {number + 1}/{num_files}, {f'return {round_number}/{rounds}' if round_number else 'cold'}")
            answers: dict[str, Answer] = {}
            for target in targets[:: 1 if number % 2 == 0 else -1]:
                answers[target.name] = await target.complete(view, TOKENS, lambda _: None)
                await target.settle()
            if round_number:
                visits.append(Visit(cold[number], answers))
            else:
                cold.append(answers)
    return _summarise(num_files, [target.name for target in targets], visits)


def _summarise(num_files: int, names: Sequence[str], visits: list[Visit]) -> RevisitResult:
    with_text = [
        visit
        for visit in visits
        if all(answer.first_text_ms for answers in (visit.cold, visit.back) for answer in answers.values())
    ]
    cold = {name: [visit.cold[name].first_text_ms for visit in with_text] for name in names}
    back = {name: [visit.back[name].first_text_ms for visit in with_text] for name in names}
    return RevisitResult(
        num_files,
        {name: spread(cold[name]) for name in names},
        {name: spread(back[name]) for name in names},
        {name: spread([visit.back[name].evaluated_tokens for visit in with_text]) for name in names},
        {name: ratio(back[name], cold[name]) for name in names},
        ratio(back[INFILL], back[BASELINE]) if BASELINE in names else None,
        visits,
    )
