"""`python -m tests.eval anchored`."""

from __future__ import annotations

import argparse

from lsp_server.commands.cli_settings import model_file
from lsp_server.commands.measuring import Results, Say, add_model_options
from lsp_server.engine.backends.llama.backend import LlamaBackend
from lsp_server.ipc.launch import EngineOptions
from tests.eval import anchored
from tests.eval.rows import show

__all__ = ["SUMMARY", "add_arguments", "measure", "show"]

SUMMARY = "whether anchored fill, with and without healing, is as good as a fresh prompt"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Define the options."""
    add_model_options(parser)
    parser.add_argument("--holes", type=int, default=2120, metavar="N", help="random cuts of lines (2120)")
    parser.add_argument("--window", type=int, default=512, metavar="N", help="tokens; small, to try many holes (512)")


def measure(arguments: argparse.Namespace, say: Say) -> Results:
    """Ask the model in this process."""
    num_variants = len(anchored.VARIANTS)
    backend = LlamaBackend(
        EngineOptions(
            model_file(arguments.model),
            context_tokens=arguments.window,
            cache_tokens=(1 + num_variants) * arguments.window,
            num_sequences=1 + num_variants,
            batch_tokens=num_variants * arguments.window,  # a whole prompt of each, at worst
            threads=arguments.threads,
        )
    )
    try:
        return {"rows": anchored.measure_all(backend, arguments.holes, say)}
    finally:
        backend.close()
