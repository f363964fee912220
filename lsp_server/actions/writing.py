"""The text that an action puts into a document, by the completion model or by the chat model."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from dataclasses import replace

from lsp_server.actions.imports import beginnings, import_hole, imports_name, known_import
from lsp_server.actions.selection import text_between
from lsp_server.actions.source import ReplaceRange, Source
from lsp_server.base.errors import EngineError, InfillError
from lsp_server.completion.pipeline import Pipeline
from lsp_server.completion.request import Answer, CompletionRequest
from lsp_server.engine.client.interface import EngineClient
from lsp_server.ipc.requests import Chunk, Done, Failed, Generate, Priority
from lsp_server.prompt.chat import Message, prompt_for
from lsp_server.text.document import FrozenDocument, Position
from lsp_server.text.excerpts import Neighbour, Readable
from lsp_server.text.snapshot import Snapshot

# A body of 40 lines; completions are shorter.
MAX_TOKENS = 400
_ALTERNATIVES = 3

Neighbours = Callable[[], Sequence[Neighbour]]


def source_of(document: FrozenDocument) -> Source:
    """The lines of a document."""
    return Source(document.language_id, document.lines)


def snapshot_of(document: FrozenDocument, hole: ReplaceRange) -> Snapshot:
    """The document without the range, and with the text that leads to the hole and follows it."""
    before = document.snapshot(hole.start.line, hole.start.character)
    after = document.snapshot(hole.end.line, hole.end.character)
    return replace(before, suffix=hole.trail + after.suffix).accepting(hole.lead)


async def fill(pipeline: Pipeline, document: FrozenDocument, hole: ReplaceRange, neighbours: Neighbours) -> str:
    """The text for a hole's range; empty if the model writes nothing, or only what is there already.

    Raises `InfillError` if model or engine fail.
    """
    source, snapshot = source_of(document), snapshot_of(document, hole)
    present = text_between(source, hole.start, hole.end)
    request = CompletionRequest("action", max_tokens=MAX_TOKENS, max_lines=hole.max_lines, stops=hole.stops)
    answer = await _complete(pipeline, snapshot, neighbours, request)
    texts = [answer.text]
    if present.strip() and hole.filled(answer.text).strip() == present.strip():
        answer = await _complete(pipeline, snapshot, neighbours, replace(request, num_texts=_ALTERNATIVES))
        texts = answer.alternatives
    filled = (hole.filled(text) for text in texts)
    return next((text for text in filled if text and text.strip() != present.strip()), "")


async def import_line(
    pipeline: Pipeline, document: FrozenDocument, name: str, neighbours: Neighbours, others: Sequence[Readable]
) -> tuple[ReplaceRange, str]:
    """Where the import of a name goes, and its line; an empty line if none is found.

    The line comes from other files if they import the name, else from the model. `others` are other files in the
    same language. Raises `InfillError` if model or engine fail.
    """
    source = source_of(document)
    hole = import_hole(source, name)
    texts = (each.whole_text() for each in others)
    if known := await asyncio.to_thread(known_import, source, name, texts):  # a huge text takes time
        return hole, hole.filled(known)
    for beginning in beginnings(source):
        snapshot = snapshot_of(document, replace(hole, lead=hole.lead + beginning))
        answer = await _complete(
            pipeline,
            snapshot,
            neighbours,
            CompletionRequest("action", max_lines=1, stops=("\n",), num_texts=_ALTERNATIVES),
        )
        for text in (answer.text, *answer.alternatives):
            line = beginning + text.strip()
            if imports_name(source, line, name):
                return hole, hole.filled(line)
    return hole, ""


async def _complete(
    pipeline: Pipeline, snapshot: Snapshot, neighbours: Neighbours, request: CompletionRequest
) -> Answer:
    answer = await pipeline.complete(snapshot, neighbours, request)
    if answer.error:
        raise InfillError(answer.error)
    return answer


async def chat(
    engine: EngineClient, messages: Sequence[Message], max_tokens: int, progress: Callable[[str], None]
) -> str:
    """An instruct model's reply. `progress` is called with the reply so far. Raises `InfillError` if that fails."""
    prompt = prompt_for(await engine.ready(), messages)
    request = Generate(prompt, max_tokens, kind="chat", priority=Priority.CHAT)
    reply = ""
    async with contextlib.aclosing(engine.generate(request)) as events:
        async for event in events:
            match event:
                case Chunk(text):
                    reply += text
                    progress(reply)
                case Failed(message):
                    raise EngineError(message)
                case Done("length"):
                    raise InfillError(
                        f"The reply is longer than chat.max_tokens ({max_tokens}). Raise it, or ask for less."
                    )
    return reply


def end_of(source: Source) -> Position:
    """The end of a document's text."""
    return Position(len(source.lines) - 1, len(source.lines[-1]))
