"""`python -m tests.bench drafts`."""

from __future__ import annotations

import argparse
from collections.abc import Iterable

from rich.console import Console

from lsp_server.commands.bench_tables import median_text, ratio_text, titled
from lsp_server.commands.cli_settings import model_file
from lsp_server.commands.console import make_table
from lsp_server.commands.measuring import Results, Say, add_model_options, pick, positive
from lsp_server.ipc.launch import EngineOptions
from lsp_server.measure.stage import corpus_of
from tests.bench import drafts

SUMMARY = "what drafted tokens gain, and what they cost where they are wrong"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Define the options."""
    add_model_options(parser)
    parser.add_argument("--pairs", type=positive, default=20, metavar="N", help="samples of each row (20)")
    names = _for_help(drafts.ROWS)
    parser.add_argument("--rows", metavar="NAMES", help=f"which rows, separated by commas: {names}; default: all")


def _for_help(rows: Iterable[str]) -> str:
    """Names of rows for argparse, which takes a percent sign for the beginning of a field."""
    return ", ".join(rows).replace("%", "%%")


def measure(arguments: argparse.Namespace, say: Say) -> Results:
    """Measure rows one after the other."""
    rows = pick(arguments.rows, drafts.ROWS, "row")
    options = EngineOptions(model_file(arguments.model), threads=arguments.threads)
    return {"drafts": drafts.measure(options, corpus_of(options.model_path), rows, arguments.pairs, say)}


def show(console: Console, results: Results) -> None:
    """Print a table."""
    rows: list[drafts.DraftResult] = results["drafts"]
    table = make_table("with drafts", "without", "with / without", "at most", "drafts right", "same text")
    for row in rows:
        speeds = map(median_text, (row.drafting_tokens_per_s, row.plain_tokens_per_s))
        most = "" if row.most_over is None else f"{row.most_over:.2f}"
        right = "none tried" if row.share_accepted is None else f"{row.share_accepted:.0%}"
        same = f"{row.num_same}/{len(row.samples)}"
        table.add_row(row.name, *speeds, ratio_text(row.over), most, right, same)
    batch_ms = rows[0].batch_ms
    costs = ", ".join(f"{size}: {ms / batch_ms[1]:.2f}" for size, ms in batch_ms.items())
    console.print(
        titled(
            "writing with drafts, tokens a second (medians)",
            table,
            f"the time of a batch, beside that of one token: {costs}",
            "at most: what drafts right so often could gain by these, if it cost nothing to make them",
        )
    )
