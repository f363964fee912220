"""`infill eval model`: every hole of the list, as infill asks, as a fresh prompt asks, and by counting."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from lsp_server.context.nearest_files import choose_nearest_files
from lsp_server.engine.backends.llama.backend import LlamaBackend
from lsp_server.evaluation import ngram
from lsp_server.evaluation.holes import KINDS, Hole, find_holes, neighbours_of, read_places, trained_texts
from lsp_server.evaluation.intervals import mean_interval
from lsp_server.evaluation.prompts import Prompts, Variants
from lsp_server.evaluation.scoring import ANSWER_TOKENS, Prompt, Scorer
from lsp_server.settings.model import Settings

# Each in a sequence of its own, behind the one that holds the anchor.
NUM_SEQUENCES = 3
# The row of all half lines: those of the standard library, and the project's without its other files.
ALL_HALVES = "half line, all"

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one prompt: log-probability of the truth, in nats a byte; whether it was written; whether the text
    ended there by itself."""

    nats: float
    is_exact: bool
    has_ended: bool


@dataclass(frozen=True, slots=True)
class Found:
    """What came of a hole: with its project's other files, where it has some, and by counting, too."""

    hole: Hole
    infill: Outcome
    fresh: Outcome
    with_neighbours: Outcome | None
    counting_is_exact: bool


@dataclass(frozen=True, slots=True)
class Comparison:
    """Means of one way of asking and of another, over the same holes.

    Shares run from 0 to 1; differences are paired, (mean, low, high) of 95 percent.
    """

    num_holes: int
    exact: float
    other_exact: float
    nats: float
    other_nats: float
    exact_difference: tuple[float, float, float]
    nats_difference: tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Row:
    """A kind of holes: as infill asks, compared with a fresh prompt; shares of what counting wrote exactly, and of
    texts of infill's that ended by themselves where the hole does."""

    name: str
    over_fresh: Comparison
    counting_exact: float
    ends_by_itself: float


@dataclass(frozen=True, slots=True)
class ModelResult:
    """Rows by kind, of the standard library's modules, and one of all half lines; a project's holes with its other
    files in the prompt compared with without; and how many holes of the list were not found in this Python or did not
    fit the window."""

    rows: list[Row]
    with_neighbours: Comparison | None
    num_left_out: int


def measure(backend: LlamaBackend, most_of_a_kind: int | None, say: Say) -> ModelResult:
    """Evaluate a model whose backend has `NUM_SEQUENCES` sequences."""
    places = read_places()
    held_out = {place.module for place in places}
    chosen = [
        place
        for kind in KINDS
        for in_project in (False, True)
        for place in [each for each in places if each.kind == kind and each.in_project == in_project][:most_of_a_kind]
    ]
    say("counting")
    counting = ngram.NGram([token for text in trained_texts(held_out) for token in backend.tokenize(text)])
    evaluation = _Evaluation(backend, counting)
    holes = find_holes(chosen)
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

    def of(self, hole: Hole) -> Found | None:
        """What comes of a hole; None where the window is too small to compare prompts in."""
        variants = self._prompts.of(hole)
        if variants is None:
            return None
        infill, fresh = self._outcomes(hole, variants, [variants.healed, variants.fresh])
        with_neighbours = None
        if neighbours := neighbours_of(hole):
            blocks = choose_nearest_files(hole.snapshot(), neighbours, Settings().context.max_tokens)
            if among_files := self._prompts.of(hole, blocks):
                [with_neighbours] = self._outcomes(hole, among_files, [among_files.healed])
        return Found(hole, infill, fresh, with_neighbours, self._count(hole) == hole.truth)

    def _outcomes(self, hole: Hole, variants: Variants, prompts: Sequence[Prompt]) -> list[Outcome]:
        self._scorer.hold_anchor(variants.anchor)
        scores, first = self._scorer.score(prompts)
        written = self._scorer.write(prompts, first)
        size = len(f"{hole.truth}\n".encode())
        return [
            Outcome(score / size, each.text == hole.truth, each.has_ended)
            for score, each in zip(scores, written, strict=True)
        ]

    def _count(self, hole: Hole) -> str:
        typed = hole.typed.rstrip(" ")
        rest = hole.typed[len(typed) :]
        before = self._backend.tokenize(hole.before + typed)
        return ngram.write_line(self._counting, before, rest.encode(), self._backend.piece, ANSWER_TOKENS)


def summarise(found: Sequence[Found], num_left_out: int) -> ModelResult:
    """Rows by kind, that of all half lines, and the project's."""
    alone = [each for each in found if each.with_neighbours is None]
    rows = [_row(kind, some) for kind in KINDS if (some := [each for each in alone if each.hole.kind == kind])]
    halves = [each for each in found if each.hole.kind == "half line"]
    if halves:
        rows.append(_row(ALL_HALVES, halves))
    both = [(each.hole, each.with_neighbours, each.infill) for each in found if each.with_neighbours is not None]
    return ModelResult(rows, _compare(both) if both else None, num_left_out)


def _row(name: str, found: Sequence[Found]) -> Row:
    return Row(
        name,
        _compare([(each.hole, each.infill, each.fresh) for each in found]),
        float(np.mean([each.counting_is_exact for each in found])),
        float(np.mean([each.infill.has_ended for each in found])),
    )


def _compare(pairs: Sequence[tuple[Hole, Outcome, Outcome]]) -> Comparison:
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
