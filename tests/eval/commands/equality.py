"""`python -m tests.eval equality`."""

from __future__ import annotations

import argparse

from rich.console import Console

from lsp_server.base.errors import EngineError
from lsp_server.commands.cli_settings import model_file
from lsp_server.commands.measuring import Results, Say, add_model_options, positive
from tests.eval import equality, rows

SUMMARY = "whether greedy text is the same as llama-server's for the same tokens"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Define the options."""
    add_model_options(parser)
    parser.add_argument("--peer", required=True, metavar="URL", help="a llama-server on the same model")
    parser.add_argument("--prompts", type=positive, default=300, metavar="N", help="random cuts of lines (300)")


def measure(arguments: argparse.Namespace, say: Say) -> Results:
    """Compare texts prompt by prompt."""
    model = model_file(arguments.model)
    return {"rows": equality.measure(arguments.peer, model, arguments.prompts, arguments.threads, say)}


def show(console: Console, results: Results) -> None:
    """Print the counts. Raises `EngineError` if texts differ by more than rounding does."""
    rows.show(console, results)
    if any(row.get("divergences") for name, row in results["rows"].items() if name.startswith("ours")):
        raise EngineError("The texts differ by more than rounding does.")
