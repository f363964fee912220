"""`infill bench typing`: what a keystroke costs, by kind of edit, from cold, and through files."""

from __future__ import annotations

import argparse
import asyncio
from contextlib import AbstractAsyncContextManager
from pathlib import Path

from rich.console import Console

from lsp_server.commands import bench_tables
from lsp_server.commands.cli_settings import model_file
from lsp_server.commands.measuring import Results, Say, add_model_options, pick, positive
from lsp_server.ipc.launch import EngineOptions
from lsp_server.measure import typing_burst, typing_cost
from lsp_server.measure.busy import busy
from lsp_server.measure.stage import Stage, infill_stage
from lsp_server.measure.typing_trace import traces
from lsp_server.text.workspace import read_source

SUMMARY = "what a keystroke costs, by kind of edit"
BURST = "burst"
ROWS = (*traces(typing_cost.ANSWER_TOKENS), BURST)
BEFORE_TOKENS, AFTER_TOKENS = 930, 510


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Define the options."""
    add_model_options(parser)
    parser.add_argument("--pairs", type=positive, default=20, metavar="N", help="samples of each row (20)")
    names = ", ".join(ROWS)
    parser.add_argument("--rows", metavar="NAMES", help=f"which rows, separated by commas: {names}; default: all")
    parser.add_argument("--before", type=positive, default=BEFORE_TOKENS, metavar="N", help="tokens before the cursor")
    parser.add_argument("--after", type=positive, default=AFTER_TOKENS, metavar="N", help="tokens after the cursor")
    parser.add_argument("--pace", type=float, default=120.0, metavar="MS", help="milliseconds a letter in bursts (120)")
    parser.add_argument(
        "--busy", type=int, default=0, metavar="N", help="keep so many other programs running that never rest (0)"
    )
    parser.add_argument(
        "--prefill-budget",
        type=int,
        default=0,
        metavar="MS",
        help="limit the prefill as completion.prefill_budget_ms does (0: prompts in full length)",
    )
    parser.add_argument("--letters", type=positive, default=200, metavar="N", help="the most letters of a burst (200)")
    parser.add_argument(
        "--realistic",
        nargs="+",
        metavar="FILE",
        help="type through these files at that pace; only this is run, unless --rows is given too",
    )


def measure(arguments: argparse.Namespace, say: Say) -> Results:
    """Measure infill's engine alone. Raises `InfillError`."""
    options = EngineOptions(model_file(arguments.model), threads=arguments.threads)
    tokens = (arguments.before, arguments.after)
    return measure_on(infill_stage(options, tokens, arguments.prefill_budget), arguments, say)


def measure_on(stage: AbstractAsyncContextManager[Stage], arguments: argparse.Namespace, say: Say) -> Results:
    """Measure all targets of a stage. Raises `InfillError`."""
    rows = pick(arguments.rows, ROWS, "row") if arguments.rows or not arguments.realistic else []
    texts = [(Path(name).name, read_source(Path(name))) for name in arguments.realistic or ()]
    with busy(arguments.busy):
        return {"busy_processes": arguments.busy} | asyncio.run(_measure(stage, rows, texts, arguments, say))


async def _measure(
    stage: AbstractAsyncContextManager[Stage],
    rows: list[str],
    texts: list[tuple[str, str]],
    arguments: argparse.Namespace,
    say: Say,
) -> Results:
    pairs, letters, pace_s = arguments.pairs, arguments.letters, arguments.pace / 1000
    known = traces(typing_cost.ANSWER_TOKENS)
    async with stage as ready:
        corpus, targets = ready.corpus, ready.targets
        results: Results = ready.about | {"prefill_budget_ms": arguments.prefill_budget}
        results["rows"] = [
            await typing_cost.measure(name, known[name], corpus, targets, pairs, say) for name in rows if name in known
        ]
        if BURST in rows:
            results["from_cold"] = await typing_burst.from_cold(corpus, targets, pairs, pace_s, letters, say)
        if texts:
            results["through_files"] = await typing_burst.through_files(texts, targets, pace_s, letters, say)
    return results


def show(console: Console, results: Results) -> None:
    """Print a table for each part of the results."""
    if results["rows"]:
        console.print(bench_tables.edit_costs(results["rows"]))
    if "from_cold" in results:
        console.print(bench_tables.from_cold(results["from_cold"]))
    if "through_files" in results:
        console.print(bench_tables.through_files(results["through_files"]))
