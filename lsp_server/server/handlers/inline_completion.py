"""`textDocument/inlineCompletion` (LSP 3.18): ghost text."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from lsprotocol import types

from lsp_server.completion.request import Answer, CompletionRequest
from lsp_server.server.client.convert import acceptance_to_lsp, inline_items_to_lsp, position_from_lsp
from lsp_server.server.handlers.context import HandlerContext
from lsp_server.text.document import Document, Position
from lsp_server.text.snapshot import Snapshot
from lsp_server.text.units import Encoding


def register(context: HandlerContext) -> None:
    """Add the handler, and with it the capability, which pygls advertises only if options are given."""

    @context.server.feature(types.TEXT_DOCUMENT_INLINE_COMPLETION, types.InlineCompletionOptions())
    def inline_completion(
        params: types.InlineCompletionParams,
    ) -> Awaitable[types.InlineCompletionList | list[types.InlineCompletionItem] | None]:
        automatic = params.context.trigger_kind is types.InlineCompletionTriggerKind.Automatic
        selected = params.context.selected_completion_info
        uri = params.text_document.uri
        num_texts = 1 if automatic else context.settings.of(uri).completion.alternatives

        def with_selected(document: Document, snapshot: Snapshot) -> Snapshot | None:
            return snapshot_with(document, snapshot, selected, context.client.encoding) if selected else snapshot

        def to_lsp(document: Document, snapshot: Snapshot, answer: Answer) -> types.InlineCompletionList:
            texts = [answer.text, *answer.alternatives]
            line_break = "\n" if context.client.capabilities.is_neovim else ""  # Neovim splits at that only
            completions = inline_items_to_lsp(
                document, snapshot, texts, context.client.encoding, selected, line_break=line_break
            )
            inserted = [str(item.insert_text) for item in completions.items]
            numbers = context.usage.shown(snapshot, answer, inserted, len(selected.text) if selected else 0)
            # Only a client that asked for it: any other would show an error about an unknown command.
            for item, number in zip(completions.items, numbers, strict=False):
                item.command = acceptance_to_lsp(number)
            return completions

        request = CompletionRequest("inline", automatic, num_texts=num_texts)
        answer = context.completions.complete(uri, params.position, request, to_lsp, with_selected)
        return _or_nothing(answer) if context.client.capabilities.is_neovim else answer()


async def _or_nothing(
    ask: Callable[[], Awaitable[types.InlineCompletionList | None]],
) -> types.InlineCompletionList | list[types.InlineCompletionItem]:
    """An empty list instead of None: after null, Neovim 0.12 goes on drawing an old text."""
    return await ask() or []


def snapshot_with(
    document: Document, snapshot: Snapshot, selected: types.SelectedCompletionInfo, encoding: Encoding
) -> Snapshot | None:
    """The document as if the menu's selected item were accepted; None where it replaces more than a begun word.

    The editor shows the selected item's text already, and only ghost text that continues it.
    """
    start, end = (
        document.code_points(position_from_lsp(position), encoding)
        for position in (selected.range.start, selected.range.end)
    )
    is_in_order = selected.range.start.character <= selected.range.end.character
    cursor = Position(snapshot.line, snapshot.character)
    if start.line != snapshot.line or end != cursor or not is_in_order:
        return None
    return snapshot.with_word(start.character, selected.text)
