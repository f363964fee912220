"""`python -m tests.bench decode`."""

from __future__ import annotations

import argparse

from rich.console import Console

from lsp_server.commands.bench_tables import median_text, ratio_text, titled
from lsp_server.commands.cli_settings import model_file
from lsp_server.commands.measuring import Results, Say, add_model_options, positive
from lsp_server.ipc.launch import EngineOptions
from lsp_server.measure.stage import corpus_of
from tests.bench import decode
from tests.bench.tables import samples_table

SUMMARY = "what the scheduler costs a token, beside a bare loop over llama.cpp"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Define the options."""
    add_model_options(parser)
    parser.add_argument("--pairs", type=positive, default=20, metavar="N", help="samples (20)")


def measure(arguments: argparse.Namespace, say: Say) -> Results:
    """Measure both in turns."""
    options = EngineOptions(model_file(arguments.model), threads=arguments.threads)
    return {"decode": decode.measure(options, corpus_of(options.model_path), arguments.pairs, say)}


def show(console: Console, results: Results) -> None:
    """Print a table."""
    result: decode.DecodeResult = results["decode"]
    table = samples_table({"scheduler": result.scheduler_tokens_per_s, "bare loop": result.bare_tokens_per_s})
    console.print(
        titled(
            f"writing {result.num_tokens} tokens, tokens a second",
            table,
            f"scheduler / bare loop: {ratio_text(result.over)}",
            f"outside of evaluating and sampling: {median_text(result.outside_ms, 4)} ms a token",
            f"the first {result.num_same_tokens} tokens are the same",
        )
    )
