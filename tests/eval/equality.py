"""Is our greedy text llama-server's? `python tests/eval/equality.py --peer URL [--model PATH] [--record]`.

The peer is a llama-server of the same llama.cpp with the same GGUF. Both are handed the same tokens, of anchored
prompts at random places in held-out modules; the peer with and without its own cache, ours with slots, branches and
what earlier prompts left in them, as in life.

Where the texts part, the distance of the two candidates tells a fault from a coin toss: logits of the same tokens
differ between batches of other shapes and places in the cache (`tests/engine/fresh.py` says how much and why). It
counts as a divergence only if the two are more than 0.05 nats apart in every evaluation there is: the peer's as it
wrote, the peer's afresh, ours afresh in several ways. How often the peer parts from itself, with and without its cache,
is the measure of what is to be expected.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))

from lsp_server.catalog.resolve import embedded_model
from lsp_server.engine.backends.llama.backend import LlamaBackend
from lsp_server.engine.drafting.proposer import drafting_scheduler
from lsp_server.engine.scheduler.tokenize import RequestTokenizer
from lsp_server.evaluation.holes import Hole
from lsp_server.ipc.launch import EngineOptions
from lsp_server.ipc.requests import Done, Event, Failed, Generate
from lsp_server.prompt.families import family_of
from lsp_server.prompt.plan import plan_anchor
from lsp_server.settings.model import Settings
from tests.bench.record import report
from tests.engine.fresh import NEAR_TIE, WAYS, Fresh
from tests.eval.holes import random_cuts

RESULTS = Path(__file__).parent / "results"
NUM_TOKENS = 24
CANDIDATES = 20
END = -1  # stands for every token that ends a text


@dataclass(frozen=True, slots=True)
class Text:
    """Tokens, the last of them `END` if the text ended by itself; and of each place, what might have followed."""

    tokens: list[int]
    candidates: list[dict[int, float]]


class Ours:
    """Our scheduler on the real backend, and a second context in which each prompt finds an empty cache."""

    def __init__(self, model: str, threads: int) -> None:
        self.backend = LlamaBackend(EngineOptions(model, threads=threads))
        self.fresh = Fresh(model, self.backend.info.context_tokens, threads)
        self.request_tokenizer = RequestTokenizer(self.backend, self.backend.info.context_tokens)
        self.family = family_of(self.backend.info)
        self.scheduler = drafting_scheduler(self.backend, self._on_event)
        self.end: Event | None = None
        self.reused_tokens = 0

    def _on_event(self, _: str, event: Event) -> None:
        if isinstance(event, Done | Failed):
            self.end = event

    def write(self, name: str, hole: Hole) -> tuple[list[int], Text]:
        """The tokens of a hole's prompt, and what we write behind them."""
        snapshot = hole.snapshot(break_follows=True)
        share = Settings().context.suffix_share
        anchor = plan_anchor(snapshot, (), self.backend.info, self.family, NUM_TOKENS, share)
        # Healing binds the first token, which the peer does not: without it, both write behind the same tokens.
        request = Generate(
            anchor.parts, NUM_TOKENS, typed=hole.typed, reserve_tokens=anchor.reserve_tokens, heal=False, document="d"
        )
        self.end = None
        self.scheduler.submit(name, request, self.request_tokenizer.tokenize_request(request))
        run = self.scheduler._open[name]
        while self.end is None:
            self.scheduler.step()
        assert isinstance(self.end, Done), self.end
        self.reused_tokens += self.end.timings.reused_tokens
        written = run.tokens[run.num_prompt_tokens :]
        return run.tokens[: run.num_prompt_tokens], Text(written + [END] * (self.end.reason == "end"), [])

    def logprobs_afresh(self, tokens: list[int], way: int) -> dict[int, float]:
        """What may follow some tokens, evaluated in an empty sequence."""
        backend = self.fresh.backend
        ((_, row),) = self.fresh.rows(tokens, len(tokens) - 1, way)
        logits = backend.logits(row).astype(np.float64)
        logprobs = logits - logits.max() - np.log(np.exp(logits - logits.max()).sum())
        return self.named(dict(enumerate(logprobs.tolist())))

    def named(self, logprobs: dict[int, float]) -> dict[int, float]:
        """The same with one name, `END`, for all tokens that end a text: the most probable of them."""
        ends = [value for token, value in logprobs.items() if self.backend.is_end(token)]
        texts = {token: value for token, value in logprobs.items() if not self.backend.is_end(token)}
        return texts | ({END: max(ends)} if ends else {})


def ask(url: str, prompt: list[int], ours: Ours, *, cache_prompt: bool, num_tokens: int = NUM_TOKENS) -> Text:
    """What the peer writes."""
    body = {"prompt": prompt, "n_predict": num_tokens, "temperature": 0, "n_probs": CANDIDATES,
            "cache_prompt": cache_prompt, "return_tokens": True}  # fmt: skip
    request = urllib.request.Request(
        f"{url}/completion", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request) as response:
        answer: dict[str, Any] = json.load(response)
    places = answer["completion_probabilities"]
    candidates = [ours.named({each["id"]: each["logprob"] for each in place["top_logprobs"]}) for place in places]
    tokens = [END if ours.backend.is_end(place["id"]) else place["id"] for place in places]
    if END in tokens:  # a marker ends our texts, and not the peer's
        tokens = tokens[: tokens.index(END) + 1]
    elif answer["stop_type"] == "eos":
        tokens.append(END)
    return Text(tokens, candidates)


def parting(mine: list[int], theirs: list[int]) -> int | None:
    """Where two texts part, as a number of tokens; None if they do not."""
    for at in range(NUM_TOKENS):
        if mine[at : at + 1] != theirs[at : at + 1]:
            return at
    return None


def distance(candidates: dict[int, float], mine: int, their: int) -> float:
    """How far apart two candidates are, in nats; one that is not among them is further than that matters."""
    return abs(candidates.get(mine, -100.0) - candidates.get(their, -100.0))


def compare(url: str, ours: Ours, mine: Text, theirs: Text, prompt: list[int]) -> float | None:
    """How far apart the candidates are where two texts part; None if they do not.

    The first evaluation that finds them near each other is enough; else the least distance of all.
    """
    at = parting(mine.tokens, theirs.tokens)
    if at is None:
        return None
    known = prompt + mine.tokens[:at]

    def evaluations() -> Iterator[dict[int, float]]:
        yield from theirs.candidates[at : at + 1]
        yield from ask(url, known, ours, cache_prompt=False, num_tokens=1).candidates
        yield from (ours.logprobs_afresh(known, way) for way in range(WAYS))

    least = math.inf
    for each in evaluations():
        least = min(least, distance(each, mine.tokens[at], theirs.tokens[at]))
        if least <= NEAR_TIE:
            break
    return least


def summarize(distances: list[float | None]) -> dict[str, Any]:
    """Counts of what became of some prompts."""
    parted = [value for value in distances if value is not None]
    near = sum(value <= NEAR_TIE for value in parted)
    return {
        "prompts": len(distances),
        "identical": distances.count(None),
        "near ties": near,
        "near ties a prompt": round(near / len(distances), 4),
        "divergences": len(parted) - near,
        "furthest apart": round(max(parted, default=0.0), 4),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer", required=True, metavar="URL", help="a llama-server on the same model")
    parser.add_argument("--model", default=str(embedded_model()))
    parser.add_argument("--prompts", type=int, default=300)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--record", action="store_true", help="write results/equality.json")
    arguments = parser.parse_args()
    ours = Ours(arguments.model, arguments.threads)
    distances: dict[str, list[float | None]] = {"cold": [], "cached": [], "peer against itself": []}
    for number, hole in enumerate(random_cuts(arguments.prompts)):
        prompt, mine = ours.write(str(number), hole)
        cached = ask(arguments.peer, prompt, ours, cache_prompt=True)
        cold = ask(arguments.peer, prompt, ours, cache_prompt=False)
        distances["cold"].append(compare(arguments.peer, ours, mine, cold, prompt))
        distances["cached"].append(compare(arguments.peer, ours, mine, cached, prompt))
        distances["peer against itself"].append(compare(arguments.peer, ours, cached, cold, prompt))
    rows = {
        "ours against the peer without its cache": summarize(distances["cold"]),
        "ours against the peer with its cache": summarize(distances["cached"]),
        "the peer against itself": summarize(distances["peer against itself"]),
        "what was written": {"tokens": NUM_TOKENS, "model": ours.backend.info.name,
                             "reused by us, tokens a prompt": round(ours.reused_tokens / arguments.prompts, 1)},
    }  # fmt: skip
    report("equality", rows, record=arguments.record, folder=RESULTS)
    if any(row.get("divergences") for name, row in rows.items() if name.startswith("ours")):
        sys.exit("The texts differ by more than rounding does.")


if __name__ == "__main__":
    main()
