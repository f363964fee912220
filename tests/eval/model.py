"""How good a model is at every hole of the list: with infill's prompt, with a fresh prompt, and beside an n-gram."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from lsp_server.context.gate import named
from lsp_server.context.nearest_files import choose_nearest_files
from lsp_server.engine.backends.llama.backend import LlamaBackend
from lsp_server.measure.stats import mean_interval
from lsp_server.settings.model import Settings
from tests.eval import ngram
from tests.eval.prompts import Prompts, Variants
from tests.eval.scoring import ANSWER_TOKENS, Prompt, Scorer
from tests.eval.targets import KINDS, EvalTarget, find_targets, neighbours_of, read_places, trained_texts

# One for the anchor, and one for each prompt of a hole.
NUM_SEQUENCES = 3
# The row of all half lines. Those of the project are without its other files here.
ALL_HALVES = "half line, all"

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of one prompt.

    `nats` is the log-probability of the expected text, in nats a byte. `is_exact`: the model wrote that text.
    `has_ended`: the model ended its text where the hole ends.
    """

    nats: float
    is_exact: bool
    has_ended: bool


@dataclass(frozen=True, slots=True)
class Found:
    """The results of a hole. `with_neighbours` is with the other files of its project, where it has some."""

    hole: EvalTarget
    infill: Outcome
    fresh: Outcome
    with_neighbours: Outcome | None
    counting_is_exact: bool


@dataclass(frozen=True, slots=True)
class Comparison:
    """Means of one kind of prompt and of another, over the same holes.

    Shares run from 0 to 1. Differences are paired: (mean, low, high) of 95 percent.
    """

    num_holes: int
    exact: float
    other_exact: float
    nats: float
    other_nats: float
    exact_difference: tuple[float, float, float]
    nats_difference: tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class TargetRow:
    """A kind of holes: infill's prompt compared with a fresh one.

    `counting_exact` is the share that the n-gram wrote exactly. `ends_by_itself` is the share of texts of infill's
    prompt that the model ended where the hole ends.
    """

    name: str
    over_fresh: Comparison
    counting_exact: float
    ends_by_itself: float


@dataclass(frozen=True, slots=True)
class ModelResult:
    """Rows by kind, of the standard library's modules, and one of all half lines.

    `with_neighbours` compares a project's holes with its other files in the prompt and without. `num_left_out` holes
    of the list are not in this Python, or their prompts do not fit the context.
    """

    rows: list[TargetRow]
    with_neighbours: Comparison | None
    num_left_out: int


def measure(backend: LlamaBackend, max_of_a_kind: int | None, say: Say) -> ModelResult:
    """Evaluate a model whose backend has `NUM_SEQUENCES` sequences, at the most places of each kind, None for all."""
    places = read_places()
    held_out = {place.module for place in places}
    chosen = [
        place
        for kind in KINDS
        for in_project in (False, True)
        for place in [each for each in places if each.kind == kind and each.in_project == in_project][:max_of_a_kind]
    ]
    say("counting")
    counting = ngram.NGram([token for text in trained_texts(held_out) for token in backend.tokenize(text)])
    evaluation = _Evaluation(backend, counting)
    holes = find_targets(chosen)
    found: list[Found] = []
    for number, hole in enumerate(holes, 1):
        say(f"{hole.module} {number}/{len(holes)}")
        if result := evaluation.of(hole):
            found.append(result)
    return summarise(found, len(chosen) - len(found))


class _Evaluation:
    def __init__(self, backend: LlamaBackend, counting: ngram.NGram) -> None:
        self._backend = backend
        self._counting = counting
        self._prompts = Prompts(backend)
        self._scorer = Scorer(backend)

    def of(self, hole: EvalTarget) -> Found | None:
        """The results of a hole, None where the context is too short to compare prompts."""
        variants = self._prompts.of(hole)
        if variants is None:
            return None
        infill, fresh = self._outcomes(hole, variants, [variants.healed, variants.fresh])
        with_neighbours = None
        if neighbours := neighbours_of(hole):
            blocks = choose_nearest_files(hole.snapshot(), named(neighbours), Settings().context.max_tokens)
            if among_files := self._prompts.of(hole, blocks):
                [with_neighbours] = self._outcomes(hole, among_files, [among_files.healed])
        return Found(hole, infill, fresh, with_neighbours, self._count(hole) == hole.expected)

    def _outcomes(self, hole: EvalTarget, variants: Variants, prompts: Sequence[Prompt]) -> list[Outcome]:
        self._scorer.hold_anchor(variants.anchor)
        scores, first = self._scorer.score(prompts)
        written = self._scorer.write(prompts, first)
        size = len(f"{hole.expected}\n".encode())
        return [
            Outcome(score / size, each.text == hole.expected, each.has_ended)
            for score, each in zip(scores, written, strict=True)
        ]

    def _count(self, hole: EvalTarget) -> str:
        typed = hole.typed.rstrip(" ")
        rest = hole.typed[len(typed) :]
        before = self._backend.tokenize(hole.before + typed)
        return ngram.write_line(self._counting, before, rest.encode(), self._backend.piece, ANSWER_TOKENS)


def summarise(found: Sequence[Found], num_left_out: int) -> ModelResult:
    """Rows by kind, the row of all half lines, and the comparison for the project."""
    alone = [each for each in found if each.with_neighbours is None]
    rows = [_row(kind, some) for kind in KINDS if (some := [each for each in alone if each.hole.kind == kind])]
    halves = [each for each in found if each.hole.kind == "half line"]
    if halves:
        rows.append(_row(ALL_HALVES, halves))
    both = [(each.hole, each.with_neighbours, each.infill) for each in found if each.with_neighbours is not None]
    return ModelResult(rows, _compare(both) if both else None, num_left_out)


def _row(name: str, found: Sequence[Found]) -> TargetRow:
    return TargetRow(
        name,
        _compare([(each.hole, each.infill, each.fresh) for each in found]),
        float(np.mean([each.counting_is_exact for each in found])),
        float(np.mean([each.infill.has_ended for each in found])),
    )


def _compare(pairs: Sequence[tuple[EvalTarget, Outcome, Outcome]]) -> Comparison:
    lines = np.unique([f"{hole.module} {hole.line}" for hole, _, _ in pairs], return_inverse=True)[1]
    ours, others = [pair[1] for pair in pairs], [pair[2] for pair in pairs]
    exact, other_exact = (np.array([each.is_exact for each in side], dtype=float) for side in (ours, others))
    nats, other_nats = (np.array([each.nats for each in side]) for side in (ours, others))
    return Comparison(
        len(pairs),
        float(exact.mean()),
        float(other_exact.mean()),
        float(nats.mean()),
        float(other_nats.mean()),
        mean_interval(np.subtract(exact, other_exact), lines),
        mean_interval(np.subtract(nats, other_nats), lines),
    )
