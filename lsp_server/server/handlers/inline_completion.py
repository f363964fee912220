"""`textDocument/inlineCompletion` (LSP 3.18): ghost text."""

from __future__ import annotations

from collections.abc import Awaitable

from lsprotocol import types

from lsp_server.pipeline import Ask
from lsp_server.server.app import InfillServer
from lsp_server.server.convert import inline_items_to_lsp
from lsp_server.server.handlers.asking import ask_pipeline


def register(server: InfillServer) -> None:
    """Add the handler, and with it the capability, which pygls advertises only if options are given."""

    @server.feature(types.TEXT_DOCUMENT_INLINE_COMPLETION, types.InlineCompletionOptions())
    def inline_completion(
        params: types.InlineCompletionParams,
    ) -> Awaitable[types.InlineCompletionList | None]:
        automatic = params.context.trigger_kind is types.InlineCompletionTriggerKind.Automatic
        return ask_pipeline(
            server,
            params.text_document.uri,
            params.position,
            Ask("inline", automatic=automatic),
            lambda document, snapshot, text: inline_items_to_lsp(document, snapshot, text, server.encoding),
        )
