"""The commands `python -m tests.bench` and `python -m tests.eval`, which measure as `infill bench` and `eval` do."""

from __future__ import annotations

import argparse
import functools
from collections.abc import Mapping, Sequence

from lsp_server import cli
from lsp_server.commands import measuring


def main(program: str, description: str, kinds: Mapping[str, measuring.Kind], arguments: Sequence[str] | None) -> int:
    """Run the kind that the arguments name. Returns the exit status."""
    parser = argparse.ArgumentParser(prog=program, description=description)
    measuring.add_kinds(parser, kinds)
    parser.set_defaults(run=functools.partial(measuring.run, program=program))
    return cli.call(parser, arguments)
