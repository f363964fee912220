"""Whether our greedy text is llama-server's.

The peer is a llama-server of the same llama.cpp with the same GGUF. Both get the same tokens: anchored prompts at
random places in held-out modules. The peer runs with and without its prompt cache. Our scheduler runs with slots, forks
and whatever earlier prompts left in the cache, as in use.

Where two texts part, the distance of the two candidates tells a fault from a near tie. Logits of the same tokens differ
between batches of other shapes and places in the cache (`tests/engine/fresh.py` says how much and why). So a divergence
is counted only if the candidates are more than 0.05 nats apart in every evaluation: the peer's own, the peer's without
its cache, and ours on an empty cache in several ways. The peer with its cache also parts from the peer without. That
rate is the one to expect.
"""

from __future__ import annotations

import json
import math
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from lsp_server.base.errors import EngineError
from lsp_server.engine.backends.llama.backend import LlamaBackend
from lsp_server.engine.drafting.proposer import drafting_scheduler
from lsp_server.engine.scheduler.tokenize import RequestTokenizer
from lsp_server.ipc.launch import EngineOptions
from lsp_server.ipc.requests import Done, Event, Failed, Generate
from lsp_server.prompt.families import family_of
from lsp_server.prompt.plan import plan_anchor
from lsp_server.settings.model import Settings
from tests.engine.fresh import NEAR_TIE, WAYS, Fresh
from tests.eval.choose_targets import random_cuts
from tests.eval.targets import EvalTarget

NUM_TOKENS = 24
CANDIDATES = 20
Say = Callable[[str], None]

END = -1  # stands for every token that ends a text


@dataclass(frozen=True, slots=True)
class Text:
    """Tokens, the last of them `END` if the model ended the text, and the candidates of each place."""

    tokens: list[int]
    candidates: list[dict[int, float]]


class Ours:
    """Our scheduler on the real backend, and a second context with an empty cache for each prompt."""

    def __init__(self, model: str, threads: int) -> None:
        self.backend = LlamaBackend(EngineOptions(model, threads=threads))
        self.fresh = Fresh(model, self.backend.info.context_tokens, threads)
        self.request_tokenizer = RequestTokenizer(self.backend, self.backend.info.context_tokens)
        self.family = family_of(self.backend.info)
        self.scheduler = drafting_scheduler(self.backend, self._on_event)
        self.ends: list[Done | Failed] = []
        self.reused_tokens = 0

    def _on_event(self, _: str, event: Event) -> None:
        if isinstance(event, Done | Failed):
            self.ends.append(event)

    def write(self, name: str, hole: EvalTarget) -> tuple[list[int], Text]:
        """The tokens of a hole's prompt, and our text after them."""
        snapshot = hole.snapshot(break_follows=True)
        share = Settings().context.suffix_share
        anchor = plan_anchor(snapshot, (), self.backend.info, self.family, NUM_TOKENS, share)
        # Healing restricts the first token, and the peer has none. Without it, both write after the same tokens.
        request = Generate(
            anchor.parts, NUM_TOKENS, typed=hole.typed, reserve_tokens=anchor.reserve_tokens, heal=False, document="d"
        )
        self.scheduler.submit(name, request, self.request_tokenizer.tokenize_request(request))
        run = self.scheduler._open[name]
        while not self.ends:
            self.scheduler.step()
        end = self.ends.pop()
        assert isinstance(end, Done), end
        self.reused_tokens += end.timings.reused_tokens
        written = run.tokens[run.num_prompt_tokens :]
        return run.tokens[: run.num_prompt_tokens], Text(written + [END] * (end.reason == "end"), [])

    def logprobs_afresh(self, tokens: list[int], way: int) -> dict[int, float]:
        """The candidates after some tokens, evaluated in an empty sequence."""
        backend = self.fresh.backend
        ((_, row),) = self.fresh.rows(tokens, len(tokens) - 1, way)
        logits = backend.logits(row).astype(np.float64)
        logprobs = logits - logits.max() - np.log(np.exp(logits - logits.max()).sum())
        return self.named(dict(enumerate(logprobs.tolist())))

    def named(self, logprobs: dict[int, float]) -> dict[int, float]:
        """The candidates with one entry, `END`, for the most probable of the tokens that end a text."""
        ends = [value for token, value in logprobs.items() if self.backend.is_end(token)]
        texts = {token: value for token, value in logprobs.items() if not self.backend.is_end(token)}
        return texts | ({END: max(ends)} if ends else {})


def ask(url: str, prompt: list[int], ours: Ours, *, cache_prompt: bool, num_tokens: int = NUM_TOKENS) -> Text:
    """The peer's text. Raises `EngineError` if the peer does not answer."""
    body = {"prompt": prompt, "n_predict": num_tokens, "temperature": 0, "n_probs": CANDIDATES,
            "cache_prompt": cache_prompt, "return_tokens": True}  # fmt: skip
    request = urllib.request.Request(
        f"{url}/completion", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request) as response:
            answer: dict[str, Any] = json.load(response)
    except urllib.error.URLError as error:
        raise EngineError(f"The peer does not answer ({error.reason}). Is llama-server running?") from error
    places = answer["completion_probabilities"]
    candidates = [ours.named({each["id"]: each["logprob"] for each in place["top_logprobs"]}) for place in places]
    tokens = [END if ours.backend.is_end(place["id"]) else place["id"] for place in places]
    if END in tokens:  # a FIM marker ends our texts, but not the peer's
        tokens = tokens[: tokens.index(END) + 1]
    elif answer["stop_type"] == "eos":
        tokens.append(END)
    return Text(tokens, candidates)


def parting(mine: list[int], theirs: list[int]) -> int | None:
    """After how many tokens two texts part, None for equal texts."""
    for at in range(NUM_TOKENS):
        if mine[at : at + 1] != theirs[at : at + 1]:
            return at
    return None


def distance(candidates: dict[int, float], mine: int, their: int) -> float:
    """How far apart two candidates are, in nats. An unlisted candidate counts as very far."""
    return abs(candidates.get(mine, -100.0) - candidates.get(their, -100.0))


def compare(url: str, ours: Ours, mine: Text, theirs: Text, prompt: list[int]) -> float | None:
    """How far apart the candidates are where two texts part, None for equal texts.

    The first evaluation that finds a near tie decides. Else the result is the least distance of all evaluations.
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
    """Counts over some prompts."""
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


def measure(url: str, model: str, num_prompts: int, threads: int, say: Say) -> dict[str, dict[str, Any]]:
    """Rows by what is compared with what."""
    ours = Ours(model, threads)
    distances: dict[str, list[float | None]] = {"cold": [], "cached": [], "peer against itself": []}
    for number, hole in enumerate(random_cuts(num_prompts)):
        say(f"prompt {number + 1}/{num_prompts}")
        prompt, mine = ours.write(str(number), hole)
        cached = ask(url, prompt, ours, cache_prompt=True)
        cold = ask(url, prompt, ours, cache_prompt=False)
        distances["cold"].append(compare(url, ours, mine, cold, prompt))
        distances["cached"].append(compare(url, ours, mine, cached, prompt))
        distances["peer against itself"].append(compare(url, ours, cached, cold, prompt))
    return {
        "ours against the peer without its cache": summarize(distances["cold"]),
        "ours against the peer with its cache": summarize(distances["cached"]),
        "the peer against itself": summarize(distances["peer against itself"]),
        "what was written": {"tokens": NUM_TOKENS, "model": ours.backend.info.name,
                             "reused by us, tokens a prompt": round(ours.reused_tokens / num_prompts, 1)},
    }  # fmt: skip
