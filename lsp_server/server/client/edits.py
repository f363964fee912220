"""Workspace edits in the form that a client supports: versioned where it can."""

from __future__ import annotations

from collections.abc import Sequence

from lsprotocol import types

from lsp_server.server.client.capabilities import EditSupport
from lsp_server.server.client.convert import position_to_lsp
from lsp_server.text.document import FrozenDocument, Position
from lsp_server.text.units import Encoding

# The version of a document that is not open (LSP 3.18: null).
ON_DISK = -1


def edit_to_lsp(
    document: FrozenDocument, start: Position, end: Position, text: str, encoding: Encoding, support: EditSupport
) -> types.WorkspaceEdit:
    """Replace a range in code points by a text whose lines end in `\\n`."""
    place = types.Range(start=position_to_lsp(document, start, encoding), end=position_to_lsp(document, end, encoding))
    edit = types.TextEdit(range=place, new_text=text.replace("\n", document.line_break))
    if not support.takes_versions:
        return types.WorkspaceEdit(changes={document.uri: [edit]})
    version = None if document.version == ON_DISK else document.version
    identifier = types.OptionalVersionedTextDocumentIdentifier(uri=document.uri, version=version)
    return types.WorkspaceEdit(document_changes=[types.TextDocumentEdit(text_document=identifier, edits=[edit])])


def new_file_to_lsp(uri: str, text: str) -> types.WorkspaceEdit:
    """Create a file with a text. If the file exists, the edit fails and the file stays as it is."""
    start = types.Position(0, 0)
    changes: Sequence[types.CreateFile | types.TextDocumentEdit] = [
        types.CreateFile(uri=uri),
        types.TextDocumentEdit(
            text_document=types.OptionalVersionedTextDocumentIdentifier(uri=uri, version=None),
            edits=[types.TextEdit(range=types.Range(start=start, end=start), new_text=text)],
        ),
    ]
    return types.WorkspaceEdit(document_changes=changes)
