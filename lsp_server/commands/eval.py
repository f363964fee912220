"""`infill eval KIND`: how good the completions of a model are, measured on this machine."""

from __future__ import annotations

import argparse

from lsp_server.commands import eval_typing, measuring


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Define the kinds and their options."""
    parser.set_defaults(advice="Other evaluations need a checkout of infill's repository: python -m tests.eval KIND")
    measuring.add_kinds(parser, {"typing": eval_typing})


def run(arguments: argparse.Namespace) -> int:
    """Measure, write the JSON file, and print."""
    return measuring.run(arguments)
