"""Whether anchored fill is as good as a fresh prompt.

A hole is cut at a random place inside a code line of a module that the embedded model never saw; the expected is the rest
of the line. Three prompts are compared on the same holes, with the very same text around the cursor:

fresh      all of the line so far stands before the suffix marker
anchored   the line so far stands behind the middle marker, in the tokens it has by itself
healed     as anchored, its last tokens taken back and the next ones bound to agree with them: what infill does

Reported: the log-probability per byte of the expected and the line break that ends it, in nats, and how often greedy
writing gives exactly the expected. Differences are paired; [mean, low, high] is a bootstrap 95% interval over lines.
The hole ends with the line's break; or the break stays in the suffix, as it does in an editor, and then whatever ends
the line ends the expected: a break, or the end of the text.
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

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Found:
    """What came of a hole: by variant, nats per byte and whether the expected was written."""

    hole: EvalTarget
    nats: tuple[float, ...]
    exact: tuple[bool, ...]


def measure(hole: EvalTarget, prompts: Prompts, scorer: Scorer, *, break_follows: bool) -> Found | None:
    """What comes of a hole; None where the prompts would differ in their text."""
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
        rows[f"{where}, all"] = summarize(found)
        for place in ("between words", "inside a word"):
            rows[f"{where}, {place}"] = summarize([each for each in found if each.hole.kind == place])
        rows[f"{where}, after a space"] = summarize([each for each in found if each.hole.typed.endswith(" ")])
    rows["took"] = {"minutes": round((time.monotonic() - began) / 60, 1), "window": backend.info.context_tokens,
                    "model": backend.info.name}  # fmt: skip
    return rows
