"""`workspace/executeCommand`: what a user can ask the server about itself, and what a plugin can tell it."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable
from typing import Annotated, Any, Literal, TypeVar

import msgspec

from lsp_server import __version__
from lsp_server.server.client.command_args import first_of, read_argument
from lsp_server.server.client.convert import ACCEPTED
from lsp_server.server.main import InfillServer

_REJECTED = "infill.rejected"
_PARTIALLY_ACCEPTED = "infill.partiallyAccepted"

_Argument = TypeVar("_Argument", bound=msgspec.Struct)


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
        return _toggle(server, _read("infill.toggle", arguments, _Toggle))

    @server.command("infill.dumpState")
    def dump_state(*_: Any) -> Awaitable[str]:
        """The whole state as text, without source text."""
        return _dump(server)

    @server.command(ACCEPTED)
    def accepted(*arguments: Any) -> bool:
        """A text was accepted; whether it is one given lately."""
        return server.counting.accepted(_read(ACCEPTED, arguments, _Text).id)

    @server.command(_PARTIALLY_ACCEPTED)
    def partially_accepted(*arguments: Any) -> bool:
        """Of a text so much was accepted by now; whether it is one given lately."""
        part = _read(_PARTIALLY_ACCEPTED, arguments, _Part)
        return server.counting.accepted(part.id, part.length)

    @server.command(_REJECTED)
    def rejected(*arguments: Any) -> bool:
        """A text was turned down; whether it is one given lately."""
        return server.counting.rejected(_read(_REJECTED, arguments, _Text).id)


class _Toggle(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    scope: Literal["all", "language", "folder"] = "all"
    value: str = ""
    on: bool | None = None
    minutes: Annotated[float, msgspec.Meta(gt=0)] = math.inf


class _Text(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    id: int


class _Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    id: int
    length: Annotated[int, msgspec.Meta(ge=0)]


def _read(command: str, arguments: tuple[Any, ...], kind: type[_Argument]) -> _Argument:
    return read_argument(first_of(arguments), kind, command)


def _toggle(server: InfillServer, wanted: _Toggle) -> dict[str, Any]:
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
    client = server.menu_client
    lines = [
        f"infill {__version__}",
        f"{server.documents.num_documents} documents open, {len(server.documents.roots)} workspace folders",
        f"positions in {server.encoding}",
        f"menu client: {client.__dict__ if client else 'none'}",
        *await server.indexing.describe(),
        await server.engines.dump() if server.engines else "engine not started",
        f"settings {server.settings}",  # last: the longest, and editors show the beginning
    ]
    return "\n".join(lines)
