"""Whether the completion menu is offered, and whether a menu comes from typing."""

from __future__ import annotations

import time

from lsp_server.server.client.client import Client
from lsp_server.server.documents import Documents
from lsp_server.settings.model import CompletionSettings

# Every editor asks for its menu within this time after a letter.
TYPING_S = 1.0


class CompletionMenu:
    """The completion menu of one client. `is_offered` says whether its handler is registered."""

    def __init__(self, client: Client, documents: Documents) -> None:
        self._client = client
        self._documents = documents
        self.is_offered = False
        self._last_menu_version: dict[str, int] = {}  # by URI: the document's version at its last menu

    def is_wanted(self, settings: CompletionSettings) -> bool:
        """Whether the menu is offered with these settings.

        With `auto` a client with ghost text has no menu: VS Code cancels the one request for the other.
        """
        has_ghost_text = self._client.capabilities.has_inline_completion
        return settings.menu in ("always", "manual") or (settings.menu == "auto" and not has_ghost_text)

    def is_from_typing(self, uri: str) -> bool:
        """Whether a request comes from typing: the text changed a moment ago, and no menu was asked for since."""
        document = self._documents.get(uri)
        if document is None:
            return False
        is_first = self._last_menu_version.get(uri) != document.version
        self._last_menu_version[uri] = document.version
        return is_first and time.monotonic() - document.edited_at < TYPING_S

    def forget(self, uri: str) -> None:
        """Drop what is known of a closed document."""
        self._last_menu_version.pop(uri, None)
