"""`infill bench KIND`: how fast a model completes on this machine."""

from __future__ import annotations

import argparse

from lsp_server.commands import bench_typing, measuring


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Define the kinds and their options."""
    parser.set_defaults(advice="Other benchmarks need a checkout of infill's repository: python -m tests.bench KIND")
    measuring.add_kinds(parser, {"typing": bench_typing})


def run(arguments: argparse.Namespace) -> int:
    """Measure, write the JSON file, and print."""
    return measuring.run(arguments)
