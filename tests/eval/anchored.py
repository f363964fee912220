"""Is anchored fill as good as a fresh prompt? `python tests/eval/anchored.py [--holes N] [--record]`.

A hole is cut at a random place inside a code line of a module that the embedded model never saw; the truth is the rest
of the line. Three prompts are compared on the same holes, with the very same text around the cursor:

fresh      all of the line so far stands before the suffix marker
anchored   the line so far stands behind the middle marker, in the tokens it has by itself
healed     as anchored, its last tokens taken back and the next ones bound to agree with them: what infill does

Reported: the log-probability per byte of the truth and the line break that ends it, in nats, and how often greedy
writing gives exactly the truth. Differences are paired; [mean, low, high] is a bootstrap 95% interval over lines.
The hole ends with the line's break; or the break stays in the suffix, as it does in an editor, and then whatever ends
the line ends the truth: a break, or the end of the text.
"""

from __future__ import annotations

import argparse
import itertools
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))

from lsp_server.catalog.resolve import embedded_model
from lsp_server.engine.backend import BatchToken, DecodeStatus
from lsp_server.engine.llama_backend import LlamaBackend
from lsp_server.engine.messages import EngineOptions, Generate, PromptPart, Text
from lsp_server.engine.placement import take_back
from lsp_server.engine.prepare import Preparer
from lsp_server.prompt.formats import format_for
from lsp_server.prompt.plan import plan_anchor
from lsp_server.sequences import common_prefix
from lsp_server.settings import Settings
from tests.bench.record import report
from tests.eval.holes import SEED, Hole, find_holes

RESULTS = Path(__file__).parent / "results"
VARIANTS = ("fresh", "anchored", "healed")
ANSWER_TOKENS = 32
RESAMPLES = 4000


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt's tokens, the bytes that were taken back of it, and the tokens of the truth behind it."""

    tokens: list[int]
    rest: bytes
    truth: list[int]


class Sequences:
    """The cache: the anchor in sequence 0, a prompt in each other one, branched off it."""

    def __init__(self, backend: LlamaBackend) -> None:
        self.backend = backend
        self.anchor: list[int] = []
        self.ends = np.array([token for token in range(backend.vocabulary.num_tokens) if backend.is_end(token)])
        self.breaks = backend.vocabulary.agreeing_with(b"\n")

    def hold_anchor(self, tokens: list[int]) -> None:
        """Bring an anchor into sequence 0, keeping what it shares with the last one."""
        shared = common_prefix(self.anchor, tokens)
        for sequence in range(1, len(VARIANTS) + 1):
            self.backend.truncate(sequence, 0)
        self.backend.truncate(0, shared)
        for start in range(shared, len(tokens), self.backend.batch_tokens):
            part = tokens[start : start + self.backend.batch_tokens]
            self._decode([BatchToken(token, start + at, 0, False) for at, token in enumerate(part)])
        self.anchor = tokens

    def score(self, prompts: Sequence[Prompt], *, break_follows: bool) -> tuple[list[float], list[int]]:
        """The log-probability of each truth, and the token each prompt is followed by."""
        batch: list[BatchToken] = []
        rows: list[range] = []
        for sequence, prompt in enumerate(prompts, 1):
            shared = min(common_prefix(self.anchor, prompt.tokens), len(prompt.tokens) - 1)
            self.backend.truncate(sequence, 0)
            self.backend.branch(0, sequence, shared)
            # Of a truth without its break, what follows its last token is wanted too.
            tokens = prompt.tokens + prompt.truth[: len(prompt.truth) - (not break_follows)]
            first = len(prompt.tokens) - 1
            rows.append(range(len(batch) + first - shared, len(batch) + len(tokens) - shared))
            batch += [BatchToken(tokens[at], at, sequence, at >= first) for at in range(shared, len(tokens))]
        self._decode(batch)
        scores = [
            self._score(prompt, list(own), break_follows=break_follows)
            for prompt, own in zip(prompts, rows, strict=True)
        ]
        return scores, [self._sample(own[0], prompt.rest) for prompt, own in zip(prompts, rows, strict=True)]

    def _score(self, prompt: Prompt, rows: list[int], *, break_follows: bool) -> float:
        total, rest = 0.0, prompt.rest
        for row, token in zip(rows, prompt.truth, strict=False):
            total += self.backend.logprob(row, token)
            if rest:
                total -= self._log_mass(row, self.backend.vocabulary.agreeing_with(rest))
                rest = rest[len(self.backend.piece(token)) :]
        if break_follows:
            total += self._log_mass(rows[-1], np.concatenate([self.ends, self.breaks]))
        return total

    def write(self, prompts: Sequence[Prompt], first: list[int]) -> list[str]:
        """What is written greedily behind each prompt up to the end of the line, all in one batch a token."""
        written = [b""] * len(prompts)
        rests = [prompt.rest for prompt in prompts]
        tokens = dict(enumerate(first))
        for sequence, prompt in enumerate(prompts, 1):
            self.backend.truncate(sequence, len(prompt.tokens))
        for step in range(ANSWER_TOKENS):
            for index, token in list(tokens.items()):
                piece = self.backend.piece(token)
                taken = min(len(rests[index]), len(piece))
                rests[index] = rests[index][taken:]
                written[index] += piece[taken:]
                if self.backend.is_end(token) or b"\n" in written[index]:
                    del tokens[index]
            if not tokens:
                break
            places = {index: len(prompts[index].tokens) + step for index in tokens}
            self._decode([BatchToken(token, places[index], index + 1, True) for index, token in tokens.items()])
            tokens = {index: self._sample(row, rests[index]) for row, index in enumerate(tokens)}
        return [text.decode("utf-8", errors="replace").partition("\n")[0] for text in written]

    def _sample(self, row: int, rest: bytes) -> int:
        """The most probable token, or of those that agree with a rest."""
        logits = self.backend._logits(row)
        if not rest:
            return int(logits.argmax())
        agreeing = self.backend.vocabulary.agreeing_with(rest)
        return int(agreeing[logits[agreeing].argmax()])

    def _log_mass(self, row: int, tokens: np.ndarray) -> float:
        """The logarithm of the probability that one of some tokens follows."""
        logits = self.backend._logits(row).astype(np.float64)
        highest = logits.max()
        return float(np.log(np.exp(logits[tokens] - highest).sum()) - np.log(np.exp(logits - highest).sum()))

    def _decode(self, batch: list[BatchToken]) -> None:
        assert self.backend.decode(batch) is DecodeStatus.OK


class Prompts:
    """Makes the three prompts of a hole, from infill's own plan."""

    def __init__(self, backend: LlamaBackend) -> None:
        self.backend = backend
        self.fim_format = format_for(backend.info.name, backend.info.markers)
        self.preparer = Preparer(backend, backend.info.window_tokens)
        self.suffix_share = Settings().context.suffix_share

    def of(self, hole: Hole, *, break_follows: bool) -> tuple[list[int], list[Prompt]] | None:
        """The anchor's tokens and the prompts; None where the engine cuts text that was planned."""
        snapshot = hole.snapshot(break_follows=break_follows)
        anchor = plan_anchor(snapshot, (), self.backend.info, self.fim_format, ANSWER_TOKENS, self.suffix_share)
        reserve = anchor.reserve_tokens
        prepared = self.preparer.prepare(
            Generate(anchor.parts, ANSWER_TOKENS, typed=hole.typed, reserve_tokens=reserve)
        )
        # The same text as in the anchor, whatever room a fresh prompt might have had for more.
        fresh = self.preparer.prepare(Generate(_with_typed(anchor.parts, hole.typed), 0)).anchor
        if len(prepared.anchor) < len(self.preparer.prepare(Generate(anchor.parts, 0)).anchor):
            return None
        truth = hole.truth + "\n"
        apart = self.backend.tokenize(truth)
        count = take_back(prepared.typed, self.backend)
        kept, taken = prepared.typed[:-count], prepared.typed[-count:]
        rest = b"".join(map(self.backend.piece, taken))
        plain = Prompt(prepared.anchor + prepared.typed, b"", apart)
        healed = Prompt(prepared.anchor + kept, rest, self._behind(kept, hole.typed + truth))
        return prepared.anchor, [Prompt(fresh, b"", apart), plain, healed]

    def _behind(self, kept: list[int], line: str) -> list[int]:
        """The tokens that a whole line has behind those kept of it; cut apart where none begins there."""
        whole, size = self.backend.tokenize(line), sum(len(self.backend.piece(token)) for token in kept)
        ends = list(itertools.accumulate((len(self.backend.piece(token)) for token in whole), initial=0))
        return whole[ends.index(size) :] if size in ends else self.backend.tokenize(line.encode()[size:].decode())


def _with_typed(parts: tuple[PromptPart, ...], typed: str) -> tuple[PromptPart, ...]:
    """An anchor's parts with the text typed since where a fresh prompt has it: at the end of the prefix."""
    return tuple(
        msgspec.structs.replace(part, text=part.text + typed)
        if isinstance(part, Text) and part.overflow == "keep_tail"
        else part
        for part in parts
    )


@dataclass(frozen=True, slots=True)
class Found:
    """What came of a hole: by variant, nats per byte and whether the truth was written."""

    hole: Hole
    nats: tuple[float, ...]
    exact: tuple[bool, ...]


def measure(hole: Hole, prompts: Prompts, sequences: Sequences, *, break_follows: bool) -> Found | None:
    """What comes of a hole; None where the prompts would differ in their text."""
    made = prompts.of(hole, break_follows=break_follows)
    if made is None:
        return None
    anchor, three = made
    sequences.hold_anchor(anchor)
    scores, first = sequences.score(three, break_follows=break_follows)
    written = sequences.write(three, first)
    size = len(f"{hole.truth}\n".encode())
    return Found(hole, tuple(score / size for score in scores), tuple(text == hole.truth for text in written))


def summarize(found: list[Found]) -> dict[str, Any]:
    """Means, and paired differences with intervals, over some holes."""
    summary: dict[str, Any] = {"holes": len(found)}
    nats, exact = (np.array([getattr(each, what) for each in found], dtype=float) for what in ("nats", "exact"))
    lines = np.unique([f"{each.hole.module} {each.hole.line}" for each in found], return_inverse=True)[1]
    for what, values in (("nats/byte", nats), ("exact", exact)):
        for index, name in enumerate(VARIANTS):
            summary[f"{name} {what}"] = round(float(values[:, index].mean()), 4)
        for mine, other in ((1, 0), (2, 0), (2, 1)):
            interval = bootstrap(values[:, mine] - values[:, other], lines)
            summary[f"{VARIANTS[mine]} - {VARIANTS[other]} {what}"] = [round(value, 4) for value in interval]
    return summary


def bootstrap(values: np.ndarray, groups: np.ndarray) -> tuple[float, float, float]:
    """The mean of some values and its 95% interval, drawing whole groups of them."""
    generator = np.random.default_rng(SEED)
    sums, counts = np.bincount(groups, values), np.bincount(groups)
    drawn = generator.integers(len(sums), size=(RESAMPLES, len(sums)))
    means = sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1)
    return float(values.mean()), float(np.quantile(means, 0.025)), float(np.quantile(means, 0.975))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--holes", type=int, default=2000)
    parser.add_argument("--model", default=str(embedded_model()))
    parser.add_argument("--window", type=int, default=512, help="tokens; small, so that many holes can be tried")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--record", action="store_true", help="write results/anchored.json")
    arguments = parser.parse_args()
    backend = LlamaBackend(
        EngineOptions(
            arguments.model,
            window_tokens=arguments.window,
            cache_tokens=4 * arguments.window,
            num_sequences=1 + len(VARIANTS),
            batch_tokens=len(VARIANTS) * arguments.window,  # a whole prompt of each, at worst
            threads=arguments.threads,
        )
    )
    prompts, sequences = Prompts(backend), Sequences(backend)
    holes = find_holes(arguments.holes)
    rows: dict[str, dict[str, Any]] = {}
    began = time.monotonic()
    for break_follows, where in ((False, "break in the hole"), (True, "break in the suffix")):
        measured = [measure(hole, prompts, sequences, break_follows=break_follows) for hole in holes]
        found = [each for each in measured if each is not None]
        rows[f"{where}, all"] = summarize(found)
        for place in ("between words", "inside a word"):
            rows[f"{where}, {place}"] = summarize([each for each in found if each.hole.place == place])
        rows[f"{where}, after a space"] = summarize([each for each in found if each.hole.typed.endswith(" ")])
    rows["took"] = {"minutes": round((time.monotonic() - began) / 60, 1), "window": backend.info.window_tokens,
                    "model": backend.info.name}  # fmt: skip
    report("anchored", rows, record=arguments.record, folder=RESULTS)


if __name__ == "__main__":
    main()
