"""Progress, shown by clients that want to: of loading a model, and of other work that takes a while."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from lsprotocol import types
from pygls.exceptions import JsonRpcException

if TYPE_CHECKING:
    from lsp_server.server.main import InfillServer

# A client may not be asked for the same token twice.
_numbers = itertools.count(1)
CONSENT_S = 2.0  # work does not wait longer for a client that does not answer


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


class WorkProgress:
    """Progress of one piece of work, which the user may stop: a context in which `report` can be called.

    `stop` is called when the client says that it is to be stopped. A client that wants no progress, or refuses it, is
    not told anything.
    """

    def __init__(self, server: InfillServer, kind: str, title: str, stop: Callable[[], object]) -> None:
        self._server = server
        self._token = f"infill/{kind}/{next(_numbers)}"
        self._title = title
        self._stop = stop
        self._is_begun = False

    async def __aenter__(self) -> WorkProgress:
        window = self._server.client_capabilities.window
        progress = self._server.work_done_progress
        if window and window.work_done_progress:
            try:
                await asyncio.wait_for(progress.create_async(self._token), CONSENT_S)
            except (JsonRpcException, TimeoutError):
                return self
            begin = types.WorkDoneProgressBegin(title=self._title, percentage=0, cancellable=True)
            progress.begin(self._token, begin)
            # pygls cancels the token's future when the client says so.
            progress.tokens[self._token].add_done_callback(self._cancelled)
            self._is_begun = True
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._is_begun:
            self._is_begun = False
            self._server.work_done_progress.end(self._token, types.WorkDoneProgressEnd())
            self._server.work_done_progress.tokens.pop(self._token, None)

    def report(self, message: str, percentage: int | None = None) -> None:
        """How far the work has come."""
        if self._is_begun:
            report = types.WorkDoneProgressReport(percentage=percentage, message=message)
            self._server.work_done_progress.report(self._token, report)

    def _cancelled(self, future: Future[Any]) -> None:
        if self._is_begun and future.cancelled():
            self._stop()
