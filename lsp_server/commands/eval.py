"""`infill eval`: how good completions and prompts are, measured on this machine. `infill eval model` is here."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from lsp_server.measure.record import write_json
from lsp_server.commands import eval_infilling, eval_retrieval, eval_typing
from lsp_server.commands.cli_settings import add_measuring_options, model_file
from lsp_server.commands.console import make_console, make_table, require_folder_of
from lsp_server.ipc.launch import EngineOptions

if TYPE_CHECKING:
    from tests.eval.model import Comparison, ModelResult

WINDOW_TOKENS = 1024


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Define the options."""
    kinds = parser.add_subparsers(dest="kind", metavar="KIND", required=True)
    summary = "how often a model writes the truth, and how probable it finds it"
    kind = kinds.add_parser("model", help=summary, description=f"Measure {summary}.")
    add_measuring_options(kind)
    kind.add_argument("--holes", type=int, metavar="N", help="the most places of each kind; default: all")
    kind.add_argument("--window", type=int, default=WINDOW_TOKENS, metavar="N", help=f"tokens ({WINDOW_TOKENS})")
    kind.set_defaults(measure=_measure_model)
    for other in (eval_typing, eval_infilling, eval_retrieval):
        other.add_kind(kinds)


def run(arguments: argparse.Namespace) -> int:
    """Measure, print, and write what was asked for."""
    require_folder_of(arguments.json)
    status: int = arguments.measure(arguments)
    return status


def _measure_model(arguments: argparse.Namespace) -> int:
    from lsp_server.engine.backends.llama.backend import LlamaBackend
    from tests.eval.model import NUM_SEQUENCES, measure

    console = make_console()
    options = EngineOptions(
        model_file(arguments.model),
        context_tokens=arguments.window,
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
    table = make_table("places", "exact", "fresh", "counting", "ends by itself", "nats a byte", "fresh")
    for row in result.rows:
        found = row.over_fresh
        shares = (found.exact, found.other_exact, row.counting_exact, row.ends_by_itself)
        nats = (found.nats, found.other_nats)
        table.add_row(
            row.name, str(found.num_holes), *(f"{each:.1%}" for each in shares), *(f"{each:.2f}" for each in nats)
        )
    console.print(table)
    for row in result.rows:
        console.print(f"{row.name}: {_differences(row.over_fresh)}, as infill asks less a fresh prompt", style="dim")
    if (among_files := result.with_neighbours) is not None:
        table = make_table("places", "exact", "without", "nats a byte", "without")
        table.add_row(
            "with neighbouring files",
            str(among_files.num_holes),
            *(f"{each:.1%}" for each in (among_files.exact, among_files.other_exact)),
            *(f"{each:.2f}" for each in (among_files.nats, among_files.other_nats)),
        )
        console.print()
        console.print(table)
        console.print(f"{_differences(among_files)}, with them less without", style="dim")
    if result.num_left_out:
        console.print(f"\n{result.num_left_out} places are not in this Python's modules, or do not fit the window.")


def _differences(found: Comparison) -> str:
    """Mean differences with their intervals."""
    exact, nats = (
        "{} [{}, {}]".format(*(format(value, form) for value in interval))
        for interval, form in ((found.exact_difference, "+.1%"), (found.nats_difference, "+.2f"))
    )
    return f"exact {exact}, nats a byte {nats}"
