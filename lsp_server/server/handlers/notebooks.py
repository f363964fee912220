"""`notebookDocument/didOpen`, `didChange`, `didClose`: which cells a notebook has, in which order, with their texts.

A client that does not know these sends each cell as a document of its own. `text_sync.py` has those, too.
"""

from __future__ import annotations

from lsprotocol import types

from lsp_server.server.handlers.context import HandlerContext
from lsp_server.server.handlers.text_sync import change_document, close_document, open_document


def register(context: HandlerContext) -> None:
    """Add the handlers. `server/main.py` gives pygls the capability."""
    notebooks = context.documents.notebooks

    @context.server.feature(types.NOTEBOOK_DOCUMENT_DID_OPEN)
    def opened(params: types.DidOpenNotebookDocumentParams) -> None:
        notebook = params.notebook_document
        notebooks.open(notebook.uri, [cell.document for cell in notebook.cells])
        for item in params.cell_text_documents:
            open_document(context, item)

    @context.server.feature(types.NOTEBOOK_DOCUMENT_DID_CHANGE)
    def changed(params: types.DidChangeNotebookDocumentParams) -> None:
        cells = params.change.cells
        if cells is None:
            return
        if structure := cells.structure:
            # A cell whose language changes is closed and opened in the same message.
            for closed in structure.did_close or ():
                close_document(context, closed.uri)
            array = structure.array
            inserted = [cell.document for cell in array.cells or ()]
            notebooks.splice(params.notebook_document.uri, array.start, array.delete_count, inserted)
            for item in structure.did_open or ():
                open_document(context, item)
        for content in cells.text_content or ():
            change_document(context, content.document, content.changes)

    @context.server.feature(types.NOTEBOOK_DOCUMENT_DID_CLOSE)
    def closed(params: types.DidCloseNotebookDocumentParams) -> None:
        told = [cell.uri for cell in params.cell_text_documents]
        for uri in dict.fromkeys([*told, *notebooks.close(params.notebook_document.uri)]):
            close_document(context, uri)
