"""The settings in force, and the layers they come from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from lsprotocol import types

from lsp_server.server.client.messages import Messages
from lsp_server.server.documents import Documents
from lsp_server.settings import layers
from lsp_server.settings.model import Settings


class LiveSettings:
    """Settings that can change while the server runs.

    `current` is in force. `client_layers` are what the client sent, the latest last. `followers` are called in their
    order each time the settings were applied.
    """

    def __init__(self, documents: Documents, messages: Messages) -> None:
        self._documents = documents
        self._messages = messages
        self.current = Settings()
        self.client_layers: list[Any] = []
        self.followers: Sequence[Callable[[], None]] = ()

    @property
    def project(self) -> Path | None:
        """The folder whose project file counts: the first of the workspace."""
        return self._documents.roots[0] if self._documents.roots else None

    def read(self) -> Settings:
        """Read all layers as they are now, without applying them."""
        return layers.load(self.project, self.client_layers)[0]

    def apply(self) -> None:
        """Read all layers, tell the user of problems, and call the followers."""
        self.current, problems = layers.load(self.project, self.client_layers)
        for problem in problems:
            self._messages.notify_once(types.MessageType.Warning, problem)
        for follow in self.followers:
            follow()
