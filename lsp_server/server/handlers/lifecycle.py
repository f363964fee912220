"""`initialize`, `initialized`, `workspace/didChangeWorkspaceFolders`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lsprotocol import types

from lsp_server.server.handlers import configuration
from lsp_server.server.handlers.context import HandlerContext
from lsp_server.server.parent_watch import watch_parent
from lsp_server.text.workspace import path_of


def register(context: HandlerContext) -> None:
    """Add the handlers."""

    @context.server.feature(types.INITIALIZE)
    def initialize(params: types.InitializeParams) -> None:
        context.settings.client_layers = [params.initialization_options]
        context.documents.roots = _roots(params)
        context.client.initialize(params)
        if params.process_id is not None and (watch := watch_parent(params.process_id, context.stop)):
            context.tasks.track_task(watch)

    @context.server.feature(types.INITIALIZED)
    def initialized(_: types.InitializedParams) -> None:
        context.tasks.track_task(configuration.pull_and_apply(context))
        context.indexing.watch()
        configuration.watch_user_file(context)

    @context.server.feature(types.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS)
    def folders_changed(params: types.DidChangeWorkspaceFoldersParams) -> None:
        removed = _folder_paths(params.event.removed)
        kept = [root for root in context.documents.roots if root not in removed]
        context.documents.roots = kept + _folder_paths(params.event.added)
        configuration.apply(context)


def _roots(params: types.InitializeParams) -> list[Path]:
    """Workspace folders; before LSP 3.6 a root URI, before 3.0 a root path."""
    if params.workspace_folders:
        return _folder_paths(params.workspace_folders)
    if params.root_uri and (root := path_of(params.root_uri)):
        return [root]
    return [Path(params.root_path)] if params.root_path else []


def _folder_paths(folders: Sequence[types.WorkspaceFolder]) -> list[Path]:
    return [path for folder in folders if (path := path_of(folder.uri)) is not None]
