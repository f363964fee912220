"""`infill eval model`: how good a model's completions are, measured on this machine."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from lsp_server.bench.record import write_json
from lsp_server.commands.bench import FILE_WIDTH
from lsp_server.commands.configured import model_file
from lsp_server.engine.messages import EngineOptions
from lsp_server.errors import InfillError

if TYPE_CHECKING:
    from lsp_server.evaluation.model import ModelResult

WINDOW_TOKENS = 1024


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Define the options."""
    kinds = parser.add_subparsers(dest="kind", metavar="KIND", required=True)
    summary = "how often a model writes the truth, and how probable it finds it"
    kind = kinds.add_parser("model", help=summary, description=f"Measure {summary}.")
    kind.add_argument("--model", metavar="PATH", help="a GGUF model; default: the embedded one")
    kind.add_argument("--holes", type=int, metavar="N", help="the most places of each kind; default: all")
    kind.add_argument("--window", type=int, default=WINDOW_TOKENS, metavar="N", help=f"tokens ({WINDOW_TOKENS})")
    kind.add_argument("--threads", type=int, default=0, metavar="N", help="CPU threads")
    kind.add_argument("--json", metavar="FILE", help="write command, machine and figures there")


def run(arguments: argparse.Namespace) -> int:
    """Measure, print, and write what was asked for."""
    from lsp_server.engine.llama_backend import LlamaBackend
    from lsp_server.evaluation.model import NUM_SEQUENCES, measure

    if arguments.json and not Path(arguments.json).absolute().parent.is_dir():
        raise InfillError(f"There is no folder for {arguments.json}. Make it first.")
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = FILE_WIDTH
    options = EngineOptions(
        model_file(arguments.model),
        window_tokens=arguments.window,
        cache_tokens=NUM_SEQUENCES * arguments.window,
        num_sequences=NUM_SEQUENCES,
        batch_tokens=NUM_SEQUENCES * arguments.window,  # a whole prompt of each, at worst
        threads=arguments.threads,
    )
    with Console(stderr=True).status("loading the model…") as status:
        backend = LlamaBackend(options)
        try:
            result = measure(backend, arguments.holes, lambda text: status.update(f"{text}…"))
            about = {"model": backend.info.name, "description": backend.info.description}
        finally:
            backend.close()
    _print(console, result)
    if arguments.json:
        write_json(Path(arguments.json), {**about, "result": result})
    return 0


def _print(console: Console, result: ModelResult) -> None:
    table = _table("places", "exact", "fresh", "counting", "ends by itself", "nats a byte", "fresh", "infill - fresh")
    for row in result.rows:
        table.add_row(
            row.name,
            str(row.num_holes),
            *(f"{share:.1%}" for share in (row.exact, row.fresh_exact, row.counting_exact, row.ends_by_itself)),
            f"{row.nats:.2f}",
            f"{row.fresh_nats:.2f}",
            _interval(row.nats_over_fresh, "+.2f"),
        )
    console.print(table)
    if neighbours := result.neighbours:
        table = _table("places", "exact", "without", "difference", "nats a byte", "without", "difference")
        table.add_row(
            "with neighbouring files",
            str(neighbours.num_holes),
            f"{neighbours.exact:.1%}",
            f"{neighbours.exact_without:.1%}",
            _interval(neighbours.exact_over_without, "+.1%"),
            f"{neighbours.nats:.2f}",
            f"{neighbours.nats_without:.2f}",
            _interval(neighbours.nats_over_without, "+.2f"),
        )
        console.print()
        console.print(table)
    if result.num_left_out:
        console.print(f"\n{result.num_left_out} places are not in this Python's modules, or do not fit the window.")


def _interval(interval: tuple[float, float, float], form: str) -> str:
    mean, low, high = (format(value, form) for value in interval)
    return f"{mean} [{low}, {high}]"


def _table(*headings: str) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("", no_wrap=True)
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)
    return table
