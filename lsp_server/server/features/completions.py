"""What all completion methods share: take a snapshot now, ask the pipeline later."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeVar

from lsprotocol import types

from lsp_server.base.trace import Trace
from lsp_server.completion.pipeline import Pipeline
from lsp_server.completion.request import Answer, CompletionRequest
from lsp_server.server.client.client import Client
from lsp_server.server.client.convert import position_from_lsp
from lsp_server.server.documents import Documents
from lsp_server.server.features.engines import EngineHost
from lsp_server.server.features.status import Status
from lsp_server.text.document import Document
from lsp_server.text.snapshot import Snapshot

_Items = TypeVar("_Items")


class Completions:
    """Answers completion requests. `last_trace` is that of the last answer."""

    def __init__(self, client: Client, documents: Documents, engines: EngineHost, status: Status) -> None:
        self._client = client
        self._documents = documents
        self._engines = engines
        self._status = status
        self.last_trace: Trace | None = None

    def complete(
        self,
        uri: str,
        position: types.Position,
        request: CompletionRequest,
        to_lsp: Callable[[Document, Snapshot, Answer], _Items],
        change: Callable[[Document, Snapshot], Snapshot | None] = lambda _, snapshot: snapshot,
    ) -> Callable[[], Awaitable[_Items | None]]:
        """A function that answers with items for a position, or None.

        It is no coroutine, because a request may be cancelled before its task begins. The snapshot is taken before this
        returns, so it is of the moment the request arrived. `change` turns it into the snapshot to complete, or into
        None where there is nothing to complete. A document that was never opened has no items, nor has a server
        without settings.
        """
        if not request.automatic:
            self._engines.heal()
        document, pipeline = self._documents.get(uri), self._engines.pipeline_for(uri)
        if document is None or pipeline is None:
            return _nothing
        cursor = document.code_points(position_from_lsp(position), self._client.encoding)
        snapshot = change(document, self._documents.with_cells_below(document.snapshot(cursor.line, cursor.character)))
        return partial(self._complete, pipeline, document, snapshot, request, to_lsp) if snapshot else _nothing

    async def _complete(
        self,
        pipeline: Pipeline,
        document: Document,
        snapshot: Snapshot,
        request: CompletionRequest,
        to_lsp: Callable[[Document, Snapshot, Answer], _Items],
    ) -> _Items | None:
        with self._status.generating():
            answer = await pipeline.complete(snapshot, lambda: self._documents.neighbours(snapshot.uri), request)
        if self._engines.pipeline_for(snapshot.uri) is not pipeline:
            return None  # the settings have changed: errors of a replaced engine concern nobody
        self.record_outcome(answer)
        # An answer for a text that has changed or was closed would be wrong where it is shown.
        is_current = self._documents.get(snapshot.uri) is document and document.version == snapshot.version
        if not answer.text or not is_current:
            return None
        return to_lsp(document, snapshot, answer)

    def record_outcome(self, answer: Answer) -> None:
        """Keep an answer's trace for `infill.explainLast`, and tell the user of its error once."""
        self.last_trace = answer.trace
        if answer.error:
            self._client.messages.notify_once(types.MessageType.Error, answer.error)


async def _nothing() -> None:
    return None
