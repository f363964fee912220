"""`python -m tests.bench revisit`."""

from __future__ import annotations

import argparse
import asyncio

from rich.console import Console

from lsp_server.commands.bench_tables import median_text, ratio_text, titled
from lsp_server.commands.bench_typing import AFTER_TOKENS, BEFORE_TOKENS
from lsp_server.commands.cli_settings import model_file
from lsp_server.commands.console import make_table
from lsp_server.commands.measuring import Results, Say, positive
from lsp_server.ipc.launch import EngineOptions
from tests.bench import revisit
from tests.bench.baseline_stage import add_baseline_options, stage_with_baseline

SUMMARY = "what coming back to a file costs, of more than the cache has room for"
# The cache has room for four of the files.
NUM_FILES, ROUNDS, CACHE_TOKENS = 10, 2, 6144


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Define the options."""
    add_baseline_options(parser)
    parser.add_argument("--files", type=positive, default=NUM_FILES, metavar="N", help=f"files in turn ({NUM_FILES})")
    parser.add_argument("--rounds", type=positive, default=ROUNDS, metavar="N", help=f"returns to each ({ROUNDS})")
    parser.add_argument(
        "--cache", type=positive, default=CACHE_TOKENS, metavar="N", help=f"tokens of our cache ({CACHE_TOKENS})"
    )


def measure(arguments: argparse.Namespace, say: Say) -> Results:
    """Measure infill's engine, and the baseline if there is one."""
    return asyncio.run(_measure(arguments, say))


async def _measure(arguments: argparse.Namespace, say: Say) -> Results:
    model = model_file(arguments.model)
    options = EngineOptions(model, threads=arguments.threads, cache_tokens=arguments.cache)
    async with stage_with_baseline(arguments, options, (BEFORE_TOKENS, AFTER_TOKENS)) as stage:
        found = await revisit.measure(stage.corpus, stage.targets, arguments.files, arguments.rounds, say)
        return stage.about | {"revisit": found}


def show(console: Console, results: Results) -> None:
    """Print a table."""
    result: revisit.RevisitResult = results["revisit"]
    table = make_table("cold", "on return", "evaluated", "return / cold")
    for target, cold in result.cold_ms.items():
        figures = (cold, result.back_ms[target], result.evaluated_tokens[target])
        table.add_row(target, *map(median_text, figures), ratio_text(result.over_cold[target]))
    console.print(
        titled(
            f"{result.num_files} files in turn, ms to the first text (medians)",
            table,
            "evaluated: prompt tokens of a return that were not in the cache",
            f"a return, ours / peer: {ratio_text(result.over)}",
        )
    )
