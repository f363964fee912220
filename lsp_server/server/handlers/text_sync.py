"""`textDocument/didOpen`, `didChange`, `didSave`, `didClose`: keep the server's text the same as the client's."""

from __future__ import annotations

import itertools
import logging
import time
from collections.abc import Sequence

from lsprotocol import types

from lsp_server.server.client.convert import position_from_lsp
from lsp_server.server.handlers import configuration
from lsp_server.server.handlers.context import HandlerContext
from lsp_server.text.document import Edit
from lsp_server.text.snapshot import normalize

logger = logging.getLogger(__name__)


def register(context: HandlerContext) -> None:
    """Add the handlers."""
    documents, indexing = context.documents, context.indexing

    def written(uris: list[str]) -> None:
        """Follow files that were written, made or deleted."""
        if context.settings.has_file_of(uris):
            configuration.apply(context)
        indexing.changed(uris)

    @context.server.feature(types.TEXT_DOCUMENT_DID_OPEN)
    def opened(params: types.DidOpenTextDocumentParams) -> None:
        open_document(context, params.text_document)

    @context.server.feature(types.TEXT_DOCUMENT_DID_CHANGE)
    def changed(params: types.DidChangeTextDocumentParams) -> None:
        change_document(context, params.text_document, params.content_changes)

    @context.server.feature(types.TEXT_DOCUMENT_DID_SAVE)
    def saved(params: types.DidSaveTextDocumentParams) -> None:
        if (document := documents.get(params.text_document.uri)) is not None:
            document.is_saved = True
        written([params.text_document.uri])

    @context.server.feature(types.WORKSPACE_DID_CHANGE_WATCHED_FILES)
    def watched(params: types.DidChangeWatchedFilesParams) -> None:
        written([event.uri for event in params.changes])

    @context.server.feature(types.TEXT_DOCUMENT_DID_CLOSE)
    def closed(params: types.DidCloseTextDocumentParams) -> None:
        close_document(context, params.text_document.uri)


def open_document(context: HandlerContext, item: types.TextDocumentItem) -> None:
    """Open a document, or open it again with another text."""
    context.documents.open(item.uri, item.language_id, item.version, item.text)
    context.documents.notify_edited(item.uri)
    context.indexing.rescan()


def change_document(
    context: HandlerContext,
    identifier: types.VersionedTextDocumentIdentifier,
    changes: Sequence[types.TextDocumentContentChangeEvent],
) -> None:
    """Edit an open document."""
    documents, encoding = context.documents, context.client.encoding
    document = documents.get(identifier.uri)
    if document is None:
        logger.warning("The client changed a document that it never opened; ignored.")
        return
    # An accepted completion is a notification's first edit. Further ones are of other cursors, or add imports.
    partial = types.TextDocumentContentChangePartial
    if (first := changes[:1]) and isinstance(first[0], partial):
        place = document.code_points(position_from_lsp(first[0].range.start), encoding)
        context.usage.edited(document.uri, place.line, place.character, normalize(first[0].text))
    for is_partial, group in itertools.groupby(changes, lambda each: isinstance(each, partial)):
        if is_partial:
            document.edit_all([_edit(each) for each in group if isinstance(each, partial)], encoding)
        else:
            document.replace(list(group)[-1].text)
    document.version = identifier.version
    document.edited_at = time.monotonic()
    document.is_saved = False
    documents.touch(document.uri)
    documents.notify_edited(document.uri)


def close_document(context: HandlerContext, uri: str) -> None:
    """Close a document. One that was not open is no error."""
    context.documents.close(uri)
    context.documents.notify_edited(uri)
    context.usage.closed(uri)
    context.menu.forget(uri)
    context.engines.forget(uri)


def _edit(change: types.TextDocumentContentChangePartial) -> Edit:
    return Edit(position_from_lsp(change.range.start), position_from_lsp(change.range.end), change.text)
