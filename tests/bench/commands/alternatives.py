"""`python -m tests.bench alternatives`."""

from __future__ import annotations

import argparse

from rich.console import Console

from lsp_server.commands.bench_tables import ratio_text, titled
from lsp_server.commands.cli_settings import model_file
from lsp_server.commands.measuring import Results, Say, add_model_options, positive
from lsp_server.ipc.launch import EngineOptions
from lsp_server.measure.stage import corpus_of
from tests.bench import alternatives
from tests.bench.tables import samples_table

SUMMARY = "what several answers to one prompt take, beside a bare loop over llama.cpp"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Define the options."""
    add_model_options(parser)
    parser.add_argument("--pairs", type=positive, default=20, metavar="N", help="samples (20)")


def measure(arguments: argparse.Namespace, say: Say) -> Results:
    """Measure both in turns."""
    options = EngineOptions(model_file(arguments.model), threads=arguments.threads)
    return {"alternatives": alternatives.measure(options, corpus_of(options.model_path), arguments.pairs, say)}


def show(console: Console, results: Results) -> None:
    """Print a table."""
    result: alternatives.AlternativesResult = results["alternatives"]
    table = samples_table({"scheduler": result.scheduler_ms, "bare loop": result.bare_ms})
    title = f"{result.num_answers} answers of {result.num_tokens} tokens to one prompt, ms"
    console.print(titled(title, table, f"scheduler / bare loop: {ratio_text(result.over)}"))
