"""Tasks of programs with holes: filled by the whole pipeline, and then run with their tests."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Literal, get_args

from lsp_server.base.errors import EngineError
from lsp_server.completion.pipeline import Pipeline
from lsp_server.completion.request import CompletionRequest
from lsp_server.engine.client.interface import EngineClient
from lsp_server.settings.model import CompletionSettings, Settings
from tests.eval.infilling.oracle import Oracle, OracleEngine, OracleTexts
from tests.eval.infilling.sandbox import Verdict, run_program
from tests.eval.infilling.tasks import POSITIONS, Task

# How a shown text compares with the expected one, without white space at the end: where it was cut, if not exact.
Comparison = Literal["exact", "too early", "too late", "other"]
COMPARISONS: tuple[Comparison, ...] = get_args(Comparison)
FAILURES = ("wrong", "error", "timed out", "nothing offered")

# Holes of these tasks have more lines than a completion in an editor should have.
MAX_LINES = 40
MAX_TOKENS = 512

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Attempt:
    """The text that was shown for a task, and how its program ended, if it was run.

    `may_go_on`: a longer text would be as right. It is known of oracles only (`OracleTexts.may_go_on`).
    """

    task: Task
    shown: str
    may_go_on: bool = False
    verdict: Verdict | None = None

    @property
    def outcome(self) -> str:
        """`passed`, or one of `FAILURES`."""
        if not self.shown.strip():
            return "nothing offered"
        return self.verdict.kind if self.verdict else ""

    @property
    def comparison(self) -> Comparison:
        """How the shown text compares with the expected one."""
        return compare(self.shown, self.task.expected)


def compare(shown: str, expected: str) -> Comparison:
    """How a shown text compares with the expected one."""
    shown, expected = shown.rstrip(), expected.rstrip()
    if shown == expected:
        return "exact"
    if expected.startswith(shown):
        return "too early"
    return "too late" if shown.startswith(expected) else "other"


@dataclass(frozen=True, slots=True)
class Passed:
    """The share of programs that passed their tests, and the others by `FAILURES`."""

    num_tasks: int
    pass_at_1: float
    failures: dict[str, int]


@dataclass(frozen=True, slots=True)
class PositionRow:
    """Tasks of one position, or all tasks. `exact` is a share from 0 to 1, `counts` are by `Comparison`."""

    name: str
    num_tasks: int
    exact: float
    counts: dict[str, int]


@dataclass(frozen=True, slots=True)
class InfillingResult:
    """The results of all tasks: `passed` if programs were run, and `rows` by position, the last for all tasks.

    `decidable` counts only tasks of an oracle for which a longer text would be wrong.
    """

    passed: Passed | None
    rows: list[PositionRow]
    decidable: PositionRow | None


def settings_for(settings: Settings, multi_line: Literal["auto", "always", "never"]) -> Settings:
    """Settings with enough lines and tokens for the holes of such tasks."""
    completion = CompletionSettings(multi_line=multi_line, max_lines=MAX_LINES, max_tokens=MAX_TOKENS)
    return Settings(model=settings.model, completion=completion, engine=settings.engine, context=settings.context)


async def complete(engine: EngineClient, settings: Settings, tasks: Sequence[Task], say: Say) -> list[Attempt]:
    """Attempts of a model at every task. Raises `EngineError`, or `ModelError` if the model cannot serve."""
    await engine.ready()
    pipeline = Pipeline(engine, settings)
    attempts = []
    for number, task in enumerate(tasks, 1):
        say(f"{task.name} {number}/{len(tasks)}")
        attempts.append(await _attempt(pipeline, task))
    return attempts


async def complete_as(oracle: Oracle, settings: Settings, tasks: Sequence[Task], say: Say) -> list[Attempt]:
    """Attempts of an oracle at every task."""
    engine = OracleEngine()
    texts = OracleTexts(oracle, tasks)
    pipeline = Pipeline(engine, settings)
    attempts = []
    for number, task in enumerate(tasks, 1):
        say(f"{task.name} {number}/{len(tasks)}")
        engine.text = texts.of(task)
        attempt = await _attempt(pipeline, task)
        attempts.append(replace(attempt, may_go_on=texts.may_go_on(task)))
    return attempts


async def _attempt(pipeline: Pipeline, task: Task) -> Attempt:
    snapshot = task.snapshot()
    answer = await pipeline.complete(snapshot, lambda: (), CompletionRequest("command"))
    pipeline.forget(snapshot.uri)
    if answer.error:
        raise EngineError(f"{task.name}: {answer.error}")
    return Attempt(task, answer.text)


def run_all(attempts: Sequence[Attempt], timeout_s: float, say: Say) -> list[Attempt]:
    """Run the programs of all attempts that have a text, as many at once as there are processors."""

    def run(attempt: Attempt) -> Attempt:
        if not attempt.shown.strip():
            return attempt
        return replace(attempt, verdict=run_program(attempt.task.program(attempt.shown), timeout_s))

    done = []
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for number, attempt in enumerate(pool.map(run, attempts), 1):
            say(f"{attempt.task.name} run {number}/{len(attempts)}")
            done.append(attempt)
    return done


def summarise(attempts: Sequence[Attempt], *, oracle: bool, has_run: bool) -> InfillingResult:
    """The figures of all attempts."""
    rows = [
        _row(position, some)
        for position in POSITIONS
        if (some := [each for each in attempts if each.task.position == position])
    ]
    decidable = [each for each in attempts if not each.may_go_on]
    return InfillingResult(
        _passed(attempts) if has_run else None,
        [*rows, _row("all", attempts)],
        _row("decidable", decidable) if oracle and len(decidable) < len(attempts) else None,
    )


def _passed(attempts: Sequence[Attempt]) -> Passed:
    outcomes = Counter(each.outcome for each in attempts)
    failures = {kind: outcomes[kind] for kind in FAILURES}
    return Passed(len(attempts), outcomes["passed"] / len(attempts), failures)


def _row(name: str, attempts: Iterable[Attempt]) -> PositionRow:
    counts = Counter(each.comparison for each in attempts)
    num_tasks = counts.total()
    share = counts["exact"] / num_tasks if num_tasks else 0.0
    return PositionRow(name, num_tasks, share, {kind: counts[kind] for kind in COMPARISONS})
