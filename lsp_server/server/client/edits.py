"""Edits of the workspace as clients can take them: versioned where they know how."""

from __future__ import annotations

from collections.abc import Sequence

from lsprotocol import types

from lsp_server.server.client.convert import position_to_lsp
from lsp_server.text.document import Document, Encoding, Position

# The version of a document that is not open (LSP 3.18: null).
ON_DISK = -1


class EditClient:
    """What a client can do with edits and code actions."""

    def __init__(self, capabilities: types.ClientCapabilities) -> None:
        workspace, document = capabilities.workspace, capabilities.text_document
        edit = workspace.workspace_edit if workspace else None
        action = document.code_action if document else None
        resolves = action.resolve_support if action else None
        self.takes_versions = bool(edit and edit.document_changes)
        self.creates_files = bool(edit and types.ResourceOperationKind.Create in (edit.resource_operations or ()))
        self.applies_edits = bool(workspace and workspace.apply_edit)
        self.has_actions = action is not None
        self.takes_literals = bool(action and action.code_action_literal_support)
        self.resolves_edits = bool(action and action.data_support and resolves and "edit" in resolves.properties)
        window = capabilities.window
        self.shows_documents = bool(window and window.show_document and window.show_document.support)


def edit_to_lsp(
    document: Document, start: Position, end: Position, text: str, encoding: Encoding, client: EditClient
) -> types.WorkspaceEdit:
    """Replace a range of a document, given in code points, by a text whose lines end in `\\n`."""
    place = types.Range(start=position_to_lsp(document, start, encoding), end=position_to_lsp(document, end, encoding))
    edit = types.TextEdit(range=place, new_text=text.replace("\n", document.line_break))
    if not client.takes_versions:
        return types.WorkspaceEdit(changes={document.uri: [edit]})
    version = None if document.version == ON_DISK else document.version
    identifier = types.OptionalVersionedTextDocumentIdentifier(uri=document.uri, version=version)
    return types.WorkspaceEdit(document_changes=[types.TextDocumentEdit(text_document=identifier, edits=[edit])])


def new_file_to_lsp(uri: str, text: str) -> types.WorkspaceEdit:
    """Create a file with a text. One that is there already is left alone, and the edit fails."""
    start = types.Position(0, 0)
    changes: Sequence[types.CreateFile | types.TextDocumentEdit] = [
        types.CreateFile(uri=uri),
        types.TextDocumentEdit(
            text_document=types.OptionalVersionedTextDocumentIdentifier(uri=uri, version=None),
            edits=[types.TextEdit(range=types.Range(start=start, end=start), new_text=text)],
        ),
    ]
    return types.WorkspaceEdit(document_changes=changes)
