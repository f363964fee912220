"""What a client can do, as it says with `initialize`."""

from __future__ import annotations

import re
from typing import Any

from lsprotocol import types


class Capabilities:
    """A client's capabilities, one attribute for each that infill asks about."""

    def __init__(self, capabilities: types.ClientCapabilities, info: types.ClientInfo | None = None) -> None:
        document, workspace, window = capabilities.text_document, capabilities.workspace, capabilities.window
        completion = document.completion if document else None
        watched = workspace.did_change_watched_files if workspace else None
        self.has_inline_completion = bool(document and document.inline_completion)
        self.registers_completion = bool(completion and completion.dynamic_registration)
        self.registers_watchers = bool(watched and watched.dynamic_registration)
        self.watches_outside = bool(watched and watched.dynamic_registration and watched.relative_pattern_support)
        self.answers_configuration = bool(workspace and workspace.configuration)
        self.shows_progress = bool(window and window.work_done_progress)
        self.edits = EditSupport(capabilities)
        self.is_neovim = bool(info and info.name == "Neovim")
        self.menu = MenuSupport(completion, info)
        self._experimental: Any = capabilities.experimental

    def wants(self, name: str) -> bool:
        """Whether the client said `experimental: {infill: {<name>: true}}` (`PROTOCOL.md`)."""
        wanted = self._experimental
        for key in ("infill", name):
            wanted = wanted.get(key) if isinstance(wanted, dict) else getattr(wanted, key, None)
        return wanted is True


class EditSupport:
    """What a client can do with edits and code actions."""

    def __init__(self, capabilities: types.ClientCapabilities) -> None:
        workspace, document = capabilities.workspace, capabilities.text_document
        edit = workspace.workspace_edit if workspace else None
        action = document.code_action if document else None
        resolves = action.resolve_support if action else None
        self.applies_edits = bool(workspace and workspace.apply_edit)
        self.takes_versions = bool(edit and edit.document_changes)
        self.creates_files = bool(edit and types.ResourceOperationKind.Create in (edit.resource_operations or ()))
        self.has_actions = action is not None
        self.takes_literals = bool(action and action.code_action_literal_support)
        self.resolves_edits = bool(action and action.data_support and resolves and "edit" in resolves.properties)
        window = capabilities.window
        self.shows_documents = bool(window and window.show_document and window.show_document.support)


class MenuSupport:
    """What a client's completion menu can take."""

    def __init__(self, completion: types.CompletionClientCapabilities | None, info: types.ClientInfo | None) -> None:
        item = completion.completion_item if completion else None
        modes = item.insert_text_mode_support if item else None
        self.takes_as_is = bool(modes and types.InsertTextMode.AsIs in modes.value_set)
        formats = (item.documentation_format if item else None) or []
        self.takes_markdown = types.MarkupKind.Markdown in formats
        self.is_neovim = bool(info and info.name == "Neovim")
        # Neovim takes several lines as a snippet only. Before 0.11 it turns line breaks into NULs, whatever the shape.
        old = info is not None and re.match(r"0\.\d\b|0\.10\b", info.version or "")
        takes_snippets = bool(item and item.snippet_support)
        self.takes_one_line = self.is_neovim and not self.takes_as_is and (bool(old) or not takes_snippets)
