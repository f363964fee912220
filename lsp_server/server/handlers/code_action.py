"""`textDocument/codeAction` and `codeAction/resolve`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass

import msgspec
from lsprotocol import types

from lsp_server.actions.candidates import CodeActionCandidate, chat_candidates, fill_candidates, import_candidates
from lsp_server.actions.writing import source_of
from lsp_server.server.client.capabilities import EditSupport
from lsp_server.server.client.convert import RUN_ACTION, position_from_lsp
from lsp_server.server.features.code_actions import CodeActionData
from lsp_server.server.handlers.context import HandlerContext
from lsp_server.text.document import FrozenDocument, Position

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


def register(context: HandlerContext) -> None:
    """Add the handlers."""
    kinds = sorted(set(_KINDS.values()))
    resolves = context.client.capabilities.edits.resolves_edits
    options = types.CodeActionOptions(code_action_kinds=kinds, resolve_provider=resolves)

    @context.server.feature(types.TEXT_DOCUMENT_CODE_ACTION, options)
    def code_action(params: types.CodeActionParams) -> Awaitable[list[types.CodeAction | types.Command]]:
        return _code_actions(context, params)

    @context.server.feature(types.CODE_ACTION_RESOLVE)
    def resolve(action: types.CodeAction) -> Awaitable[types.CodeAction]:
        return _resolved(context, action)


def _code_actions(
    context: HandlerContext, params: types.CodeActionParams
) -> Awaitable[list[types.CodeAction | types.Command]]:
    """Freeze the document and the places in it, now. The rest is done later and reads nothing else of the document."""
    document, runner = context.documents.frozen(params.text_document.uri), context.code_actions
    if document is None or not runner.is_allowed(document):
        return _nothing()
    encoding, only = context.client.encoding, params.context.only
    start, end = (
        document.code_points(position_from_lsp(position), encoding)
        for position in (params.range.start, params.range.end)
    )
    problems = [
        (document.code_points(position_from_lsp(each.range.start), encoding).line, each.message)
        for each in params.context.diagnostics
    ]
    wanted = {kind for kind, name in _KINDS.items() if not only or any(_is_a(name, each) for each in only)}
    edits = context.client.capabilities.edits
    if not (edits.resolves_edits or edits.applies_edits):
        wanted &= {"explain"}  # which edits nothing
    return _offered(context, document, _Request(start, end, problems, wanted))


@dataclass(frozen=True, slots=True)
class _Request:
    """What a client asked for: a range in code points, the diagnostics in it with their lines, and the kinds."""

    start: Position
    end: Position
    problems: list[tuple[int, str]]
    wanted: set[str]


async def _nothing() -> list[types.CodeAction | types.Command]:
    return []


async def _offered(
    context: HandlerContext, document: FrozenDocument, request: _Request
) -> list[types.CodeAction | types.Command]:
    if not context.settings.of(document.uri).actions:  # here, because the settings may arrive right before the request
        return []
    runner, support = context.code_actions, context.client.capabilities.edits
    # In a thread: editors ask at every move of the cursor, and this reads the whole document.
    has_chat = not runner.chat_problem()
    found = await asyncio.to_thread(_candidates, document, request, has_chat)
    if not context.documents.is_current(document):
        return []  # the ranges were of a text that is no longer there
    return [
        _to_lsp(document, candidate, request.problems if candidate.kind == "fix" else [], support)
        for candidate in found
        if candidate.kind != "test" or runner.can_test(document)
    ]


def _candidates(document: FrozenDocument, request: _Request, has_chat: bool) -> list[CodeActionCandidate]:
    """The actions of the wanted kinds that apply."""
    source, wanted = source_of(document), request.wanted
    found = []
    if wanted & {"fill", "document", "rewrite"}:
        found += fill_candidates(source, request.start, request.end)
    if "import" in wanted:
        found += import_candidates(source, request.start.line)
    if has_chat and wanted & {"fix", "explain", "test"}:
        found += chat_candidates(source, request.start, request.end, [message for _, message in request.problems])
    return [each for each in found if each.kind in wanted]


def _is_a(kind: str, wanted: types.CodeActionKind | str) -> bool:
    """Whether a kind is another, or one of its sub-kinds (LSP 3.18, "CodeActionKind")."""
    name = wanted if isinstance(wanted, str) else wanted.value
    return kind == name or kind.startswith(f"{name}.")


def _to_lsp(
    document: FrozenDocument, candidate: CodeActionCandidate, problems: Sequence[tuple[int, str]], support: EditSupport
) -> types.CodeAction | types.Command:
    """An action to resolve. It has a command if the client cannot resolve, or if it explains instead of editing."""
    action_data = CodeActionData(
        candidate.kind,
        document.uri,
        document.version,
        (candidate.start.line, candidate.start.character),
        (candidate.end.line, candidate.end.character),
        candidate.name,
        problems=list(problems),
    )
    data = msgspec.to_builtins(action_data)
    command = types.Command(title=candidate.title, command=RUN_ACTION, arguments=[data])
    if not support.takes_literals:
        return command
    action = types.CodeAction(title=candidate.title, kind=_KINDS[candidate.kind], data=data)
    if candidate.kind == "explain" or not support.resolves_edits:
        action.command = command
    return action


async def _resolved(context: HandlerContext, action: types.CodeAction) -> types.CodeAction:
    if action.command is None:  # else there is nothing to resolve
        action.edit = await context.code_actions.resolve(CodeActionData.read(action.data))
    return action
