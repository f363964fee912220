"""`python -m tests.eval model`."""

from __future__ import annotations

import argparse

from rich.console import Console

from lsp_server.commands.cli_settings import model_file
from lsp_server.commands.console import make_table
from lsp_server.commands.measuring import Results, Say, add_model_options
from lsp_server.engine.backends.llama.backend import LlamaBackend
from lsp_server.ipc.launch import EngineOptions
from tests.eval import model
from tests.eval.model import NUM_SEQUENCES, Comparison, ModelResult

SUMMARY = "how often a model writes the expected text, and how probable it finds that text"
CONTEXT_TOKENS = 1024


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Define the options."""
    add_model_options(parser)
    parser.add_argument("--holes", type=int, metavar="N", help="the most places of each kind; default: all")
    parser.add_argument("--window", type=int, default=CONTEXT_TOKENS, metavar="N", help=f"tokens ({CONTEXT_TOKENS})")


def measure(arguments: argparse.Namespace, say: Say) -> Results:
    """Ask the model in this process."""
    options = EngineOptions(
        model_file(arguments.model),
        context_tokens=arguments.window,
        cache_tokens=NUM_SEQUENCES * arguments.window,
        num_sequences=NUM_SEQUENCES,
        batch_tokens=NUM_SEQUENCES * arguments.window,  # a whole prompt of each, at worst
        threads=arguments.threads,
    )
    backend = LlamaBackend(options)
    try:
        result = model.measure(backend, arguments.holes, say)
        return {"model": backend.info.name, "description": backend.info.description, "result": result}
    finally:
        backend.close()


def show(console: Console, results: Results) -> None:
    """Print a row for each kind of place."""
    result: ModelResult = results["result"]
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
