"""`infill eval typing`: what a model shows while a user types, at several values of `completion.confidence`."""

from __future__ import annotations

import argparse
import asyncio

import msgspec
from rich.console import Console

from lsp_server.base.errors import InfillError
from lsp_server.catalog.resolve import engine_options
from lsp_server.commands.cli_settings import named
from lsp_server.commands.console import make_table
from lsp_server.commands.measuring import Results, Say, add_model_options
from lsp_server.measure import typing_quality
from lsp_server.measure.infill_target import running_engine
from lsp_server.measure.segments import choose_segments
from lsp_server.measure.typing_quality import THRESHOLDS, TypingResult
from lsp_server.settings.model import Settings

SUMMARY = "what is shown while held-out files are typed letter by letter, by `completion.confidence`"
NUM_SEGMENTS = 12


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Define the options."""
    add_model_options(parser)
    parser.add_argument(
        "--segments",
        type=int,
        default=NUM_SEGMENTS,
        metavar="N",
        help=f"segments of 20 lines to type, of another module each as long as there are more ({NUM_SEGMENTS})",
    )
    parser.add_argument(
        "--confidence", type=float, nargs="+", metavar="P", help="the thresholds; default: from 0 to 0.7, nine of them"
    )


def measure(arguments: argparse.Namespace, say: Say) -> Results:
    """Type held-out files with the settings' defaults. Raises `InfillError`."""
    if arguments.segments < 1:
        raise InfillError("--segments must be at least 1.")
    if not all(0 <= each <= 1 for each in arguments.confidence or ()):
        raise InfillError("--confidence takes probabilities, from 0 to 1.")
    return asyncio.run(_measure(arguments, say))


async def _measure(arguments: argparse.Namespace, say: Say) -> Results:
    # The user's own settings stay out: the result is about the defaults.
    settings = Settings(model=named(arguments.model) if arguments.model else "")
    options = msgspec.structs.replace(engine_options(settings, None), threads=arguments.threads)
    async with running_engine(options) as (engine, model):
        thresholds = arguments.confidence or THRESHOLDS
        result = await typing_quality.measure(engine, settings, choose_segments(arguments.segments), thresholds, say)
        return {"model": model.name, "description": model.description, "result": result}


def show(console: Console, results: Results) -> None:
    """Print a row for each threshold."""
    result: TypingResult = results["result"]
    table = make_table(
        "known", "shown", "right line", "agreeing", "accepted", "wrong", "precision", "coverage", "saved", "by lines"
    )
    for row in result.rows:
        table.add_row(
            f"{row.confidence:g}",
            *(f"{each:.1%}" for each in (row.known, row.shown, row.right_line, row.agreeing)),
            *(f"{each:,}" for each in (row.num_accepted, row.num_wrong)),
            *(f"{each:.1%}" for each in (row.precision, row.coverage)),
            "{:+.1f} [{:+.1f}, {:+.1f}]".format(*row.saved),
            f"{row.saved_by_lines[0]:+.1f}",
        )
    console.print(table)
    console.print(
        f"{result.rows[0].num_keys:,} keys in {len(result.modules)} segments, {result.num_requests:,} texts written. "
        f"Accepted: the first line, where all of it comes next. Saved: keys of a hundred by accepting, less "
        f"{result.wrong_keys:g} for each wrong text new on screen; by lines: whole rests of lines only.",
        style="dim",
        soft_wrap=True,
    )
