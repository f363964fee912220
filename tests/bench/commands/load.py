"""`infill bench load`: many language servers on one engine, beside a llama-server with as many slots."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
from pathlib import Path
from typing import Any

from rich.console import Console

from lsp_server.base.errors import InfillError
from tests.bench import load
from tests.bench.bare_loop import FileVocabulary
from tests.bench.baseline import Baseline
from lsp_server.measure.record import write_json
from lsp_server.measure.corpus import Corpus
from lsp_server.measure.typing_cost import ANSWER_TOKENS
from lsp_server.commands.cli_settings import model_file
from lsp_server.commands.console import make_console, make_report, require_folder_of

CLIENTS, ROUNDS, KEYS, PACE_MS = 16, 2, 60, 250.0
BEFORE_TOKENS, AFTER_TOKENS = 700, 250


def add_kind(kinds: Any) -> None:
    """Define the options."""
    summary = "many who type at once, each with a language server of their own on one engine"
    kind = kinds.add_parser("load", help=summary, description=f"Measure {summary}.")
    kind.add_argument("--model", metavar="MODEL", help="a model by name or path; default: the embedded one")
    kind.add_argument("--threads", type=int, default=0, metavar="N", help="CPU threads of ours")
    kind.add_argument("--clients", type=int, default=CLIENTS, metavar="N", help=f"so many type ({CLIENTS})")
    kind.add_argument("--private", type=int, metavar="N", help="engines of one server each to weigh (as many; 0: none)")
    kind.add_argument("--rounds", type=int, default=ROUNDS, metavar="N", help=f"documents of each client ({ROUNDS})")
    kind.add_argument("--keys", type=int, default=KEYS, metavar="N", help=f"keys typed in a document ({KEYS})")
    kind.add_argument("--pace", type=float, default=PACE_MS, metavar="MS", help=f"milliseconds a key ({PACE_MS:g})")
    kind.add_argument("--before", type=int, default=BEFORE_TOKENS, metavar="N", help="tokens before the cursor")
    kind.add_argument("--after", type=int, default=AFTER_TOKENS, metavar="N", help="tokens after the cursor")
    kind.add_argument("--peer", metavar="URL", help="a llama-server with the same model, as many threads, and -np N")
    kind.add_argument("--peer-options", metavar="TEXT", help="how it was started, for the record")
    kind.add_argument("--json", metavar="FILE", help="write command, machine and every sample there")


def run(arguments: argparse.Namespace) -> int:
    """Measure, print, and write what was asked for. Raises `EngineError` if an answer was lost, doubled or crossed."""
    if min(arguments.clients, arguments.rounds, arguments.keys) < 1:
        raise InfillError("--clients, --rounds and --keys must be at least 1.")
    require_folder_of(arguments.json)
    model = Path(model_file(arguments.model))
    with Console(stderr=True).status("starting…") as status:
        results = asyncio.run(_measure(arguments, model, lambda text: status.update(f"{text}…")))
    _print(make_console(), results["load"])
    if arguments.json:
        write_json(Path(arguments.json), results)
    results["load"].ledger.require_sound()
    return 0


async def _measure(arguments: argparse.Namespace, model: Path, say: load.Say) -> dict[str, Any]:
    vocabulary = FileVocabulary(model)
    try:
        corpus = Corpus(lambda text: len(vocabulary.tokenize(text)), arguments.before, arguments.after)
    finally:
        vocabulary.close()
    private = arguments.clients if arguments.private is None else arguments.private
    async with contextlib.AsyncExitStack() as stack:
        peers = []
        about = None
        if arguments.peer:
            peers = [
                await stack.enter_async_context(Baseline(arguments.peer, slot)) for slot in range(arguments.clients)
            ]
            about = await peers[0].describe(model) | {"options": arguments.peer_options}
            for peer in peers[1:]:
                await peer.describe(model)
            if about["slots"] < arguments.clients:
                raise InfillError(f"The peer has {about['slots']} slots. Start it with -np {arguments.clients}.")
        found = await load.measure(
            _settings(model, arguments.threads),
            peers,
            corpus,
            arguments.clients,
            private,
            arguments.rounds,
            arguments.pace / 1000,
            arguments.keys,
            say,
        )
    settings = _settings(Path(model.name), arguments.threads)
    return {"model": model.name, "peer": about, "settings": settings, "load": found}


def _settings(model: Path, threads: int) -> dict[str, Any]:
    """As much text, and as much of the documents, as the peer gets: nothing ahead of time, nothing left out."""
    completion = {"max_tokens": ANSWER_TOKENS, "confidence": 0, "speculative": False, "prefill_budget_ms": 0}
    return {
        "model": str(model),
        "completion": completion,
        "context": {"max_tokens": 0, "index": False},
        "engine": {"mode": "shared", "threads": threads, "warm_up": False},
        "statistics": False,
    }


def _print(console: Console, found: load.LoadResult) -> None:
    report = make_report()
    for target, waits in found.waits_ms.items():
        waited = f"p50 {waits.median:.0f} ms, p95 {waits.p95:.0f} ms" if waits else "never"
        report.add_row(
            f"key to text, {target}",
            f"{waited}; {found.share_in_time[target]:.1%} of {found.num_keys[target]} keys before the next",
        )
    opening = (f"{target} {seconds.median:.1f} s" for target, seconds in found.opening_s.items() if seconds)
    report.add_row("all documents opened", ", ".join(opening))
    if found.over:
        report.add_row("ours / peer", f"{found.over.median:.3f} [{found.over.low:.3f}, {found.over.high:.3f}]")
    ledger = found.ledger
    report.add_row(
        "requests",
        f"{ledger.num_asked}: {ledger.num_lost} lost, {ledger.num_doubled} answered twice, {ledger.num_crossed} crossed",
    )
    report.add_row("last texts", f"{ledger.num_same} of {ledger.num_compared} are the same in quiet")
    memory = f"{found.shared_memory_mebibytes:.0f} MiB shared by {found.num_clients}"
    if found.num_private:
        memory += f"; {found.private_memory_mebibytes:.0f} MiB in {found.num_private} private engines"
    report.add_row("memory of engines", memory)
    console.print(report)
