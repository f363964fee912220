"""`workspace/executeCommand`: all commands. `PROTOCOL.md` describes their arguments and answers."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from pygls.exceptions import JsonRpcInvalidParams

from lsp_server import __version__
from lsp_server.server.client.command_args import first_of, read_argument
from lsp_server.server.client.convert import ACCEPTED, RUN_ACTION
from lsp_server.server.features.code_actions import CodeActionData
from lsp_server.server.handlers.context import HandlerContext
from lsp_server.text.document import Position

_REJECTED = "infill.rejected"
_PARTIALLY_ACCEPTED = "infill.partiallyAccepted"
_EDIT = "infill.edit"

_Argument = TypeVar("_Argument", bound=msgspec.Struct)


def register(context: HandlerContext) -> None:
    """Add the commands. Their arguments are `Any`: pygls takes a first parameter of type `object` for the server."""
    _register_diagnosis(context)
    _register_reports(context)
    _register_actions(context)


def _register_diagnosis(context: HandlerContext) -> None:
    @context.server.command("infill.explainLast")
    def explain_last(*arguments: Any) -> str:
        """The trace of the last request; with source text if the first argument is true."""
        trace = context.completions.last_trace
        return trace.render(with_text=bool(arguments and arguments[0])) if trace else "Nothing has been asked yet."

    @context.server.command("infill.toggle")
    def toggle(*arguments: Any) -> dict[str, Any]:
        """Switch completion off or on, for now; returns the status that follows."""
        return _toggle(context, _read("infill.toggle", arguments, _Toggle))

    @context.server.command("infill.dumpState")
    def dump_state(*_: Any) -> Awaitable[str]:
        """The whole state as text, without source text."""
        return _debug_state(context)


def _register_reports(context: HandlerContext) -> None:
    @context.server.command(ACCEPTED)
    def accepted(*arguments: Any) -> bool:
        """A text was accepted; returns whether its id is known."""
        return context.usage.accepted(_read(ACCEPTED, arguments, _Text).id)

    @context.server.command(_PARTIALLY_ACCEPTED)
    def partially_accepted(*arguments: Any) -> bool:
        """A text was accepted up to a length; returns whether its id is known."""
        part = _read(_PARTIALLY_ACCEPTED, arguments, _Part)
        return context.usage.accepted(part.id, part.length)

    @context.server.command(_REJECTED)
    def rejected(*arguments: Any) -> bool:
        """A text was rejected; returns whether its id is known."""
        return context.usage.rejected(_read(_REJECTED, arguments, _Text).id)


def _register_actions(context: HandlerContext) -> None:
    @context.server.command(RUN_ACTION)
    def run_action(*arguments: Any) -> Awaitable[Any]:
        """Run a code action: apply its edit, or return the text that explains."""
        return context.code_actions.run(CodeActionData.read(first_of(arguments)))

    @context.server.command(_EDIT)
    def edit_by_instruction(*arguments: Any) -> Awaitable[Any]:
        """Change a range as an instruction says."""
        return context.code_actions.run(_edit_action(context, first_of(arguments)))

    @context.server.command("infill.chatStatus")
    def chat_status(*_: Any) -> dict[str, Any]:
        """Whether an instruct model is available, and if not, why."""
        problem = context.code_actions.chat_problem()
        return {"available": not problem, "message": problem}


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


class _Place(msgspec.Struct, frozen=True):
    line: int
    character: int


class _Range(msgspec.Struct, frozen=True):
    start: _Place
    end: _Place


class _Instruction(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The argument of `infill.edit`. The range is in the client's units."""

    uri: str
    range: _Range
    instruction: str


def _read(command: str, arguments: tuple[Any, ...], kind: type[_Argument]) -> _Argument:
    return read_argument(first_of(arguments), kind, command)


def _edit_action(context: HandlerContext, argument: Any) -> CodeActionData:
    wanted = read_argument(argument, _Instruction, _EDIT)
    document = context.documents.frozen(wanted.uri)
    if document is None:
        raise JsonRpcInvalidParams(f"{_EDIT}: {wanted.uri} is not open.")
    first, last = (
        document.code_points(Position(place.line, place.character), context.client.encoding)
        for place in (wanted.range.start, wanted.range.end)
    )
    return CodeActionData(
        "edit",
        document.uri,
        document.version,
        (first.line, first.character),
        (last.line, last.character),
        instruction=wanted.instruction,
    )


def _toggle(context: HandlerContext, wanted: _Toggle) -> dict[str, Any]:
    switch, status = context.switch, context.status
    scope, value = wanted.scope, wanted.value
    flips = wanted.on is None and math.isinf(wanted.minutes)
    is_on = not switch.is_on(scope, value) if flips else bool(wanted.on)
    if is_on:
        switch.turn_on(scope, value)
    else:
        seconds = wanted.minutes * 60
        switch.turn_off(scope, value, seconds)
        if math.isfinite(seconds):
            asyncio.get_running_loop().call_later(seconds + 0.01, status.notify)
    status.notify()
    return status.current() | {"on": is_on}


async def _debug_state(context: HandlerContext) -> str:
    documents, manager = context.documents, context.engines.manager
    lines = [
        f"infill {__version__}",
        f"{documents.num_documents} documents open, {len(documents.roots)} workspace folders",
        f"positions in {context.client.encoding}",
        f"menu client: {context.client.capabilities.menu.__dict__}",
        *await context.indexing.describe(),
        await manager.dump() if manager else "engine not started",
        f"settings {context.settings.current}",  # last: the longest, and editors show the beginning
        *(f"settings of {folder.name} {own}" for folder, own in context.settings.by_folder.items()),
    ]
    return "\n".join(lines)
