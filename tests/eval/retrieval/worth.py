"""What blocks are worth to a model: how probable the expected line is with and without them, in pairs."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec
import numpy as np

from lsp_server.engine.backends.llama.backend import LlamaBackend
from lsp_server.measure.stats import mean_interval
from lsp_server.settings.model import Settings
from lsp_server.text.excerpts import Block
from tests.eval.prompts import Prompts
from tests.eval.retrieval.blocks import SEED, ProjectBench, RetrievalTarget, locate
from tests.eval.scoring import Scorer
from tests.eval.targets import target_at

Outcome = tuple[float, bool]  # nats a byte of the expected line, and whether the model wrote it


class Worth(msgspec.Struct):
    """Means over the same holes. Differences are with blocks less without: (mean, low, high) of 95 percent.

    `nats` is the log-probability of the expected line in nats a byte.
    """

    num_holes: int
    nats: float
    nats_without: float
    nats_difference: tuple[float, float, float]
    exact: float
    exact_without: float
    exact_difference: tuple[float, float, float]


def measure(
    backend: LlamaBackend, packages: Mapping[str, tuple[str, str]], max_holes: int, say: Callable[[str], None]
) -> Worth:
    """Measure with one model, whose backend has one sequence for the anchor and one for the prompt."""
    rng = random.Random(SEED)
    prompts, scorer = Prompts(backend), Scorer(backend)
    outcomes: list[tuple[Outcome, Outcome]] = []
    for name, where in packages.items():
        with tempfile.TemporaryDirectory(prefix="infill-retrieval-") as folder:
            project = ProjectBench.of_copy(name, locate(name, *where), Path(folder))
            for hole in project.holes(max_holes, rng):
                say(f"{name}: {len(outcomes)} lines")
                blocks = dict(project.ways(hole, rng))["infill"](Settings().context.max_tokens)
                with_blocks = _outcome(prompts, scorer, hole, tuple(blocks))
                without = _outcome(prompts, scorer, hole, ())
                if with_blocks and without:
                    outcomes.append((with_blocks, without))
            project.close()
    return _summarise(outcomes)


def _outcome(prompts: Prompts, scorer: Scorer, hole: RetrievalTarget, blocks: tuple[Block, ...]) -> Outcome | None:
    """Nats a byte of the expected line, and whether the model writes it. None where the prompt does not fit."""
    module = hole.need.path.removesuffix(".py").replace("/", ".")
    lines = [f"{line}\n" for line in hole.whole.split("\n")]
    column = len(lines[hole.need.line]) - len(hole.expected) - 1
    variants = prompts.of(target_at("line", module, lines, hole.need.line, column), blocks)
    if variants is None:
        return None
    scorer.hold_anchor(variants.anchor)
    [score], first = scorer.score([variants.healed])
    [written] = scorer.write([variants.healed], first)
    return score / len(f"{hole.expected}\n".encode()), written.text == hole.expected


def _summarise(outcomes: list[tuple[Outcome, Outcome]]) -> Worth:
    nats = np.array([(with_blocks[0], without[0]) for with_blocks, without in outcomes])
    exact = np.array([(with_blocks[1], without[1]) for with_blocks, without in outcomes], dtype=float)
    lines = np.arange(len(outcomes))
    return Worth(
        num_holes=len(outcomes),
        nats=float(nats[:, 0].mean()),
        nats_without=float(nats[:, 1].mean()),
        nats_difference=mean_interval(nats[:, 0] - nats[:, 1], lines),
        exact=float(exact[:, 0].mean()),
        exact_without=float(exact[:, 1].mean()),
        exact_difference=mean_interval(exact[:, 0] - exact[:, 1], lines),
    )
