"""`python -m tests.eval infilling`: programs with holes, filled and run."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

from rich.console import Console

from lsp_server.base.errors import InfillError
from lsp_server.catalog.resolve import engine_options
from lsp_server.commands.cli_settings import model_file
from lsp_server.commands.console import make_table
from lsp_server.commands.measuring import Results, Say, add_model_options
from lsp_server.measure.infill_target import running_engine
from lsp_server.settings.model import EngineSettings, Settings
from tests.eval.infilling.attempts import (
    MAX_LINES,
    MAX_TOKENS,
    Attempt,
    InfillingResult,
    PositionRow,
    complete,
    complete_as,
    run_all,
    settings_for,
    summarise,
)
from tests.eval.infilling.oracle import Oracle
from tests.eval.infilling.sandbox import require_sandbox
from tests.eval.infilling.tasks import Task, read_tasks, take_evenly

SUMMARY = (
    f"how often programs with a hole pass their tests once it is filled, with up to {MAX_LINES} lines and "
    f"{MAX_TOKENS} tokens, whatever your settings say"
)
TIMEOUT_S = 5.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Define the options."""
    parser.add_argument(
        "--data", metavar="FILE", required=True, help="tasks in HumanEval-Infilling's format, .jsonl or .jsonl.gz"
    )
    add_model_options(parser)
    parser.add_argument(
        "--oracle",
        choices=get_args(Oracle),
        help="instead of a model, one that writes the expected text, and then stops, or runs on into what stands "
        "below, or into other code: it measures what infill makes of a text",
    )
    parser.add_argument("--tasks", type=int, metavar="N", help="so many, taken evenly from all; default: all")
    parser.add_argument(
        "--multi-line",
        choices=("auto", "always", "never"),
        default="always",
        help="as the setting completion.multi_line; default: always, for holes that go over lines where text follows",
    )
    parser.add_argument(
        "--timeout", type=float, default=TIMEOUT_S, metavar="S", help=f"a program's seconds ({TIMEOUT_S})"
    )
    parser.add_argument("--no-run", action="store_true", help="run no programs: only compare texts")


def measure(arguments: argparse.Namespace, say: Say) -> Results:
    """Complete all tasks and run their programs. Raises `InfillError`."""
    if arguments.timeout <= 0 or (arguments.tasks is not None and arguments.tasks < 1):
        raise InfillError("Give --timeout and --tasks numbers above zero.")
    if not arguments.no_run:
        require_sandbox()
    tasks = take_evenly(read_tasks(Path(arguments.data)), arguments.tasks)
    attempts, about = asyncio.run(_complete(arguments, tasks, say))
    if not arguments.no_run:
        attempts = run_all(attempts, arguments.timeout, say)
    result = summarise(attempts, oracle=bool(arguments.oracle), has_run=not arguments.no_run)
    return {**about, "result": result}


async def _complete(
    arguments: argparse.Namespace, tasks: Sequence[Task], say: Say
) -> tuple[list[Attempt], dict[str, str]]:
    """Attempts at all tasks, and what wrote them."""
    if arguments.oracle:
        settings = settings_for(Settings(), arguments.multi_line)
        return await complete_as(arguments.oracle, settings, tasks, say), {"oracle": arguments.oracle}
    named = Settings(model=model_file(arguments.model), engine=EngineSettings(threads=arguments.threads))
    settings = settings_for(named, arguments.multi_line)
    async with running_engine(engine_options(settings, None)) as (engine, model):
        attempts = await complete(engine, settings, tasks, say)
        return attempts, {"model": model.name, "description": model.description}


def show(console: Console, results: Results) -> None:
    """Print how many programs passed, and a row for each position of holes."""
    result: InfillingResult = results["result"]
    if passed := result.passed:
        failures = ", ".join(f"{count} {kind}" for kind, count in passed.failures.items())
        console.print(f"pass@1 {passed.pass_at_1:.1%} of {passed.num_tasks} tasks; failed: {failures}\n")
    table = make_table("tasks", "exact", "too early", "too late", "other")
    for row in result.rows:
        _add(table, row)
    console.print(table)
    if result.decidable is not None:
        console.print(
            "\nThose where the program does not parse with the text's next line, or that line is not reached:"
        )
        table = make_table("tasks", "exact", "too early", "too late", "other")
        _add(table, result.decidable)
        console.print(table)


def _add(table: Any, row: PositionRow) -> None:
    counts = (row.counts[kind] for kind in ("too early", "too late", "other"))
    table.add_row(row.name, str(row.num_tasks), f"{row.exact:.1%}", *map(str, counts))
