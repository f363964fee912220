"""Progress of loading a model, shown by clients that want to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lsprotocol import types

if TYPE_CHECKING:
    from lsp_server.server.app import InfillServer


class LoadProgress:
    """Work-done progress under one token, begun again each time a model is loaded."""

    def __init__(self, server: InfillServer, token: str, title: str) -> None:
        self._server = server
        self._token = token
        self._title = title
        self._is_begun = False

    def report(self, fraction: float) -> None:
        """So much is loaded."""
        window = self._server.client_capabilities.window
        if not (window and window.work_done_progress):
            return
        progress = self._server.work_done_progress
        if self._is_begun:
            progress.report(self._token, types.WorkDoneProgressReport(percentage=int(fraction * 100)))
            return
        self._is_begun = True
        # Sent without waiting for the client's consent: a model often loads faster than a client answers.
        self._server.protocol.send_request(
            types.WINDOW_WORK_DONE_PROGRESS_CREATE, types.WorkDoneProgressCreateParams(self._token)
        )
        progress.begin(self._token, types.WorkDoneProgressBegin(title=self._title, percentage=0))

    def end(self, message: str) -> None:
        """It is loaded, or will not be."""
        if self._is_begun:
            self._is_begun = False
            self._server.work_done_progress.end(self._token, types.WorkDoneProgressEnd(message=message))
