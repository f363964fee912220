"""`python -m tests.bench cancel`."""

from __future__ import annotations

import argparse
import asyncio

from rich.console import Console, Group

from lsp_server.commands.bench_tables import number_text, ratio_text, titled
from lsp_server.commands.cli_settings import model_file
from lsp_server.commands.console import make_table
from lsp_server.commands.measuring import Results, Say, positive
from lsp_server.ipc.launch import EngineOptions
from lsp_server.measure.stage import corpus_of
from tests.bench import cancel
from tests.bench.baseline import Baseline
from tests.bench.baseline_stage import add_baseline_options, stage_with_baseline
from tests.bench.tables import samples_table

SUMMARY = "how soon the engine is free after a request is cancelled"
PREFILL_TOKENS = 4000
# What a long prefill needs besides: the answer, the short request, and tokens that are counted line by line.
SPARE_TOKENS = 400
BATCH_PAIRS = 5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Define the options."""
    add_baseline_options(parser)
    parser.add_argument("--pairs", type=positive, default=20, metavar="N", help="samples of each row (20)")
    parser.add_argument(
        "--prefill", type=positive, default=PREFILL_TOKENS, metavar="N", help="tokens of the long prompt"
    )
    parser.add_argument(
        "--batch-pairs", type=positive, default=BATCH_PAIRS, metavar="N", help="prefills of each batch (5)"
    )


def measure(arguments: argparse.Namespace, say: Say) -> Results:
    """Measure cancelled requests, and then what short physical batches cost."""
    # Room for the long prompt, and no more: two more contexts of this size follow.
    context = 2 * arguments.prefill
    model = model_file(arguments.model)
    options = EngineOptions(model, threads=arguments.threads, context_tokens=context, cache_tokens=context)
    results = asyncio.run(_measure(arguments, options, say))
    corpus, tokens = corpus_of(model), results["prefill_tokens"]
    return results | {"batches": cancel.measure_batches(options, corpus, tokens, arguments.batch_pairs, say)}


async def _measure(arguments: argparse.Namespace, options: EngineOptions, say: Say) -> Results:
    async with stage_with_baseline(arguments, options, (1, 1)) as stage:
        contexts = [stage.infill.model.context_tokens]
        targets: list[cancel.TextTarget] = [cancel.InfillText(stage.infill)]
        for baseline in stage.targets:
            if isinstance(baseline, Baseline):
                contexts.append(stage.about["peer"]["context_tokens"])
                targets.append(cancel.BaselineText(baseline))
        tokens = min(arguments.prefill, *(context - SPARE_TOKENS for context in contexts))
        found = await cancel.measure(stage.corpus, targets, tokens, arguments.pairs, say)
        return stage.about | {"prefill_tokens": tokens, "cancel": found}


def show(console: Console, results: Results) -> None:
    """Print a table of cancelled requests, and one of batches."""
    console.print(_cancelled(results["cancel"]))
    console.print(_batches(results["batches"]))


def _cancelled(result: cancel.CancelResult) -> Group:
    table = make_table("cancelled", "p50", "p95", "most", "undisturbed")
    for kind, by_target in result.free_ms.items():
        for target, free in by_target.items():
            figures = [free.median, free.p95, free.most] if free else [None] * 3
            length = f"{number_text(result.undisturbed_ms[kind][target])} ms"
            table.add_row(f"{kind}, {target}", str(free.n if free else 0), *map(number_text, figures), length)
    return titled("cancelled midway: ms until the engine is free for another request", table)


def _batches(result: cancel.BatchResult) -> Group:
    table = samples_table({str(size): speed for size, speed in result.tokens_per_s.items()})
    title = f"prefill of {result.num_tokens} tokens, tokens a second by physical batch"
    return titled(title, table, f"first / second: {ratio_text(result.over)}")
