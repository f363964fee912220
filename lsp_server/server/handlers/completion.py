"""`textDocument/completion`: an item in the menu, for clients without ghost text.

Some clients send their settings only after `initialize`. Where the client allows it, the capability follows them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from lsprotocol import types

from lsp_server.completion.request import Answer, CompletionRequest
from lsp_server.server.client.convert import menu_items_to_lsp
from lsp_server.server.handlers.context import HandlerContext
from lsp_server.server.tasks import BackgroundTasks
from lsp_server.text.document import Document
from lsp_server.text.snapshot import Snapshot

_TRIGGER_CHARACTERS = [".", "(", "[", "{", "=", " ", ","]
_OPTIONS = types.CompletionOptions(trigger_characters=_TRIGGER_CHARACTERS)
_NOTHING = types.CompletionList(is_incomplete=True, items=[])
_REGISTRATION = "infill/completion"


def register(context: HandlerContext) -> None:
    """Add the handler, and with it the capability while `initialize` is not answered yet."""
    context.menu.is_offered = True

    def to_lsp(document: Document, snapshot: Snapshot, answer: Answer) -> types.CompletionList:
        client = context.client
        return menu_items_to_lsp(document, snapshot, answer.text, client.encoding, client.capabilities.menu)

    @context.server.feature(types.TEXT_DOCUMENT_COMPLETION, _OPTIONS)
    def completion(params: types.CompletionParams) -> Awaitable[types.CompletionList]:
        uri = params.text_document.uri
        settings = context.settings.of(uri).completion
        is_wanted = context.menu.is_wanted(settings)
        if not is_wanted or (settings.menu == "manual" and context.menu.is_from_typing(uri)):
            return _nothing()
        # Clients call nearly every request "invoked", typing included: eglot and Helix know no other word.
        request = CompletionRequest("menu", automatic=True)
        ask = context.completions.complete(uri, params.position, request, to_lsp)
        edited = context.documents.next_edit(uri)
        return _within(settings.menu_wait_ms, ask, edited, context.tasks)


async def _within(
    wait_ms: int,
    ask: Callable[[], Awaitable[types.CompletionList | None]],
    edited: asyncio.Future[None],
    tasks: BackgroundTasks,
) -> types.CompletionList:
    """An answer if it comes in time and before the next edit. A late one is still computed, for the next keystroke.

    Helix sends no other menu request while one is open. An answer for a text that has changed would be of no use.
    An empty list instead of None is incomplete, because some clients keep an old list after null.
    """
    task = asyncio.ensure_future(ask())
    awaited: set[asyncio.Future[None] | asyncio.Future[types.CompletionList | None]] = {task, edited}
    timeout_s = wait_ms / 1000 if wait_ms else None
    try:
        await asyncio.wait(awaited, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
    except asyncio.CancelledError:
        task.cancel()
        raise
    if not task.done():
        tasks.track_task(task)
        return _NOTHING
    return task.result() or _NOTHING


def follow_settings(context: HandlerContext) -> None:
    """Offer the menu to a client whose settings came after `initialize`. A menu once offered stays, without items."""
    settings = (context.settings.current, *context.settings.by_folder.values())
    if context.menu.is_offered or not any(context.menu.is_wanted(each.completion) for each in settings):
        return
    if not context.client.capabilities.registers_completion:
        context.client.messages.notify_once(
            types.MessageType.Warning,
            "`completion.menu` came too late for this editor. Set it in infill's own settings file, or send it with "
            "initializationOptions.",
        )
        return
    register(context)
    options = types.CompletionRegistrationOptions(trigger_characters=_TRIGGER_CHARACTERS)
    context.client.register_capability(_REGISTRATION, types.TEXT_DOCUMENT_COMPLETION, options)


async def _nothing() -> types.CompletionList:
    return _NOTHING
