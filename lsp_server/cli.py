"""The command `infill`: arguments in, exit status out. Each subcommand is a file in `commands/`."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence
from typing import NoReturn

from lsp_server import __version__
from lsp_server.base.errors import InfillError
from lsp_server.commands.standard_streams import drop_output, flush_output, make_readable

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
    "bench": "measure what a keystroke costs on this machine",
    "eval": "measure what a model shows while somebody types",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command. Errors are one or two lines, never a traceback."""
    make_readable()
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    parser = _Parser(prog="infill", description="Code completion in any editor, by a model on your own machine.")
    parser.add_argument("--version", action="version", version=f"infill {__version__}")
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, summary in COMMANDS.items():
        subparser = subparsers.add_parser(name, help=summary, description=summary.capitalize() + ".")
        if name in arguments:
            module = importlib.import_module(f"lsp_server.commands.{name}")
            module.add_arguments(subparser)
            subparser.set_defaults(run=module.run)
    return call(parser, arguments)


def call(parser: argparse.ArgumentParser, arguments: Sequence[str] | None) -> int:
    """Parse the arguments and run their command; its exit status. Errors are printed."""
    try:
        try:
            parsed = parser.parse_args(arguments)
            return int(parsed.run(parsed))
        finally:
            flush_output()  # of --help, too
    except InfillError as error:
        print(f"infill: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # the reader of our output has left
        drop_output()
        return 141
    except OSError as error:  # a full disk, a folder that is none
        drop_output()
        print(f"infill: {error}", file=sys.stderr)
        return 1


class _Parser(argparse.ArgumentParser):
    """A parser whose complaints end with its default `advice`, if it has one."""

    def error(self, message: str) -> NoReturn:
        """Complain, and end the program."""
        super().error("\n".join(filter(None, (message, self.get_default("advice")))))
