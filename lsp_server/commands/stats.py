"""`infill stats`: how much was shown and accepted, by counts that stay on this machine."""

from __future__ import annotations

import argparse
import datetime
import math

from lsp_server.commands.console import make_console, make_report
from lsp_server.server import statistics
from lsp_server.server.statistics import Counters


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Define the options."""
    parser.add_argument("--days", type=int, default=30, metavar="N", help="count the last N days (30)")


def run(arguments: argparse.Namespace) -> int:
    """Print the counts."""
    since = (datetime.date.today() - datetime.timedelta(days=max(0, arguments.days - 1))).isoformat()  # noqa: DTZ011
    counted = statistics.total(each for each in statistics.read(statistics.file()) if each.day >= since)
    console = make_console()
    if not counted.shown:
        console.print("Nothing was counted yet. Statistics are kept on this machine only, while `statistics` is on.")
        return 0
    report = make_report()
    for name, value in _rows(counted):
        report.add_row(name, value)
    console.print(report)
    return 0


def _rows(counted: Counters) -> list[tuple[str, str]]:
    kept = (
        f"{_share(counted.kept_30_s, counted.due_30_s)} of the characters after 30 seconds, "
        f"{_share(counted.kept_5_min, counted.due_5_min)} after 5 minutes"
    )
    accepted = f"{counted.accepted:,}, with {counted.accepted_characters:,} characters"
    return [
        ("shown", f"{counted.shown:,} texts, {_share(counted.known, counted.shown)} of them without the model"),
        ("accepted", f"{accepted}; {counted.accepted_parts:,} times a word or line"),
        ("rejected", f"{counted.rejected:,}, as far as the editor reports it"),
        ("kept", kept),
        ("time to text", f"half within {_ms(counted.time_within(0.5))}, 95% within {_ms(counted.time_within(0.95))}"),
    ]


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.0%}" if whole else "?"


def _ms(value: float) -> str:
    return "more than 5 seconds" if math.isinf(value) else f"{value:,.0f} ms"
