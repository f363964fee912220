"""`python -m tests.bench typing`: what a keystroke costs, beside a llama-server or with one as the remote engine."""

from __future__ import annotations

import argparse

from lsp_server.commands import bench_typing
from lsp_server.commands.bench_typing import SUMMARY, show
from lsp_server.commands.cli_settings import model_file
from lsp_server.commands.measuring import Results, Say
from lsp_server.ipc.launch import EngineOptions
from tests.bench.baseline_stage import remote_stage, stage_with_baseline

__all__ = ["SUMMARY", "add_arguments", "measure", "show"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Define the options."""
    bench_typing.add_arguments(parser)
    parser.add_argument("--peer", metavar="URL", help="a llama-server with the same model and as many threads")
    parser.add_argument("--peer-options", metavar="TEXT", help="how it was started, for the record")
    parser.add_argument("--remote", metavar="URL", help="ask that llama-server with our prompts, instead of our engine")
    parser.add_argument("--format", default="deepseek", metavar="NAME", help="its model's, as remote.format (deepseek)")


def measure(arguments: argparse.Namespace, say: Say) -> Results:
    """Measure infill's engine, beside the baseline if there is one, or infill on a remote engine."""
    options = EngineOptions(model_file(arguments.model), threads=arguments.threads)
    tokens = (arguments.before, arguments.after)
    stage = (
        remote_stage(arguments, options, tokens)
        if arguments.remote
        else stage_with_baseline(arguments, options, tokens, arguments.prefill_budget)
    )
    return bench_typing.measure_on(stage, arguments, say)
