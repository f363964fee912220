"""`initialize`, `initialized`, `workspace/didChangeWorkspaceFolders`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lsprotocol import types

from lsp_server.server.handlers import configuration
from lsp_server.server.handlers.context import HandlerContext
from lsp_server.server.parent_watch import watch_parent
from lsp_server.text.workspace import can_be_path, path_of


def register(context: HandlerContext) -> None:
    """Add the handlers."""

    @context.server.feature(types.INITIALIZE)
    def initialize(params: types.InitializeParams) -> None:
        context.settings.client_layers = [params.initialization_options]
        context.documents.roots = _roots(context, params)
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
        removed = _paths(context, [folder.uri for folder in params.event.removed])
        kept = [root for root in context.documents.roots if root not in removed]
        context.documents.roots = kept + _paths(context, [folder.uri for folder in params.event.added])
        configuration.apply(context)


def _roots(context: HandlerContext, params: types.InitializeParams) -> list[Path]:
    """Workspace folders; before LSP 3.6 a root URI, before 3.0 a root path."""
    if params.workspace_folders:
        return _paths(context, [folder.uri for folder in params.workspace_folders])
    if params.root_uri and (roots := _paths(context, [params.root_uri])):
        return roots
    return [Path(params.root_path)] if params.root_path and can_be_path(params.root_path) else []


def _paths(context: HandlerContext, uris: Sequence[str]) -> list[Path]:
    """The folders of URIs. The user is told of a file's URI that names none."""
    found = {uri: path_of(uri) for uri in uris}
    for uri, path in found.items():
        if path is None and uri.startswith("file:"):
            sentence = f"The workspace folder {uri!r} is no path; it is ignored."
            context.client.messages.notify_once(types.MessageType.Warning, sentence)
    return [path for path in found.values() if path is not None]
