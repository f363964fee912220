"""`textDocument/codeAction`, `codeAction/resolve`, and commands: for clients that resolve nothing, and for plugins."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from typing import Any

import msgspec
from lsprotocol import types
from pygls.exceptions import JsonRpcException, JsonRpcInvalidParams

from lsp_server.actions.offers import Offer, chat_offers, fill_offers, import_offers
from lsp_server.actions.writing import source_of
from lsp_server.base.errors import InfillError
from lsp_server.server.client.command_args import first_of, read_argument
from lsp_server.server.client.convert import position_from_lsp
from lsp_server.server.features.code_actions import Chosen
from lsp_server.server.main import InfillServer
from lsp_server.text.document import Document, Position

RUN, EDIT, CHAT_STATUS = "infill.runAction", "infill.edit", "infill.chatStatus"
_REQUEST_FAILED = -32803  # LSP 3.17, "ErrorCodes"
_REWRITE, _QUICK_FIX = types.CodeActionKind.RefactorRewrite.value, types.CodeActionKind.QuickFix.value
_KINDS = {
    "fill": _REWRITE,
    "rewrite": _REWRITE,
    "document": _REWRITE,
    "import": _QUICK_FIX,
    "fix": _QUICK_FIX,
    "explain": "refactor.infill.explain",
    "test": "refactor.infill.test",
}


def register(server: InfillServer) -> None:
    """Add the commands, and for a client with a menu of code actions the actions."""

    @server.command(RUN)
    def run_action(*arguments: Any) -> Awaitable[Any]:
        """Do an action that was offered: apply its edit, or return the text it leads to."""
        return _run(server, _chosen(first_of(arguments)))

    @server.command(EDIT)
    def edit_by_instruction(*arguments: Any) -> Awaitable[Any]:
        """Change a range as an instruction says: `PROTOCOL.md` has the argument."""
        return _run(server, _instructed(server, first_of(arguments)))

    @server.command(CHAT_STATUS)
    def chat_status(*_: Any) -> dict[str, Any]:
        """Whether an instruct model can be asked, and if not, why."""
        problem = server.actor.chat_problem()
        return {"available": not problem, "message": problem}

    if not server.edit_client.has_actions:
        return
    kinds = sorted(set(_KINDS.values()))
    options = types.CodeActionOptions(code_action_kinds=kinds, resolve_provider=server.edit_client.resolves_edits)

    @server.feature(types.TEXT_DOCUMENT_CODE_ACTION, options)
    def code_action(params: types.CodeActionParams) -> Awaitable[list[types.CodeAction | types.Command]]:
        return _offered(server, params)

    @server.feature(types.CODE_ACTION_RESOLVE)
    def resolve(action: types.CodeAction) -> Awaitable[types.CodeAction]:
        return _resolved(server, action)


async def _offered(server: InfillServer, params: types.CodeActionParams) -> list[types.CodeAction | types.Command]:
    document = server.documents.get(params.text_document.uri)
    if document is None or not server.settings.actions or not server.actor.may_act(document):
        return []
    start, end = (
        document.code_points(position_from_lsp(position), server.encoding)
        for position in (params.range.start, params.range.end)
    )
    problems = [
        (document.code_points(position_from_lsp(each.range.start), server.encoding).line, each.message)
        for each in params.context.diagnostics
    ]
    # Off the loop: this is asked at every move of the cursor, and reads the whole document.
    source = await asyncio.to_thread(source_of, document)
    offers = fill_offers(source, start, end) + await asyncio.to_thread(import_offers, source, start.line)
    if not server.actor.chat_problem():
        by_chat = chat_offers(source, start, end, [message for _, message in problems])
        offers += [offer for offer in by_chat if offer.kind != "test" or server.actor.can_test(document)]
    only = params.context.only
    return [
        _to_lsp(server, document, offer, problems if offer.kind == "fix" else [])
        for offer in offers
        if not only or any(_is_a(_KINDS[offer.kind], kind) for kind in only)
    ]


def _is_a(kind: str, wanted: types.CodeActionKind | str) -> bool:
    """Whether a kind is another, or one of its sub-kinds (LSP 3.18, "CodeActionKind")."""
    name = wanted if isinstance(wanted, str) else wanted.value
    return kind == name or kind.startswith(f"{name}.")


def _to_lsp(
    server: InfillServer, document: Document, offer: Offer, problems: Sequence[tuple[int, str]]
) -> types.CodeAction | types.Command:
    """An action to be resolved; a command for a client that cannot, and for a text that no edit holds."""
    chosen = Chosen(
        offer.kind,
        document.uri,
        document.version,
        (offer.start.line, offer.start.character),
        (offer.end.line, offer.end.character),
        offer.name,
        problems=list(problems),
    )
    data = msgspec.to_builtins(chosen)
    client = server.edit_client
    command = types.Command(title=offer.title, command=RUN, arguments=[data])
    if not client.takes_literals:
        return command
    action = types.CodeAction(title=offer.title, kind=_KINDS[offer.kind], data=data)
    if offer.kind == "explain" or not client.resolves_edits:
        action.command = command
    return action


async def _resolved(server: InfillServer, action: types.CodeAction) -> types.CodeAction:
    if action.command is None:  # else there is nothing to resolve
        action.edit = await _edit(server, _chosen(action.data))
    return action


async def _run(server: InfillServer, chosen: Chosen) -> Any:
    if chosen.kind == "explain":
        try:
            return await server.actor.explain(chosen)
        except InfillError as error:
            raise _failed(server, error) from None
    edit = await _edit(server, chosen)
    params = types.ApplyWorkspaceEditParams(edit=edit, label=chosen.offer.title)
    result = await server.workspace_apply_edit_async(params)
    return {"applied": result.applied}


async def _edit(server: InfillServer, chosen: Chosen) -> types.WorkspaceEdit:
    try:
        with server.status.generating():
            return await server.actor.edit(chosen)
    except InfillError as error:
        raise _failed(server, error) from None


def _failed(server: InfillServer, error: InfillError) -> JsonRpcException:
    """The answer to a request that came to nothing. Editors hide it, so the user is told too."""
    message = types.ShowMessageParams(type=types.MessageType.Warning, message=f"infill: {error}")
    server.window_show_message(message)
    return JsonRpcException(str(error), _REQUEST_FAILED)


def _chosen(argument: Any) -> Chosen:
    return read_argument(argument, Chosen, "This is no action of infill's")


class _Place(msgspec.Struct, frozen=True):
    line: int
    character: int


class _Range(msgspec.Struct, frozen=True):
    start: _Place
    end: _Place


class _Instruction(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The argument of `infill.edit`; the range is the client's."""

    uri: str
    range: _Range
    instruction: str


def _instructed(server: InfillServer, argument: Any) -> Chosen:
    wanted = read_argument(argument, _Instruction, EDIT)
    document = server.documents.get(wanted.uri)
    if document is None:
        raise JsonRpcInvalidParams(f"{EDIT}: {wanted.uri} is not open.")
    first, last = (
        document.code_points(Position(place.line, place.character), server.encoding)
        for place in (wanted.range.start, wanted.range.end)
    )
    return Chosen(
        "edit",
        document.uri,
        document.version,
        (first.line, first.character),
        (last.line, last.character),
        instruction=wanted.instruction,
    )
