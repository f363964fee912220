"""The settings in force, and the layers they come from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import msgspec
from lsprotocol import types

from lsp_server.server.client.messages import Messages
from lsp_server.server.documents import Documents
from lsp_server.settings import layers
from lsp_server.settings.files import PROJECT_FILE, user_file
from lsp_server.settings.model import Settings
from lsp_server.settings.trust import resolve
from lsp_server.text.workspace import path_of


class LiveSettings:
    """Settings that can change while the server runs.

    `current` is in force for the first workspace folder, for files outside of all folders, and for what a server has
    only once, such as its engines. `by_folder` is for the other folders. `client_layers` are what the client sent, the
    latest last. `followers` are called in their order each time the settings were applied.
    """

    def __init__(self, documents: Documents, messages: Messages) -> None:
        self._documents = documents
        self._messages = messages
        self.current = Settings()
        self.by_folder: dict[Path, Settings] = {}
        self.client_layers: list[Any] = []
        self.followers: Sequence[Callable[[], None]] = ()

    @property
    def project(self) -> Path | None:
        """The folder whose project file counts for the server as a whole: the first of the workspace."""
        return self._documents.roots[0] if self._documents.roots else None

    @property
    def folders(self) -> list[Path]:
        """The workspace folders."""
        return list(self._documents.roots)

    def of(self, uri: str) -> Settings:
        """The settings for a document: those of its workspace folder."""
        folder = self._documents.root_of(uri)
        return self.by_folder.get(folder, self.current) if folder else self.current

    def read(self) -> list[Settings]:
        """Read the settings of all folders as they are now, without applying them."""
        current, by_folder, _ = self._read()
        return [current, *by_folder.values()]

    def apply(self) -> None:
        """Read all layers, tell the user of problems, and call the followers."""
        self.current, self.by_folder, problems = self._read()
        for problem in problems:
            self._messages.notify_once(types.MessageType.Warning, problem)
        for follow in self.followers:
            follow()

    def has_file_of(self, uris: Iterable[str]) -> bool:
        """Whether one of the URIs is a settings file that counts. Links are resolved."""
        files = {user_file(), *(root / PROJECT_FILE for root in self._documents.roots)}
        files |= {target for file in files if (target := resolve(file))}
        names = {file.name for file in files}
        paths = [path for uri in uris if (path := path_of(uri)) and path.name in names]
        return any(path in files or resolve(path) in files for path in paths)

    def _read(self) -> tuple[Settings, dict[Path, Settings], list[str]]:
        current, problems = layers.load(self.project, self.client_layers)
        by_folder: dict[Path, Settings] = {}
        for folder in self._documents.roots[1:]:
            own, others = layers.load(folder, self.client_layers)
            by_folder[folder] = _in_folder(own, current)
            problems += others
        return current, by_folder, problems


def _in_folder(own: Settings, current: Settings) -> Settings:
    """A folder's own settings, with those of the server as a whole where a server has something only once."""
    context = msgspec.structs.replace(own.context, index=current.context.index)
    return msgspec.structs.replace(current, completion=own.completion, actions=own.actions, context=context)
