"""`infill serve`: the language server."""

from __future__ import annotations

import argparse
import logging
import sys

from lsp_server.base.errors import InfillError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Define the options."""
    parser.add_argument("--stdio", action="store_true", help="speak over standard input and output (the default)")
    parser.add_argument("--tcp", metavar="[HOST:]PORT", help="wait for one client on a port instead, for debugging")
    parser.add_argument("--verbose", action="store_true", help="log more to standard error")


def run(arguments: argparse.Namespace) -> int:
    """Serve until the client leaves."""
    from lsp_server.server import main

    level = logging.INFO if arguments.verbose else logging.WARNING
    logging.basicConfig(level=level, stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s")
    # At INFO pygls logs whole messages, and with them the user's source text.
    logging.getLogger("pygls").setLevel(logging.WARNING)
    if arguments.tcp is None:
        return main.serve_stdio()
    host, _, port = arguments.tcp.rpartition(":")
    if not port.isdecimal():
        raise InfillError(f"--tcp needs a port, such as 2087 or localhost:2087, not {arguments.tcp!r}.")
    return main.serve_tcp(
        host or "127.0.0.1", int(port), lambda bound: print(f"listening on port {bound}", file=sys.stderr)
    )
