"""`infill eval infilling`: tasks through the whole pipeline, and what their programs do when they are run."""

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
from lsp_server.evaluation.oracle import Oracle, OracleEngine, OracleTexts
from lsp_server.evaluation.sandbox import Verdict, run_program
from lsp_server.evaluation.tasks import POSITIONS, Task
from lsp_server.settings.model import CompletionSettings, Settings

# How a shown text compares with the truth, white space at the end left out: too early and too late are cut there.
Comparison = Literal["exact", "too early", "too late", "other"]
COMPARISONS: tuple[Comparison, ...] = get_args(Comparison)
FAILURES = ("wrong", "error", "timed out", "nothing offered")

# Holes of these tasks go over more lines than a completion in an editor should have.
MAX_LINES = 40
MAX_TOKENS = 512

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Attempt:
    """What was shown for a task, and how its program ended, if it was run.

    Of an oracle it is known whether going on was as right as stopping (`OracleTexts.may_go_on`).
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
        """With the truth."""
        shown, truth = self.shown.rstrip(), self.task.truth.rstrip()
        if shown == truth:
            return "exact"
        if truth.startswith(shown):
            return "too early"
        return "too late" if shown.startswith(truth) else "other"


@dataclass(frozen=True, slots=True)
class Passed:
    """How many programs passed their tests, the others by how they failed; what was shown exactly is in it."""

    num_tasks: int
    pass_at_1: float
    failures: dict[str, int]


@dataclass(frozen=True, slots=True)
class Row:
    """Tasks of one position, or all of them: shares run from 0 to 1, counts are by `Comparison`."""

    name: str
    num_tasks: int
    exact: float
    counts: dict[str, int]


@dataclass(frozen=True, slots=True)
class InfillingResult:
    """What came of all tasks: `passed` if programs were run; `rows` by position, the last of all.

    `decidable` are those tasks of an oracle whose text, had it been longer, would not have been right, too.
    """

    passed: Passed | None
    rows: list[Row]
    decidable: Row | None


def settings_for(settings: Settings, multi_line: Literal["auto", "always", "never"]) -> Settings:
    """Settings with room for the holes of such tasks."""
    completion = CompletionSettings(multi_line=multi_line, max_lines=MAX_LINES, max_tokens=MAX_TOKENS)
    return Settings(model=settings.model, completion=completion, engine=settings.engine, context=settings.context)


async def complete(engine: EngineClient, settings: Settings, tasks: Sequence[Task], say: Say) -> list[Attempt]:
    """Have a model answer every task. Raises `EngineError`, or the `ModelError` that keeps the model from serving."""
    await engine.ready()
    pipeline = Pipeline(engine, settings)
    attempts = []
    for number, task in enumerate(tasks, 1):
        say(f"{task.name} {number}/{len(tasks)}")
        attempts.append(await _attempt(pipeline, task))
    return attempts


async def complete_as(oracle: Oracle, settings: Settings, tasks: Sequence[Task], say: Say) -> list[Attempt]:
    """The same with an oracle for a model."""
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
    """Figures of all attempts."""
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


def _row(name: str, attempts: Iterable[Attempt]) -> Row:
    counts = Counter(each.comparison for each in attempts)
    num_tasks = counts.total()
    share = counts["exact"] / num_tasks if num_tasks else 0.0
    return Row(name, num_tasks, share, {kind: counts[kind] for kind in COMPARISONS})
