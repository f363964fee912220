"""`python -m tests.bench responsiveness`: whether the server answers while it works on huge documents."""

from __future__ import annotations

import argparse
import asyncio

from rich.console import Console

from lsp_server.commands.bench_tables import number_text
from lsp_server.commands.console import make_table
from lsp_server.commands.measuring import Results, Say, pick, positive
from tests.bench import responsiveness

SUMMARY = "how long a cheap request waits while the server works on documents with huge lines, or with many"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Define the options."""
    parser.add_argument("--rows", metavar="NAME,…", help="documents to measure (default: all)")
    parser.add_argument("--letters", type=positive, default=30, metavar="N", help="letters typed in each (30)")
    parser.add_argument("--rounds", type=positive, default=1, metavar="N", help="rounds of pastes, actions, … (1)")
    parser.add_argument("--runs", type=positive, default=1, metavar="N", help="so often in all; the best counts (1)")


def measure(arguments: argparse.Namespace, say: Say) -> Results:
    """Measure one document after the other. Of the runs of a row, the one with the shortest longest delay is kept."""
    documents: dict[str, dict[str, responsiveness.Delays]] = {}
    for name in pick(arguments.rows, responsiveness.PAGES, "row"):
        page = responsiveness.PAGES[name]()
        for run in range(arguments.runs):
            say(f"{name}, run {run + 1} of {arguments.runs}")
            measured = asyncio.run(responsiveness.measure_page(page, arguments.letters, arguments.rounds))
            best = documents.setdefault(name, measured)
            documents[name] = {
                act: min(best.get(act, delays), delays, key=lambda each: each.most) for act, delays in measured.items()
            }
    return {"delays_ms": documents}


def show(console: Console, results: Results) -> None:
    """Print a table."""
    table = make_table("pings", "p50 ms", "p99 ms", "most ms")
    for name, rows in results["delays_ms"].items():
        table.add_row(name)
        for act, delays in rows.items():
            table.add_row(
                f"  {act}", str(delays.n), *(number_text(each) for each in (delays.p50, delays.p99, delays.most))
            )
    console.print(table)
