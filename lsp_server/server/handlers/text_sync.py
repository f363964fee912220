"""`textDocument/didOpen`, `didChange`, `didSave`, `didClose`: keep the server's text the same as the client's."""

from __future__ import annotations

import itertools
import logging
import time

from lsprotocol import types

from lsp_server.server.client.convert import position_from_lsp
from lsp_server.server.handlers import configuration
from lsp_server.server.handlers.context import HandlerContext
from lsp_server.text.document import Edit
from lsp_server.text.snapshot import normalize

logger = logging.getLogger(__name__)


def register(context: HandlerContext) -> None:
    """Add the handlers."""
    documents, indexing, usage = context.documents, context.indexing, context.usage

    def written(uris: list[str]) -> None:
        """Follow files that were written, made or deleted."""
        if context.settings.has_file_of(uris):
            configuration.apply(context)
        indexing.changed(uris)

    @context.server.feature(types.TEXT_DOCUMENT_DID_OPEN)
    def opened(params: types.DidOpenTextDocumentParams) -> None:
        item = params.text_document
        documents.open(item.uri, item.language_id, item.version, item.text)
        indexing.rescan()

    @context.server.feature(types.TEXT_DOCUMENT_DID_CHANGE)
    def changed(params: types.DidChangeTextDocumentParams) -> None:
        document = documents.get(params.text_document.uri)
        if document is None:
            logger.warning("The client changed a document that it never opened; ignored.")
            return
        encoding = context.client.encoding
        # An accepted completion is a notification's first edit. Further ones are of other cursors, or add imports.
        partial = types.TextDocumentContentChangePartial
        if (first := params.content_changes[:1]) and isinstance(first[0], partial):
            place = document.code_points(position_from_lsp(first[0].range.start), encoding)
            usage.edited(document.uri, place.line, place.character, normalize(first[0].text))
        for is_partial, changes in itertools.groupby(params.content_changes, lambda each: isinstance(each, partial)):
            if is_partial:
                document.edit_all([_edit(each) for each in changes if isinstance(each, partial)], encoding)
            else:
                document.replace(list(changes)[-1].text)
        document.version = params.text_document.version
        document.edited_at = time.monotonic()
        document.is_saved = False
        documents.touch(document.uri)
        documents.notify_edited(document.uri)

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
        uri = params.text_document.uri
        documents.close(uri)
        documents.notify_edited(uri)
        usage.closed(uri)
        context.menu.forget(uri)
        context.engines.forget(uri)


def _edit(change: types.TextDocumentContentChangePartial) -> Edit:
    return Edit(position_from_lsp(change.range.start), position_from_lsp(change.range.end), change.text)
