"""`infill engine status|stop|logs|serve`: the shared engines, and the gateway at a fixed address."""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections import deque

from lsp_server.base.errors import EngineError
from lsp_server.commands.console import make_console, make_table
from lsp_server.engine.client.interface import EngineState
from lsp_server.ipc.launch import EngineOptions

_LINES = 40
_PORT = 8012  # the default of llama.vim and llama.vscode


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Define the options."""
    kinds = parser.add_subparsers(dest="kind", metavar="ACTION", required=True)
    kinds.add_parser("status", help="list the running engines and their models")
    stop = kinds.add_parser("stop", help="end the engines; those in use only with --force")
    stop.add_argument("--force", action="store_true", help="also end engines in use: their editors start them again")
    logs = kinds.add_parser("logs", help="print the end of the engines' logs")
    logs.add_argument("--lines", type=int, default=_LINES, metavar="N", help=f"lines of each log ({_LINES})")
    serve = kinds.add_parser("serve", help="answer llama.vim, llama.vscode and others at a fixed address")
    serve.add_argument("--port", type=_port, default=_PORT, metavar="N", help=f"port on loopback; 0: any ({_PORT})")
    serve.add_argument("--model", metavar="MODEL", help="a model by name or path, instead of the one in the settings")


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port < 1 << 16:
        raise argparse.ArgumentTypeError("must be below 65536")
    return port


def run(arguments: argparse.Namespace) -> int:
    """Run the action."""
    return {"status": _status, "stop": _stop, "logs": _logs, "serve": _serve}[arguments.kind](arguments)


def _status(_: argparse.Namespace) -> int:
    from lsp_server.engine.client import shared

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
    from lsp_server.engine.client import shared

    status = 0
    for _, record in list(shared.records()):
        if shared.stop(record, with_clients=arguments.force):
            print(f"Stopped the engine {record.pid}.")
        else:
            print(f"The engine {record.pid} is in use by an editor: close it, or say --force.")
            status = 1
    return status


def _logs(arguments: argparse.Namespace) -> int:
    from lsp_server.engine.client import shared

    told = [path for path in shared.log_files() if path.stat().st_size]
    if not told:
        print(f"No engine had anything to say. Their logs are in {shared.folder()}.")
    for path in told:
        print(f"{path}:")
        with path.open(encoding="utf-8", errors="replace") as log:
            print("".join(deque(log, max(1, arguments.lines))), end="")
    return 0


def _serve(arguments: argparse.Namespace) -> int:
    from lsp_server.commands.cli_settings import configure

    chosen, options, problems = configure(arguments.model)
    for problem in problems:
        print(f"infill: {problem}", file=sys.stderr)
    if options.remote:
        raise EngineError("Your settings name a remote engine (remote.url): let programs ask that one.")
    asyncio.run(_front(options, arguments.port, is_shared=chosen.engine.mode == "shared"))
    return 1


async def _front(options: EngineOptions, port: int, *, is_shared: bool) -> None:
    """Serve until the engine fails for good. Raises `EngineError` then."""
    from lsp_server.engine.client.connect import connect_private, connect_shared
    from lsp_server.engine.gateway import key
    from lsp_server.engine.gateway.gateway import Gateway

    gateway = Gateway(key.read_or_make(), options, connect_shared if is_shared else connect_private, _tell)
    async with gateway.listening(port) as bound:
        print(f"The engine is at http://127.0.0.1:{bound} until you end this.")
        print(f"Its key is in {key.key_file()}.", flush=True)
        raise EngineError(await gateway.failed())


def _tell(state: EngineState, _fraction: float, _message: str) -> None:
    if state is EngineState.READY:
        print("The model is loaded.", flush=True)


def _duration(seconds: float) -> str:
    minutes = max(0, int(seconds // 60))  # a clock may have been set back
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"
