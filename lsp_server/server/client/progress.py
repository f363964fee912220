"""Work-done progress: of loading a model, and of other work that takes a while."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from lsprotocol import types
from pygls.exceptions import JsonRpcException

from lsp_server.server.client.client import Client

# A client may not be asked for the same token twice.
_numbers = itertools.count(1)
CONSENT_S = 2.0  # work does not wait longer for a client that does not answer


class LoadProgress:
    """Progress under one token, which begins again each time a model is loaded."""

    def __init__(self, client: Client, token: str, title: str) -> None:
        self._client = client
        self._token = token
        self._title = title
        self._is_begun = False

    def report(self, fraction: float) -> None:
        """Tell how much is loaded, from 0 to 1."""
        if not self._client.capabilities.shows_progress:
            return
        progress = self._client.progress
        if self._is_begun:
            progress.report(self._token, types.WorkDoneProgressReport(percentage=int(fraction * 100)))
            return
        self._is_begun = True
        # This does not wait for the client's consent: a model often loads faster than a client answers.
        self._client.send_request(
            types.WINDOW_WORK_DONE_PROGRESS_CREATE, types.WorkDoneProgressCreateParams(self._token)
        )
        progress.begin(self._token, types.WorkDoneProgressBegin(title=self._title, percentage=0))

    def end(self, message: str) -> None:
        """The model is loaded, or will not be."""
        if self._is_begun:
            self._is_begun = False
            self._client.progress.end(self._token, types.WorkDoneProgressEnd(message=message))


class WorkProgress:
    """Progress of one piece of work that the user may stop: a context in which `report` can be called.

    `stop` is called when the client asks to stop the work. A client that refuses progress, or does not show any,
    receives none.
    """

    def __init__(self, client: Client, kind: str, title: str, stop: Callable[[], object]) -> None:
        self._client = client
        self._token = f"infill/{kind}/{next(_numbers)}"
        self._title = title
        self._stop = stop
        self._is_begun = False

    async def __aenter__(self) -> WorkProgress:
        if self._client.capabilities.shows_progress:
            progress = self._client.progress
            try:
                await asyncio.wait_for(progress.create_async(self._token), CONSENT_S)
            except (JsonRpcException, TimeoutError):
                return self
            begin = types.WorkDoneProgressBegin(title=self._title, percentage=0, cancellable=True)
            progress.begin(self._token, begin)
            # pygls cancels the token's future when the client asks to stop the work.
            progress.tokens[self._token].add_done_callback(self._cancelled)
            self._is_begun = True
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._is_begun:
            self._is_begun = False
            self._client.progress.end(self._token, types.WorkDoneProgressEnd())
            self._client.progress.tokens.pop(self._token, None)

    def report(self, message: str, percentage: int | None = None) -> None:
        """Tell how far the work has come."""
        if self._is_begun:
            report = types.WorkDoneProgressReport(percentage=percentage, message=message)
            self._client.progress.report(self._token, report)

    def _cancelled(self, future: Future[Any]) -> None:
        if self._is_begun and future.cancelled():
            self._stop()
