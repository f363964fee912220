"""`python -m tests.eval retrieval`: whether prompts hold what lines need from other files."""

from __future__ import annotations

import argparse

from rich.console import Console

from lsp_server.commands.cli_settings import model_file
from lsp_server.commands.console import make_table
from lsp_server.commands.measuring import Results, Say, add_model_options, pick
from lsp_server.engine.backends.llama.backend import LlamaBackend
from lsp_server.ipc.launch import EngineOptions
from tests.eval.retrieval import blocks, worth
from tests.eval.retrieval.blocks import BUDGETS, HELD_OUT, TUNED_ON, RetrievalResult
from tests.eval.retrieval.worth import Worth

SUMMARY = "how much of what a line needs from other files stands in its prompt"
KIND_NAMES = {"imported": "imported names", "members": "members of other types"}
MAX_HOLES = 150
MAX_MODEL_HOLES = 40
CONTEXT_TOKENS = 2048
NUM_SEQUENCES = 2  # an anchor, and a prompt that branches off it

Packages = dict[str, tuple[str, str]]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Define the options."""
    parser.add_argument("--holes", type=int, default=MAX_HOLES, metavar="N", help="lines of a kind and project (150)")
    parser.add_argument("--projects", metavar="NAMES", help="some of the pinned packages, separated by commas; all")
    add_model_options(parser)
    parser.add_argument(
        "--model-holes",
        type=int,
        default=MAX_MODEL_HOLES,
        metavar="N",
        help="lines of a kind and project that a model is asked; 0: none (40)",
    )


def measure(arguments: argparse.Namespace, say: Say) -> Results:
    """Measure the packages that scores were tuned on apart from the others. Raises `InfillError`."""
    wanted = pick(arguments.projects, {**HELD_OUT, **TUNED_ON}, "project")
    tuned, held_out = ({name: each[name] for name in each if name in wanted} for each in (TUNED_ON, HELD_OUT))
    results: Results = {"budgets": BUDGETS}
    for name, packages in (("held_out", held_out), ("tuned_on", tuned)):
        if packages:
            results[name] = blocks.measure(packages, arguments.holes, say)
    if arguments.model_holes:
        results["model"] = _ask_model(arguments, held_out or tuned, say)
    return results


def _ask_model(arguments: argparse.Namespace, packages: Packages, say: Say) -> Worth:
    options = EngineOptions(
        model_file(arguments.model),
        context_tokens=CONTEXT_TOKENS,
        cache_tokens=NUM_SEQUENCES * CONTEXT_TOKENS,
        num_sequences=NUM_SEQUENCES,
        batch_tokens=CONTEXT_TOKENS,
        threads=arguments.threads,
    )
    backend = LlamaBackend(options)
    try:
        return worth.measure(backend, packages, arguments.model_holes, say)
    finally:
        backend.close()


def show(console: Console, results: Results) -> None:
    """Print a table for each group of packages, and one of what blocks are worth to the model."""
    for name in ("held_out", "tuned_on"):
        if name in results:
            _show_shares(console, results[name])
    if "model" in results:
        _show_worth(console, results["model"])


def _show_shares(console: Console, result: RetrievalResult) -> None:
    console.print(f"{', '.join(result.projects)}; {result.num_holes} lines", style="dim")
    for kind in ("imported", "members"):
        table = make_table(*(f"{budget} tokens" for budget in BUDGETS))
        for row in result.rows:
            table.add_row(row.way, *(f"{share.value:.1%}" for share in getattr(row, kind)))
        console.print(f"{KIND_NAMES[kind]}: {getattr(result.rows[0], kind)[0].needed} needed")
        console.print(table)


def _show_worth(console: Console, found: Worth) -> None:
    table = make_table("exact", "without", "nats a byte", "without")
    table.add_row(
        f"with blocks ({found.num_holes} lines)",
        *(f"{each:.1%}" for each in (found.exact, found.exact_without)),
        *(f"{each:.2f}" for each in (found.nats, found.nats_without)),
    )
    console.print(table)
    low, high = found.nats_difference[1:]
    console.print(
        f"nats a byte {found.nats_difference[0]:+.3f} [{low:+.3f}, {high:+.3f}], with less without", style="dim"
    )
