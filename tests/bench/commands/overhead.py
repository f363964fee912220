"""`python -m tests.bench overhead`."""

from __future__ import annotations

import argparse
import asyncio

from rich.console import Console

from lsp_server.commands.bench_tables import number_text
from lsp_server.commands.console import make_table
from lsp_server.commands.measuring import Results, Say, positive
from tests.bench import overhead

SUMMARY = "what infill costs besides the model: start-up, its own time for a request, the process boundary"
NUM_LINES = 5000  # of the document that a request is about


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Define the options."""
    parser.add_argument("--starts", type=positive, default=20, metavar="N", help="servers to start (20)")
    parser.add_argument("--requests", type=positive, default=300, metavar="N", help="samples of the other rows (300)")


def measure(arguments: argparse.Namespace, say: Say) -> Results:
    """Measure, each beside something simpler, in turns."""
    say("starting servers")
    rows = overhead.start_up(arguments.starts)
    say("sending requests")
    rows |= asyncio.run(overhead.own_time(NUM_LINES, arguments.requests))
    rows |= asyncio.run(overhead.boundary(arguments.requests))
    return {"rows": rows}


def show(console: Console, results: Results) -> None:
    """Print a table."""
    table = make_table("samples", "median", "p95", "least", "most")
    rows: overhead.Rows = results["rows"]
    for name, spread in rows.items():
        if spread:
            figures = (spread.median, spread.p95, spread.least, spread.most)
            table.add_row(name, str(spread.n), *(number_text(each, 3) for each in figures))
    console.print(table)
