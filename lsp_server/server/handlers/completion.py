"""`textDocument/completion`: an item in the menu, for clients without ghost text."""

from __future__ import annotations

from collections.abc import Awaitable

from lsprotocol import types

from lsp_server.document import Document
from lsp_server.pipeline import Ask
from lsp_server.server.app import InfillServer
from lsp_server.server.convert import popup_items_to_lsp
from lsp_server.server.handlers.asking import ask_pipeline
from lsp_server.snapshot import Snapshot

_TRIGGER_CHARACTERS = [".", "(", "[", "{", "=", " ", ","]
_NOTHING = types.CompletionList(is_incomplete=True, items=[])


def register(server: InfillServer) -> None:
    """Add the handler, and with it the capability."""

    def to_lsp(document: Document, snapshot: Snapshot, text: str) -> types.CompletionList:
        assert server.popup_client is not None
        return popup_items_to_lsp(document, snapshot, text, server.encoding, server.popup_client)

    @server.feature(types.TEXT_DOCUMENT_COMPLETION, types.CompletionOptions(trigger_characters=_TRIGGER_CHARACTERS))
    def completion(params: types.CompletionParams) -> Awaitable[types.CompletionList]:
        # Clients call nearly everything "invoked", typing included: eglot and Helix have no other word for it.
        ask = Ask("popup", automatic=True)
        answer = ask_pipeline(server, params.text_document.uri, params.position, ask, to_lsp)
        return _or_nothing(answer)


async def _or_nothing(answer: Awaitable[types.CompletionList | None]) -> types.CompletionList:
    """An empty list that asks to be asked again; null would let some clients keep an old one."""
    return await answer or _NOTHING
