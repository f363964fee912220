"""The open documents. A caller can wait for the next edit of one."""

from __future__ import annotations

import asyncio

from lsp_server.text.workspace import Workspace


class Documents(Workspace):
    """The client's workspace, with a future for the next edit of each document."""

    def __init__(self) -> None:
        super().__init__()
        self._next_edits: dict[str, asyncio.Future[None]] = {}

    def next_edit(self, uri: str) -> asyncio.Future[None]:
        """A future that is done when the document is edited or closed."""
        return self._next_edits.setdefault(uri, asyncio.get_running_loop().create_future())

    def notify_edited(self, uri: str) -> None:
        """Say that a document was edited or closed."""
        if waiting := self._next_edits.pop(uri, None):
            waiting.set_result(None)
