"""The command `infill`: arguments in, exit status out. Each subcommand is a file in `commands/`."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence

from lsp_server import __version__
from lsp_server.base.errors import InfillError

# A subcommand is imported only when it is called. `serve` must answer an editor at once, without others' imports.
COMMANDS = {
    "serve": "run the language server (editors start it)",
    "complete": "complete at a place in a file and print it",
    "chat": "ask an instruct model something",
    "demo": "watch a short typing session",
    "doctor": "say what is installed, which model is used, and whether it can infill",
    "setup": "put what it needs into an editor's configuration, and try it",
    "engine": "show, stop, or read the logs of the engines that editors share, or serve other programs",
    "models": "list the models infill knows, and get them from the hub",
    "stats": "say how much was shown and accepted, from counts kept on this machine",
    "bench": "measure speed: the engine's beside a llama-server with the same model, and the index's",
    "eval": "measure how good completions and prompts are",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command. Errors are one or two lines, never a traceback."""
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    parser = argparse.ArgumentParser(
        prog="infill", description="Code completion in any editor, by a model on your own machine."
    )
    parser.add_argument("--version", action="version", version=f"infill {__version__}")
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, summary in COMMANDS.items():
        subparser = subparsers.add_parser(name, help=summary, description=summary.capitalize() + ".")
        if name in arguments:
            module = importlib.import_module(f"lsp_server.commands.{name}")
            module.add_arguments(subparser)
            subparser.set_defaults(run=module.run)
    parsed = parser.parse_args(arguments)
    try:
        return int(parsed.run(parsed))
    except InfillError as error:
        print(f"infill: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader of our output has left. Python must not try to flush standard output again.
        sys.stdout = None
        return 141
