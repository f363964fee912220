"""`initialize`, `initialized`: what the client can do decides what is offered to it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lsprotocol import types

from lsp_server.server.client.convert import MenuClient
from lsp_server.server.client.edits import EditClient
from lsp_server.server.handlers import code_action, completion, configuration, inline_completion
from lsp_server.server.main import InfillServer
from lsp_server.server.parent_watch import watch_parent
from lsp_server.text.workspace import path_of


def register(server: InfillServer) -> None:
    """Add the handlers."""

    @server.feature(types.INITIALIZE)
    def initialize(params: types.InitializeParams) -> None:
        server.menu_client = MenuClient(params)
        server.edit_client = EditClient(params.capabilities)
        server.client_settings = [params.initialization_options]
        server.documents.roots = _roots(params)
        early_settings = configuration.read(server)
        if _has_inline_completion(params):
            inline_completion.register(server)
        if completion.is_wanted(params.capabilities, early_settings.completion):
            completion.register(server)
        code_action.register(server)
        if params.process_id is not None and (watch := watch_parent(params.process_id, server.stop)):
            server.keep(watch)

    @server.feature(types.INITIALIZED)
    def initialized(_: types.InitializedParams) -> None:
        server.keep(configuration.pull_and_apply(server))
        server.indexing.watch()

    @server.feature(types.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS)
    def folders_changed(params: types.DidChangeWorkspaceFoldersParams) -> None:
        removed = _folder_paths(params.event.removed)
        kept = [root for root in server.documents.roots if root not in removed]
        server.documents.roots = kept + _folder_paths(params.event.added)
        configuration.apply(server)


def _has_inline_completion(params: types.InitializeParams) -> bool:
    document = params.capabilities.text_document
    return bool(document and document.inline_completion)


def _roots(params: types.InitializeParams) -> list[Path]:
    """Workspace folders; before LSP 3.6 a root URI, before 3.0 a root path."""
    if params.workspace_folders:
        return _folder_paths(params.workspace_folders)
    if params.root_uri and (root := path_of(params.root_uri)):
        return [root]
    return [Path(params.root_path)] if params.root_path else []


def _folder_paths(folders: Sequence[types.WorkspaceFolder]) -> list[Path]:
    return [path for folder in folders if (path := path_of(folder.uri)) is not None]
