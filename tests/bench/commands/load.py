"""`python -m tests.bench load`: many language servers on one engine, beside a llama-server with as many slots."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
from pathlib import Path
from typing import Any

from rich.console import Console

from lsp_server.base.errors import InfillError
from lsp_server.commands.cli_settings import model_file
from lsp_server.commands.console import make_report
from lsp_server.commands.measuring import Results, Say
from lsp_server.measure.stage import corpus_of
from lsp_server.measure.typing_cost import ANSWER_TOKENS
from tests.bench import load
from tests.bench.baseline import Baseline
from tests.bench.baseline_stage import add_baseline_options

SUMMARY = "many users who type at once, each with a language server of their own on one engine"
CLIENTS, ROUNDS, KEYS, PACE_MS = 16, 2, 60, 250.0
BEFORE_TOKENS, AFTER_TOKENS = 700, 250


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Define the options. `--peer` wants `-np N` for N clients."""
    add_baseline_options(parser)
    parser.add_argument("--clients", type=int, default=CLIENTS, metavar="N", help=f"so many type ({CLIENTS})")
    parser.add_argument("--private", type=int, metavar="N", help="private engines to weigh (as many; 0: none)")
    parser.add_argument("--rounds", type=int, default=ROUNDS, metavar="N", help=f"documents of each client ({ROUNDS})")
    parser.add_argument("--keys", type=int, default=KEYS, metavar="N", help=f"keys typed in a document ({KEYS})")
    parser.add_argument("--pace", type=float, default=PACE_MS, metavar="MS", help=f"milliseconds a key ({PACE_MS:g})")
    parser.add_argument("--before", type=int, default=BEFORE_TOKENS, metavar="N", help="tokens before the cursor")
    parser.add_argument("--after", type=int, default=AFTER_TOKENS, metavar="N", help="tokens after the cursor")


def measure(arguments: argparse.Namespace, say: Say) -> Results:
    """Measure all clients together. Raises `InfillError`."""
    if min(arguments.clients, arguments.rounds, arguments.keys) < 1:
        raise InfillError("--clients, --rounds and --keys must be at least 1.")
    return asyncio.run(_measure(arguments, Path(model_file(arguments.model)), say))


async def _measure(arguments: argparse.Namespace, model: Path, say: Say) -> Results:
    corpus = corpus_of(str(model), arguments.before, arguments.after)
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
    """Prompts and answers as long as the peer's: no speculative completion, no text left out."""
    completion = {"max_tokens": ANSWER_TOKENS, "confidence": 0, "speculative": False, "prefill_budget_ms": 0}
    return {
        "model": str(model),
        "completion": completion,
        "context": {"max_tokens": 0, "index": False},
        "engine": {"mode": "shared", "threads": threads, "warm_up": False},
        "statistics": False,
    }


def show(console: Console, results: Results) -> None:
    """Print a report. Raises `EngineError` if an answer was lost, came twice, or was another document's."""
    found: load.LoadResult = results["load"]
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
        f"{ledger.num_asked}: {ledger.num_lost} lost, {ledger.num_twice} answered twice, {ledger.num_crossed} crossed",
    )
    report.add_row("last texts", f"{ledger.num_same} of {ledger.num_compared} are the same in quiet")
    memory = f"{found.shared_memory_mebibytes:.0f} MiB shared by {found.num_clients}"
    if found.num_private:
        memory += f"; {found.private_memory_mebibytes:.0f} MiB in {found.num_private} private engines"
    report.add_row("memory of engines", memory)
    console.print(report)
    ledger.require_sound()
