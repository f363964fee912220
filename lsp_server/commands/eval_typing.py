"""`infill eval typing`: what is shown while somebody types, and how sure a text should be to be shown."""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from rich.console import Console

from lsp_server.base.errors import InfillError
from lsp_server.measure.infill_target import running_engine
from lsp_server.measure.record import write_json
from lsp_server.catalog.resolve import engine_options
from lsp_server.commands.cli_settings import add_measuring_options, named
from lsp_server.commands.console import make_console, make_table
from lsp_server.settings.model import Settings

if TYPE_CHECKING:
    from lsp_server.measure.typing_quality import TypingResult

NUM_SEGMENTS = 12


def add_kind(kinds: Any) -> None:
    """Define the options."""
    summary = "what is shown while held-out files are typed letter by letter, by `completion.confidence`"
    kind = kinds.add_parser("typing", help=summary, description=f"Measure {summary}.")
    add_measuring_options(kind)
    kind.add_argument(
        "--segments",
        type=int,
        default=NUM_SEGMENTS,
        metavar="N",
        help=f"segments of 20 lines to type, of another module each as long as there are more ({NUM_SEGMENTS})",
    )
    kind.add_argument(
        "--confidence", type=float, nargs="+", metavar="P", help="the thresholds; default: from 0 to 0.7, nine of them"
    )
    kind.set_defaults(measure=run)


def run(arguments: argparse.Namespace) -> int:
    """Measure, print, and write what was asked for."""
    if arguments.segments < 1:
        raise InfillError("--segments must be at least 1.")
    if not all(0 <= each <= 1 for each in arguments.confidence or ()):
        raise InfillError("--confidence takes probabilities, from 0 to 1.")
    about, result = asyncio.run(_measure(arguments))
    _print(make_console(), result)
    if arguments.json:
        write_json(Path(arguments.json), {**about, "result": result})
    return 0


async def _measure(arguments: argparse.Namespace) -> tuple[dict[str, Any], TypingResult]:
    from lsp_server.measure.segments import choose_segments
    from lsp_server.measure.typing_quality import THRESHOLDS, measure

    # Not the settings of whoever measures: what is found is about the defaults.
    settings = Settings(model=named(arguments.model) if arguments.model else "")
    options = msgspec.structs.replace(engine_options(settings, None), threads=arguments.threads)
    with Console(stderr=True).status("loading the model…") as status:
        async with running_engine(options) as (engine, model):
            segments = choose_segments(arguments.segments)
            thresholds = arguments.confidence or THRESHOLDS
            result = await measure(engine, settings, segments, thresholds, lambda text: status.update(f"{text}…"))
            return {"model": model.name, "description": model.description}, result


def _print(console: Console, result: TypingResult) -> None:
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
        f"{result.rows[0].num_keys:,} keys in {len(result.modules)} segments, {result.num_asked:,} texts written. "
        f"Accepted: the first line, where all of it comes next. Saved: keys of a hundred by accepting, less "
        f"{result.wrong_keys:g} for each wrong text new on screen; by lines: whole rests of lines only.",
        style="dim",
        soft_wrap=True,
    )
