"""Whether anchored fill is as good as a fresh prompt.

A hole begins at a random place inside a code line of a module that the embedded model never saw. The expected text is
the rest of the line. Three prompts with equal text around the cursor are compared on the same holes:

fresh      the line so far stands before the suffix marker
anchored   the line so far stands after the middle marker, tokenised by itself
healed     as anchored, but its last tokens are removed and the next ones must agree with their text, as infill does

Reported are the log-probability of the expected text and the line break after it, in nats a byte, and how often the
greedy text is exactly the expected one. Differences are paired. [mean, low, high] is a bootstrap 95% interval over
lines. In one half of the rows the hole ends with the line's break. In the other the break stays in the suffix, as in an
editor. Then every token that ends the line ends the expected text: a line break, or the end of the text.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from lsp_server.engine.backends.llama.backend import LlamaBackend
from lsp_server.measure.stats import mean_interval
from tests.eval.choose_targets import random_cuts
from tests.eval.prompts import Prompts
from tests.eval.scoring import Scorer
from tests.eval.targets import EvalTarget

VARIANTS = ("fresh", "anchored", "healed")
CUTS = ("between words", "inside a word")

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Found:
    """The results of a hole by variant: nats a byte, and whether the model wrote the expected text."""

    hole: EvalTarget
    nats: tuple[float, ...]
    exact: tuple[bool, ...]


def measure(hole: EvalTarget, prompts: Prompts, scorer: Scorer, *, break_follows: bool) -> Found | None:
    """The results of a hole, None where the prompts would differ in their text."""
    variants = prompts.of(hole, break_follows=break_follows)
    if variants is None:
        return None
    scorer.hold_anchor(variants.anchor)
    three = [getattr(variants, name) for name in VARIANTS]
    scores, first = scorer.score(three, break_follows=break_follows)
    written = scorer.write(three, first)
    size = len(f"{hole.expected}\n".encode())
    return Found(hole, tuple(score / size for score in scores), tuple(each.text == hole.expected for each in written))


def summarize(found: list[Found]) -> dict[str, Any]:
    """Means, and paired differences with intervals, over some holes."""
    summary: dict[str, Any] = {"holes": len(found)}
    nats, exact = (np.array([getattr(each, what) for each in found], dtype=float) for what in ("nats", "exact"))
    lines = np.unique([f"{each.hole.module} {each.hole.line}" for each in found], return_inverse=True)[1]
    for what, values in (("nats/byte", nats), ("exact", exact)):
        for index, name in enumerate(VARIANTS):
            summary[f"{name} {what}"] = round(float(values[:, index].mean()), 4)
        for mine, other in ((1, 0), (2, 0), (2, 1)):
            interval = mean_interval(values[:, mine] - values[:, other], lines)
            summary[f"{VARIANTS[mine]} - {VARIANTS[other]} {what}"] = [round(value, 4) for value in interval]
    return summary


def measure_all(backend: LlamaBackend, num_holes: int, say: Say) -> dict[str, dict[str, Any]]:
    """Rows by where the line's break stands and where the line is cut."""
    prompts, scorer = Prompts(backend, anchored=True), Scorer(backend)
    holes = random_cuts(num_holes)
    rows: dict[str, dict[str, Any]] = {}
    began = time.monotonic()
    for break_follows, where in ((False, "break in the hole"), (True, "break in the suffix")):
        say(where)
        measured = [measure(hole, prompts, scorer, break_follows=break_follows) for hole in holes]
        found = [each for each in measured if each is not None]
        groups = {"all": found}
        groups |= {kind: [each for each in found if each.hole.kind == kind] for kind in CUTS}
        groups["after a space"] = [each for each in found if each.hole.typed.endswith(" ")]
        rows |= {f"{where}, {name}": summarize(group) for name, group in groups.items() if group}
    rows["took"] = {"minutes": round((time.monotonic() - began) / 60, 1), "window": backend.info.context_tokens,
                    "model": backend.info.name}  # fmt: skip
    return rows
