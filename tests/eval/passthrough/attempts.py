"""What a completion request makes of a right text: every hole goes through the pipeline, with an oracle as engine."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from lsp_server.base.errors import EngineError
from lsp_server.completion.pipeline import Pipeline
from lsp_server.completion.request import CompletionRequest
from lsp_server.settings.model import Settings
from tests.eval.infilling.attempts import Comparison, compare, settings_for
from tests.eval.infilling.oracle import OracleEngine
from tests.eval.passthrough.holes import Hole

# Both write the expected text. exact: stops then. runs-on: goes on with what follows in the file.
Oracle = Literal["exact", "runs-on"]
Share = Literal["middle", "ends", "running on"]
SHARES: tuple[Share, ...] = get_args(Share)
AIMS: dict[Share, float] = {"middle": 0.995, "ends": 0.99, "running on": 0.98}
# White space at the end is not compared.
_FORGIVEN = ("nothing to do", "drop trailing space")


@dataclass(frozen=True, slots=True)
class Attempt:
    """The text that was shown for a hole. `rules`: what ended it, if not the model, and the filters that changed it."""

    hole: Hole
    oracle: Oracle
    shown: str
    rules: tuple[str, ...]

    @property
    def share(self) -> Share:
        """Which share it counts for."""
        if self.oracle == "runs-on":
            return "running on"
        return "ends" if self.hole.kind == "at the end" else "middle"

    @property
    def comparison(self) -> Comparison:
        """How the shown text compares with the expected one."""
        return compare(self.shown, self.hole.expected)

    @property
    def is_right(self) -> bool:
        """Whether the text is the expected one, or as right."""
        return self.comparison == "exact" or (self.oracle == "runs-on" and self._is_as_right)

    @property
    def _is_as_right(self) -> bool:
        """Whether nobody can tell that a text of a model that runs on ended too late, or too early.

        Too late: at an end, the hole may go on, and the text ends where a line ends. Too early: the two lines below the
        cursor stand in the expected text, too.
        """
        truth = self.hole.expected + self.hole.follows
        if self.comparison == "too late":
            rest = truth[len(self.shown) :]
            return self.hole.may_go_on and truth.startswith(self.shown) and (not rest or rest.startswith("\n"))
        below = _lines(self.hole.after.partition("\n")[2])[:2]
        lost = _lines(self.hole.expected[len(self.shown.rstrip()) :])
        return self.comparison == "too early" and bool(below) and lost[: len(below)] == below


def _lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.split("\n") if line.strip()]


@dataclass(frozen=True, slots=True)
class LanguageRow:
    """The shares of a language from 0 to 1, and of how many texts. `cuts` counts failures by rule."""

    language: str
    shares: dict[str, float]
    counts: dict[str, int]
    cuts: dict[str, int]


@dataclass(frozen=True, slots=True)
class Failure:
    """A text that was not shown as it should be."""

    share: Share
    hole: str
    kind: str
    comparison: Comparison
    rule: str


async def attempt_all(holes: Sequence[Hole], oracle: Oracle, say: Callable[[str], None]) -> list[Attempt]:
    """Fill every hole. Texts may have as many lines and tokens as the largest hole."""
    engine = OracleEngine()
    pipeline = Pipeline(engine, settings_for(Settings(), "auto"))
    attempts = []
    for number, hole in enumerate(holes, 1):
        say(f"{hole.file.language}, {oracle} {number}/{len(holes)}")
        engine.text = written(oracle, hole)
        snapshot = hole.snapshot()
        answer = await pipeline.complete(snapshot, lambda: (), CompletionRequest("command"))
        pipeline.forget(snapshot.uri)
        if answer.error:
            raise EngineError(f"{hole.name}: {answer.error}")
        filters = next((line.summary for line in answer.trace.lines if line.stage == "filters"), "nothing to do")
        ended = () if answer.reason == "end" else (answer.reason,)
        changed = [each for each in filters.split(", ") if each not in _FORGIVEN]
        attempts.append(Attempt(hole, oracle, answer.text, (*ended, *changed)))
    return attempts


def written(oracle: Oracle, hole: Hole) -> str:
    """All that the oracle writes, if nothing stops it. At an end it ends its last line, as many models do."""
    if oracle == "runs-on":
        return hole.expected + hole.follows
    return hole.expected if hole.after else f"{hole.expected}\n"


def row_of(language: str, attempts: Iterable[Attempt]) -> LanguageRow:
    """The figures of a language, or of all."""
    counts: Counter[str] = Counter()
    right: Counter[str] = Counter()
    cuts: Counter[str] = Counter()
    for attempt in attempts:
        counts[attempt.share] += 1
        if attempt.is_right:
            right[attempt.share] += 1
        else:
            cuts[rule_of(attempt)] += 1
    shares: dict[str, float] = {share: right[share] / counts[share] for share in SHARES if counts[share]}
    return LanguageRow(language, shares, dict(counts), dict(cuts.most_common()))


def failure_of(attempt: Attempt) -> Failure:
    """What is recorded of a failure."""
    return Failure(attempt.share, attempt.hole.name, attempt.hole.kind, attempt.comparison, rule_of(attempt))


def rule_of(attempt: Attempt) -> str:
    """The rules behind a text, or that none ended it."""
    return " + ".join(attempt.rules) or "no rule"
