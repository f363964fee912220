"""`workspace/executeCommand`: what a user can ask the server about itself."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable
from typing import Annotated, Any, Literal

import msgspec
from pygls.exceptions import JsonRpcInvalidParams

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

    @server.command("infill.toggle")
    def toggle(*arguments: Any) -> dict[str, Any]:
        """Switch completion off or on, for now: `PROTOCOL.md` has the argument. The status it leads to."""
        return _toggle(server, arguments[0] if arguments else None)

    @server.command("infill.dumpState")
    def dump_state(*_: Any) -> Awaitable[str]:
        """The whole state as text, without source text."""
        return _dump(server)


class _Toggle(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    scope: Literal["all", "language", "folder"] = "all"
    value: str = ""
    on: bool | None = None
    minutes: Annotated[float, msgspec.Meta(gt=0)] = math.inf


def _toggle(server: InfillServer, argument: Any) -> dict[str, Any]:
    try:
        wanted = msgspec.convert({} if argument is None else argument, _Toggle, from_attributes=True)
    except msgspec.ValidationError as error:
        raise JsonRpcInvalidParams(f"infill.toggle: {error}.") from None
    scope, value = wanted.scope, wanted.value
    if wanted.on is None and math.isinf(wanted.minutes):
        is_on = not server.switch.is_on(scope, value)
    else:
        is_on = bool(wanted.on)
    if is_on:
        server.switch.turn_on(scope, value)
    else:
        seconds = wanted.minutes * 60
        server.switch.turn_off(scope, value, seconds)
        if math.isfinite(seconds):
            asyncio.get_running_loop().call_later(seconds + 0.01, server.status.tell)
    server.status.tell()
    return server.status.now() | {"on": is_on}


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
