"""`textDocument/completion`: an item in the menu, for clients without ghost text.

A client with ghost text is not offered the menu too, unless its user wants it: VS Code cancels the one for the other.
Some clients send their settings only after `initialize`; where the client allows it, the capability follows them.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

from lsprotocol import types

from lsp_server.completion.request import Answer, CompletionRequest
from lsp_server.server.client.convert import menu_items_to_lsp
from lsp_server.server.handlers.completion_request import ask_pipeline
from lsp_server.server.main import InfillServer
from lsp_server.settings.model import CompletionSettings
from lsp_server.text.document import Document
from lsp_server.text.snapshot import Snapshot

_TRIGGER_CHARACTERS = [".", "(", "[", "{", "=", " ", ","]
_OPTIONS = types.CompletionOptions(trigger_characters=_TRIGGER_CHARACTERS)
# No editor waits longer than this after a letter before it asks for its menu.
TYPING_S = 1.0
_NOTHING = types.CompletionList(is_incomplete=True, items=[])
_REGISTRATION = "infill/completion"


def is_wanted(capabilities: types.ClientCapabilities, settings: CompletionSettings) -> bool:
    """Whether the menu is to be offered to a client with these settings."""
    has_ghost_text = capabilities.text_document is not None and capabilities.text_document.inline_completion is not None
    return settings.menu in ("always", "manual") or (settings.menu == "auto" and not has_ghost_text)


def register(server: InfillServer) -> None:
    """Add the handler; before `initialize` is answered, the capability with it."""
    server.offers_menu = True

    def to_lsp(document: Document, snapshot: Snapshot, answer: Answer) -> types.CompletionList:
        assert server.menu_client is not None
        return menu_items_to_lsp(document, snapshot, answer.text, server.encoding, server.menu_client)

    @server.feature(types.TEXT_DOCUMENT_COMPLETION, _OPTIONS)
    def completion(params: types.CompletionParams) -> Awaitable[types.CompletionList]:
        chosen = server.settings.completion
        uri = params.text_document.uri
        if not is_wanted(server.client_capabilities, chosen) or (chosen.menu == "manual" and _is_typing(server, uri)):
            return _or_nothing(_no_answer())
        # Clients call nearly everything "invoked", typing included: eglot and Helix have no other word for it.
        request = CompletionRequest("menu", automatic=True)
        answer = ask_pipeline(server, uri, params.position, request, to_lsp)
        edited = server.next_edit(uri)
        return _or_nothing(_within(chosen.menu_wait_ms, answer, edited, server.keep))


def _is_typing(server: InfillServer, uri: str) -> bool:
    """Whether a menu comes of typing: the text changed a moment ago, and this is the first menu since."""
    document = server.documents.get(uri)
    if document is None:
        return False
    is_first = server.menu_asked_at.get(uri) != document.version
    server.menu_asked_at[uri] = document.version
    return is_first and time.monotonic() - document.edited_at < TYPING_S


async def _within(
    wait_ms: int,
    answer: Awaitable[types.CompletionList | None],
    edited: asyncio.Future[None],
    keep: Callable[[asyncio.Future[Any]], None],
) -> types.CompletionList | None:
    """An answer if it comes in time and before the next edit. A late one is written on, for the next keystroke to find.

    Helix asks for no other menu while one is to come, and an answer for a text that has changed would be none.
    """
    task = asyncio.ensure_future(answer)
    awaited: set[asyncio.Future[Any]] = {task, edited}
    timeout_s = wait_ms / 1000 if wait_ms else None
    try:
        await asyncio.wait(awaited, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
    except asyncio.CancelledError:
        task.cancel()
        raise
    if not task.done():
        keep(task)
        return None
    return task.result()


def follow_settings(server: InfillServer) -> None:
    """Offer the menu to a client whose settings came after `initialize`. What was offered stays, and has no items."""
    wanted = is_wanted(server.client_capabilities, server.settings.completion)
    if not wanted or server.offers_menu:
        return
    document = server.client_capabilities.text_document
    if not (document and document.completion and document.completion.dynamic_registration):
        server.tell(
            types.MessageType.Warning,
            "`completion.menu` came too late for this editor. Set it in infill's own settings file, or send it with "
            "initializationOptions.",
        )
        return
    register(server)
    options = types.CompletionRegistrationOptions(trigger_characters=_TRIGGER_CHARACTERS)
    registration = types.Registration(_REGISTRATION, types.TEXT_DOCUMENT_COMPLETION, options)
    server.protocol.send_request(
        types.CLIENT_REGISTER_CAPABILITY, types.RegistrationParams(registrations=[registration])
    )


async def _no_answer() -> None:
    return None


async def _or_nothing(answer: Awaitable[types.CompletionList | None]) -> types.CompletionList:
    """An empty list that asks to be asked again; null would let some clients keep an old one."""
    return await answer or _NOTHING
