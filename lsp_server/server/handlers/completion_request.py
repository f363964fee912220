"""What the completion methods share: freeze the document now, ask the pipeline later."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from lsprotocol import types

from lsp_server.completion.pipeline import Pipeline
from lsp_server.completion.request import Answer, CompletionRequest
from lsp_server.server.client.convert import position_from_lsp
from lsp_server.server.main import InfillServer
from lsp_server.text.document import Document
from lsp_server.text.snapshot import Snapshot

_Items = TypeVar("_Items")


def ask_pipeline(
    server: InfillServer,
    uri: str,
    position: types.Position,
    request: CompletionRequest,
    to_lsp: Callable[[Document, Snapshot, Answer], _Items],
    change: Callable[[Document, Snapshot], Snapshot | None] = lambda _, snapshot: snapshot,
) -> Awaitable[_Items | None]:
    """Items for a position, or None. A document never opened, or a server not yet configured, has nothing.

    `change` makes of the document's snapshot the one to complete, or None where there is nothing to complete.
    """
    document, pipeline = server.documents.get(uri), server.pipeline
    if document is None or pipeline is None:
        return _nothing()
    cursor = document.code_points(position_from_lsp(position), server.encoding)
    snapshot = change(document, document.snapshot(cursor.line, cursor.character))
    return _complete(server, pipeline, document, snapshot, request, to_lsp) if snapshot else _nothing()


async def _nothing() -> None:
    return None


async def _complete(
    server: InfillServer,
    pipeline: Pipeline,
    document: Document,
    snapshot: Snapshot,
    request: CompletionRequest,
    to_lsp: Callable[[Document, Snapshot, Answer], _Items],
) -> _Items | None:
    with server.status.generating():
        answer = await pipeline.complete(snapshot, lambda: server.documents.neighbours(snapshot.uri), request)
    if server.pipeline is not pipeline:
        return None  # the settings changed meanwhile; what a replaced engine says of itself is nobody's business
    server.take_note(answer)
    # An answer for a text that has changed meanwhile, or was closed, would be wrong where it is shown.
    is_current = server.documents.get(snapshot.uri) is document and document.version == snapshot.version
    if not answer.text or not is_current:
        return None
    return to_lsp(document, snapshot, answer)
