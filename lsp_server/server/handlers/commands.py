"""`workspace/executeCommand`: what a user can ask the server about itself."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any

from lsp_server import __version__
from lsp_server.server.app import InfillServer


def register(server: InfillServer) -> None:
    """Add the commands. Their arguments are `Any`: pygls takes a first parameter of type `object` for the server."""

    @server.command("infill.explainLast")
    def explain_last(*arguments: Any) -> str:
        """The trace of the last request; with source text if the first argument is true."""
        if server.last_trace is None:
            return "Nothing has been asked yet."
        return server.last_trace.render(with_text=bool(arguments and arguments[0]))

    @server.command("infill.dumpState")
    def dump_state(*_: Any) -> Awaitable[str]:
        """The whole state as text, without source text."""
        return _dump(server)


async def _dump(server: InfillServer) -> str:
    client = server.popup_client
    lines = [
        f"infill {__version__}",
        f"{server.documents.num_documents} documents open, {len(server.documents.roots)} workspace folders",
        f"positions in {server.encoding}, settings {server.settings}",
        f"menu client: {client.__dict__ if client else 'none'}",
        await server.engines.dump() if server.engines else "engine not started",
    ]
    return "\n".join(lines)
