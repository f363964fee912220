"""Is anchored fill as good as a fresh prompt? `python tests/eval/anchored.py [--holes N] [--record]`.

Holes are cut at random places inside code lines of modules that the embedded model never saw; the true middle is the
rest of the line. Three prompts are compared on the same holes:

fresh      everything before the cursor stands before the suffix marker
anchored   the line so far stands behind the middle marker, in the tokens it has by itself
healed     as anchored, with the last tokens taken back and the next ones bound to agree: what infill does

Reported: the log-probability per byte of the true rest of the line and its line break, in nats, and how often greedy
writing gives exactly that rest; differences are paired, with a bootstrap 95% interval.
"""

from __future__ import annotations

import argparse
import importlib.util
import math
import random
import re
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))

from lsp_server.catalog.resolve import embedded_model
from lsp_server.document import Document
from lsp_server.engine.backend import BatchToken
from lsp_server.engine.llama_backend import LlamaBackend
from lsp_server.engine.messages import EngineOptions, Generate, Sampling
from lsp_server.engine.placement import take_back
from lsp_server.engine.prepare import Preparer
from lsp_server.engine.reuse import common_prefix
from lsp_server.prompt.formats import format_for
from lsp_server.prompt.plan import plan_anchor
from tests.bench.record import report

HELD_OUT = ("argparse", "textwrap", "heapq", "dataclasses", "shlex", "queue", "bisect", "csv", "configparser",
            "fnmatch", "statistics", "graphlib", "cmd", "sched", "zipfile", "netrc")  # fmt: skip
RESULTS = Path(__file__).parent / "results"
VARIANTS = ("fresh", "anchored", "healed")
ANSWER_TOKENS = 40
SEED = 20261123


@dataclass(frozen=True)
class Hole:
    """A place in a file; `stratum` says what kind of place the cut is."""

    module: str
    text: str
    line: int
    character: int
    truth: str
    stratum: str


def find_holes(count: int) -> list[Hole]:
    """Random cuts, the same for every run."""
    chooser = random.Random(SEED)
    sources = {name: Path(importlib.util.find_spec(name).origin).read_text(encoding="utf-8") for name in HELD_OUT}
    places = [
        (name, number, line)
        for name, text in sources.items()
        for number, line in enumerate(text.split("\n"))
        if len(line.strip()) > 3 and any(map(str.isalnum, line)) and not line.lstrip().startswith("#")
    ]
    holes = []
    for name, number, line in chooser.choices(places, k=count):
        indent = len(line) - len(line.lstrip())
        cut = chooser.randrange(indent, len(line.rstrip()) - 1)
        inside = re.match(r"\w", line[cut]) and cut > 0 and re.match(r"\w", line[cut - 1])
        stratum = "inside a word" if inside else "after a space" if line[:cut].endswith(" ") else "between words"
        holes.append(Hole(name, sources[name], number, cut, line[cut:], stratum))
    return holes


class Scorer:
    """Evaluates prompts in one sequence, keeping what two prompts share."""

    def __init__(self, backend: LlamaBackend) -> None:
        self.backend = backend
        self.held: list[int] = []

    def evaluate(self, tokens: list[int], first_row: int) -> list[int]:
        """Bring tokens into the cache; returns, for each from `first_row` on, its row in the last decoded batch."""
        shared = min(common_prefix(self.held, tokens), first_row)
        self.backend.truncate(0, shared)
        assert len(tokens) - first_row <= self.backend.batch_tokens
        while shared < len(tokens):
            end = min(len(tokens), shared + self.backend.batch_tokens)
            if shared < first_row < len(tokens):
                end = min(end, first_row)
            batch = [BatchToken(tokens[at], at, 0, wants_logits=at >= first_row) for at in range(shared, end)]
            self.backend.decode(batch)
            shared = end
        self.held = list(tokens)
        return list(range(len(tokens) - first_row))

    def logprob(self, prompt: list[int], rest: bytes, continuation: list[int]) -> float:
        """Of a continuation; while `rest` lasts, among the tokens that agree with it."""
        rows = self.evaluate(prompt + continuation[:-1], len(prompt) - 1)
        total = 0.0
        for row, token in zip(rows, continuation, strict=True):
            total += self.backend.logprob(row, token)
            if rest:
                total -= self._log_mass(row, rest)
                rest = rest[len(self.backend.piece(token)) :]
        return total

    def _log_mass(self, row: int, rest: bytes) -> float:
        logits = self.backend._logits(row).astype(np.float64)
        allowed = logits[self.backend.vocabulary.agreeing_with(rest)]
        highest = logits.max()
        return math.log(np.exp(allowed - highest).sum()) - math.log(np.exp(logits - highest).sum())

    def write(self, prompt: list[int], rest: bytes) -> str:
        """The greedy rest of the line."""
        sampler = self.backend.new_sampler(Sampling())
        tokens, written = list(prompt), b""
        for _ in range(ANSWER_TOKENS):
            row = self.evaluate(tokens, len(tokens) - 1)[0]
            token = self.backend.sample(sampler, row, rest)
            piece = self.backend.piece(token)
            if self.backend.is_end(token):
                break
            taken = min(len(rest), len(piece))
            rest, written = rest[taken:], written + piece[taken:]
            tokens.append(token)
            if b"\n" in written:
                break
        self.backend.free_sampler(sampler)
        return written.decode("utf-8", errors="replace").partition("\n")[0]


def prompts(hole: Hole, backend: LlamaBackend, preparer: Preparer) -> dict[str, tuple[list[int], bytes]]:
    """Each variant's prompt tokens, and the bytes taken back."""
    snapshot = Document("file:///x.py", "x.py", "python", 0, hole.text).snapshot(hole.line, hole.character)
    fim_format = format_for("model", backend.info.markers)
    found = {}
    for name, anchored in (("fresh", False), ("anchored", True)):
        anchor = plan_anchor(snapshot, (), backend.info, replace(fim_format, anchored=anchored), 64, 0.25)
        typed = snapshot.line_prefix if anchored else ""
        request = Generate(anchor.parts, 64, typed=typed, reserve_tokens=anchor.reserve_tokens)
        prepared = preparer.prepare(request)
        found[name] = prepared.anchor + prepared.typed, b""
        if anchored:
            count = take_back(prepared.typed, backend) if prepared.typed else 0
            kept = len(prepared.typed) - count
            rest = b"".join(map(backend.piece, prepared.typed[kept:]))
            found["healed"] = prepared.anchor + prepared.typed[:kept], rest
    return found


def measure(hole: Hole, backend: LlamaBackend, scorer: Scorer, preparer: Preparer) -> dict[str, tuple[float, bool]]:
    """Log-probability per byte and exact match of each variant."""
    truth = hole.truth + "\n"
    measured = {}
    for name, (prompt, rest) in prompts(hole, backend, preparer).items():
        continuation = backend.tokenize(rest.decode("utf-8") + truth)
        per_byte = scorer.logprob(prompt, rest, continuation) / len(truth.encode())
        measured[name] = per_byte, scorer.write(prompt, rest).rstrip() == hole.truth.rstrip()
    return measured


def summarize(results: list[dict[str, tuple[float, bool]]]) -> dict[str, Any]:
    """Means, and paired differences with intervals, over some holes."""
    summary: dict[str, Any] = {"n": len(results)}
    for name in VARIANTS:
        summary[f"{name} nats/byte"] = round(float(np.mean([result[name][0] for result in results])), 4)
        summary[f"{name} exact"] = round(float(np.mean([result[name][1] for result in results])), 4)
    for name in VARIANTS[1:]:
        for index, what in enumerate(("nats/byte", "exact")):
            differences = np.array([result[name][index] - float(result["fresh"][index]) for result in results])
            summary[f"{name} - fresh, {what}"] = [round(float(value), 4) for value in bootstrap(differences)]
    return summary


def bootstrap(values: np.ndarray) -> tuple[float, float, float]:
    """Mean and its 95% interval."""
    generator = np.random.default_rng(SEED)
    means = [generator.choice(values, len(values)).mean() for _ in range(1000)]
    return float(values.mean()), float(np.quantile(means, 0.025)), float(np.quantile(means, 0.975))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--holes", type=int, default=2000)
    parser.add_argument("--model", default=str(embedded_model()))
    parser.add_argument("--window", type=int, default=512, help="tokens; small, so that many holes can be tried")
    parser.add_argument("--record", action="store_true", help="write results/anchored.json")
    arguments = parser.parse_args()
    backend = LlamaBackend(EngineOptions(model_path=arguments.model, window_tokens=arguments.window, num_sequences=1))
    scorer, preparer = Scorer(backend), Preparer(backend, backend.info.window_tokens)
    holes = find_holes(arguments.holes)
    results = [measure(hole, backend, scorer, preparer) for hole in holes]
    rows = {"all": summarize(results)}
    for stratum in sorted({hole.stratum for hole in holes}):
        rows[stratum] = summarize(
            [found for hole, found in zip(holes, results, strict=True) if hole.stratum == stratum]
        )
    report("anchored", rows, record=arguments.record, folder=RESULTS)


if __name__ == "__main__":
    main()
