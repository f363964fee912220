"""`python -m tests.bench preemption`."""

from __future__ import annotations

import argparse

from rich.console import Console

from lsp_server.commands.bench_tables import ratio_text, titled
from lsp_server.commands.cli_settings import model_file
from lsp_server.commands.measuring import Results, Say, add_model_options, positive
from lsp_server.ipc.launch import EngineOptions
from lsp_server.measure.stage import corpus_of
from tests.bench import preemption
from tests.bench.tables import samples_table

SUMMARY = "how long typing waits for a chat, where the cache has room for one context"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Define the options."""
    add_model_options(parser)
    parser.add_argument("--pairs", type=positive, default=10, metavar="N", help="samples (10)")


def measure(arguments: argparse.Namespace, say: Say) -> Results:
    """Measure both in turns."""
    options = EngineOptions(model_file(arguments.model), threads=arguments.threads)
    return {"preemption": preemption.measure(options, corpus_of(options.model_path), arguments.pairs, say)}


def show(console: Console, results: Results) -> None:
    """Print a table."""
    result: preemption.PreemptionResult = results["preemption"]
    table = samples_table({"beside a chat": result.beside_ms, "alone": result.alone_ms})
    title = f"first token after a prompt of about {preemption.PROMPT_TOKENS} tokens, ms"
    console.print(titled(title, table, f"beside a chat / alone: {ratio_text(result.over)}"))
