"""`infill engine status|stop|logs`: the engines that editors share."""

from __future__ import annotations

import argparse
import time
from collections import deque

from lsp_server.commands.printing import make_console, make_table

_LINES = 40


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Define the options."""
    kinds = parser.add_subparsers(dest="kind", metavar="ACTION", required=True)
    kinds.add_parser("status", help="which engines run, and what they hold")
    stop = kinds.add_parser("stop", help="end them; those in use only with --force")
    stop.add_argument("--force", action="store_true", help="also those in use: their editors start them again")
    logs = kinds.add_parser("logs", help="the end of what they had to say")
    logs.add_argument("--lines", type=int, default=_LINES, metavar="N", help=f"so many lines of each ({_LINES})")


def run(arguments: argparse.Namespace) -> int:
    """Show or end the shared engines."""
    return {"status": _status, "stop": _stop, "logs": _logs}[arguments.kind](arguments)


def _status(_: argparse.Namespace) -> int:
    from lsp_server.engine import shared

    found = list(shared.records())
    if not found:
        print("No shared engine is running. The next editor starts one.")
        return 0
    table = make_table("process", "model", "running for", "version")
    for _key, record in found:
        table.add_row(str(record.pid), record.model_path, _duration(time.time() - record.started_at), record.version)
    make_console().print(table)
    return 0


def _stop(arguments: argparse.Namespace) -> int:
    from lsp_server.engine import shared

    status = 0
    for _, record in list(shared.records()):
        if shared.stop(record, with_clients=arguments.force):
            print(f"Stopped the engine {record.pid}.")
        else:
            print(f"The engine {record.pid} is in use by an editor: close it, or say --force.")
            status = 1
    return status


def _logs(arguments: argparse.Namespace) -> int:
    from lsp_server.engine import shared

    for path in shared.log_files():
        print(f"{path}:")
        with path.open(encoding="utf-8", errors="replace") as log:
            print("".join(deque(log, max(1, arguments.lines))), end="")
    return 0


def _duration(seconds: float) -> str:
    minutes = int(seconds // 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"
