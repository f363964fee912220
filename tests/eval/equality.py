"""Greedy text against llama-server's for the same tokens: `python tests/eval/equality.py --peer URL [--record]`.

The peer serves the same GGUF from the same llama.cpp. A divergence counts only where the peer's log-probabilities of
the two candidates, evaluated afresh, differ by more than 0.05: below that, batch shapes and the order of cells in the
cache decide (the peer's own differ by as much from one evaluation to the next).
"""

from __future__ import annotations

import argparse
import json
import sys
import urllib.request
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from lsp_server.catalog.resolve import embedded_model
from lsp_server.document import Document
from lsp_server.engine.llama_backend import LlamaBackend
from lsp_server.engine.messages import Done, EngineOptions, Failed, Generate
from lsp_server.engine.prepare import Prepared, Preparer
from lsp_server.engine.scheduler import Scheduler
from lsp_server.prompt.formats import format_for
from lsp_server.prompt.plan import plan_anchor
from tests.bench.record import report
from tests.eval.anchored import RESULTS, find_holes

NUM_TOKENS = 24
NEAR_TIE = 0.05  # nats
CANDIDATES = 20


class Ours:
    """Our scheduler on the real backend; slots are reused from one prompt to the next, as in life."""

    def __init__(self, backend: LlamaBackend) -> None:
        self.backend = backend
        self.written: dict[str, list[int]] = {}
        self.scheduler = Scheduler(backend, self._on_event)
        self._ended = False

    def _on_event(self, _: str, event: Any) -> None:
        self._ended = isinstance(event, Done | Failed)

    def tokens(self, name: str, request: Generate, prepared: Prepared) -> list[int]:
        """What we write for a prompt, as tokens."""
        self._ended = False
        self.scheduler.submit(name, request, prepared)
        run = self.scheduler._open[name]
        while not self._ended:
            self.scheduler.step()
        return run.tokens[run.num_prompt_tokens :]


def peer_tokens(url: str, prompt: list[int], *, cache_prompt: bool) -> list[dict[str, Any]]:
    """What the peer writes: for each token its id, and the log-probabilities of the best candidates."""
    body = {
        "prompt": prompt,
        "n_predict": NUM_TOKENS,
        "temperature": 0,
        "n_probs": CANDIDATES,
        "cache_prompt": cache_prompt,
    }
    request = urllib.request.Request(
        f"{url}/completion", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request) as response:
        return json.load(response)["completion_probabilities"]


def parting(ours: list[int], theirs: list[dict[str, Any]], backend: LlamaBackend) -> int | None:
    """Where the texts part, as a number of tokens; None if they do not."""
    for index, (mine, their) in enumerate(zip(ours, theirs, strict=False)):
        if mine != their["id"]:
            return index
    if len(ours) < min(NUM_TOKENS, len(theirs)) and not backend.is_end(theirs[len(ours)]["id"]):
        return len(ours)
    return None


def gap(url: str, prompt: list[int], ours: list[int], their: int, backend: LlamaBackend) -> float:
    """How much better than our next token the peer finds its own, in nats, when it evaluates `prompt` afresh.

    An empty `ours` means that we ended the text.
    """
    candidates = peer_tokens(url, prompt, cache_prompt=False)[0]["top_logprobs"]
    logprobs = {entry["id"]: entry["logprob"] for entry in candidates}
    mine = [logprobs.get(ours[0])] if ours else [logprobs[token] for token in logprobs if backend.is_end(token)]
    known = [value for value in mine if value is not None]
    return logprobs[their] - max(known, default=-float("inf"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer", required=True, metavar="URL", help="a llama-server on the same model")
    parser.add_argument("--model", default=str(embedded_model()))
    parser.add_argument("--prompts", type=int, default=240)
    parser.add_argument("--record", action="store_true", help="write results/equality.json")
    arguments = parser.parse_args()
    backend = LlamaBackend(EngineOptions(model_path=arguments.model))
    ours, preparer = Ours(backend), Preparer(backend, backend.info.window_tokens)
    fim_format = format_for("model", backend.info.markers)
    gaps: list[float | None] = []
    for number, hole in enumerate(find_holes(arguments.prompts)):
        snapshot = Document("file:///x.py", "x.py", "python", 0, hole.text).snapshot(hole.line, hole.character)
        anchor = plan_anchor(snapshot, (), backend.info, fim_format, NUM_TOKENS, 0.25)
        # Without healing, both are handed the very same tokens.
        request = Generate(
            anchor.parts,
            NUM_TOKENS,
            typed=snapshot.line_prefix,
            reserve_tokens=anchor.reserve_tokens,
            heal=False,
        )
        prepared = preparer.prepare(request)
        mine = ours.tokens(str(number), request, prepared)
        theirs = peer_tokens(arguments.peer, prepared.anchor + prepared.typed, cache_prompt=bool(number % 2))
        at = parting(mine, theirs, backend)
        if at is None:
            gaps.append(None)
        else:
            prompt = prepared.anchor + prepared.typed + mine[:at]
            gaps.append(gap(arguments.peer, prompt, mine[at : at + 1], theirs[at]["id"], backend))
    parted = [value for value in gaps if value is not None]
    row = {
        "prompts": len(gaps),
        "identical": gaps.count(None),
        "near-ties": sum(value <= NEAR_TIE for value in parted),
        "divergences": sum(value > NEAR_TIE for value in parted),
    }
    report("equality", {f"{NUM_TOKENS} greedy tokens": row}, record=arguments.record, folder=RESULTS)


if __name__ == "__main__":
    main()
