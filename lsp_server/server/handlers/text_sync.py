"""`textDocument/didOpen`, `didChange`, `didSave`, `didClose`: keep our text the same as the client's."""

from __future__ import annotations

import logging
import time

from lsprotocol import types

from lsp_server.server.client.convert import position_from_lsp
from lsp_server.server.main import InfillServer
from lsp_server.text.snapshot import normalize

logger = logging.getLogger(__name__)


def register(server: InfillServer) -> None:
    """Add the handlers."""

    @server.feature(types.TEXT_DOCUMENT_DID_OPEN)
    def opened(params: types.DidOpenTextDocumentParams) -> None:
        item = params.text_document
        server.documents.open(item.uri, item.language_id, item.version, item.text)
        server.indexing.rescan()

    @server.feature(types.TEXT_DOCUMENT_DID_CHANGE)
    def changed(params: types.DidChangeTextDocumentParams) -> None:
        document = server.documents.get(params.text_document.uri)
        if document is None:
            logger.warning("The client changed a document that it never opened; ignored.")
            return
        for change in params.content_changes:
            if isinstance(change, types.TextDocumentContentChangePartial):
                start, end = position_from_lsp(change.range.start), position_from_lsp(change.range.end)
                place = document.code_points(start, server.encoding)
                server.counting.edited(document.uri, place.line, place.character, normalize(change.text))
                document.edit(start, end, change.text, server.encoding)
            else:
                document.replace(change.text)
        document.version = params.text_document.version
        document.edited_at = time.monotonic()
        document.is_saved = False
        server.documents.touch(document.uri)
        server.edited(document.uri)

    @server.feature(types.TEXT_DOCUMENT_DID_SAVE)
    def saved(params: types.DidSaveTextDocumentParams) -> None:
        if (document := server.documents.get(params.text_document.uri)) is not None:
            document.is_saved = True
        server.indexing.changed([params.text_document.uri])

    @server.feature(types.WORKSPACE_DID_CHANGE_WATCHED_FILES)
    def watched(params: types.DidChangeWatchedFilesParams) -> None:
        server.indexing.changed([event.uri for event in params.changes])

    @server.feature(types.TEXT_DOCUMENT_DID_CLOSE)
    def closed(params: types.DidCloseTextDocumentParams) -> None:
        server.documents.close(params.text_document.uri)
        server.edited(params.text_document.uri)
        server.counting.closed(params.text_document.uri)
        server.menu_asked_at.pop(params.text_document.uri, None)
        if server.pipeline is not None:
            server.pipeline.forget(params.text_document.uri)
