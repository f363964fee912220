"""Work-done progress: of loading a model, and of other work that takes a while."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from lsprotocol import types
from pygls.exceptions import JsonRpcException

from lsp_server.server.client.client import Client

# A client may not be asked for the same token twice.
_numbers = itertools.count(1)
CONSENT_S = 2.0  # work does not wait longer for a client that does not answer


@dataclass(slots=True)
class _Load:
    token: str
    fraction: float = 0.0
    is_begun: bool = False
    end: str | None = None


class LoadProgress:
    """Progress that begins again each time a model is loaded, under a token of its own.

    It begins when the client agrees. Loading does not wait for that.
    """

    def __init__(self, client: Client, token: str, title: str) -> None:
        self._client = client
        self._token = token
        self._title = title
        self._load: _Load | None = None
        self._num_loads = 0
        self._asking: set[asyncio.Task[None]] = set()

    def report(self, fraction: float) -> None:
        """Tell how much is loaded, from 0 to 1."""
        if not self._client.capabilities.shows_progress:
            return
        if self._load is None:
            self._num_loads += 1
            token = self._token if self._num_loads == 1 else f"{self._token}/{self._num_loads}"
            self._load = _Load(token)
            asking = asyncio.ensure_future(self._begin(self._load))
            self._asking.add(asking)
            asking.add_done_callback(self._asking.discard)
        self._load.fraction = fraction
        if self._load.is_begun:
            self._client.progress.report(self._load.token, _percentage(fraction))

    def end(self, message: str) -> None:
        """The model is loaded, or will not be."""
        load, self._load = self._load, None
        if load is not None:
            load.end = message
            self._end(load)

    async def _begin(self, load: _Load) -> None:
        progress = self._client.progress
        try:
            await progress.create_async(load.token)
        except JsonRpcException:  # the client refuses
            return
        load.is_begun = True
        begin = types.WorkDoneProgressBegin(title=self._title, percentage=int(load.fraction * 100))
        progress.begin(load.token, begin)
        self._end(load)

    def _end(self, load: _Load) -> None:
        """Say that a load has ended, once it has and the client knows of it."""
        if load.is_begun and load.end is not None:
            self._client.progress.end(load.token, types.WorkDoneProgressEnd(message=load.end))
            self._client.progress.tokens.pop(load.token, None)


def _percentage(fraction: float) -> types.WorkDoneProgressReport:
    return types.WorkDoneProgressReport(percentage=int(fraction * 100))


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
