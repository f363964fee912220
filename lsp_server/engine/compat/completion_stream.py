"""One completion as a stream: its text piece by piece, the reason of its end, and its timings."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import AbstractContextManager
from typing import Literal, Protocol

from lsp_server.base.errors import EngineError, PromptError
from lsp_server.engine.compat.stop_conditions import StopConditions
from lsp_server.ipc.model_info import ModelInfo
from lsp_server.ipc.requests import Chunk, Done, Event, Failed, Generate, Prefilled, Timings


class ResponseStream(Protocol):
    """A request under way."""

    def __aiter__(self) -> AsyncIterator[Event]:
        """Its events. The last one is `Done` or `Failed`."""
        ...

    def cancel(self) -> None:
        """Cancel the request. A last event still follows."""
        ...


class Engine(Protocol):
    """The engine, as the handlers of other programs' requests use it."""

    async def model(self) -> ModelInfo:
        """Wait for the model. Raises `EngineError` if it cannot be loaded."""
        ...

    def generate(self, request: Generate) -> AbstractContextManager[ResponseStream]:
        """Submit a request. Leaving the block before its end cancels it."""
        ...

    def tokenize(self, text: str, *, control: bool) -> list[int]:
        """Tokens of a text, with control tokens if `control`."""
        ...

    def marker(self, role: str) -> int:
        """The token of a marker."""
        ...

    def piece(self, token: int) -> bytes:
        """The bytes of a token."""
        ...


class CompletionStream:
    """A completion. Iterate over its `pieces`, or `read` all of it. Raises
    `EngineError` if the engine fails, and `PromptError` if it refuses the request.

    At its end `reason` is `end` by the model, `word` by a stop text, or `limit`.
    """

    def __init__(self, engine: Engine, request: Generate, stop: StopConditions) -> None:
        self.text = ""
        self.num_tokens = 0
        self.reason: Literal["", "end", "word", "limit"] = ""
        self.timings = Timings()
        self.stop = stop
        self._engine = engine
        self._request = request

    async def read(self) -> None:
        """Wait for the end."""
        async with contextlib.aclosing(self.pieces()) as pieces:
            async for _ in pieces:
                pass

    async def pieces(self) -> AsyncGenerator[str, None]:
        """The text as it comes. Closing the iterator cancels the request."""
        with self._engine.generate(self._request) as events:
            is_over = False
            async for event in events:
                match event:
                    case Prefilled(timings):
                        self.timings = timings
                    case Chunk(text) if not is_over:
                        self.num_tokens += 1
                        piece = self.stop.feed(text)
                        is_over = bool(self.stop.reason)
                        if is_over:
                            events.cancel()  # and read on, for the timings
                        if piece:
                            self.text += piece
                            yield piece
                    case Failed(message, is_refused):
                        raise PromptError(message) if is_refused else EngineError(message)
                    case Done(reason, timings):
                        self.timings = timings
                        self.reason = self.stop.reason or ("end" if reason == "end" else "limit")
                        if rest := self.stop.rest():
                            self.text += rest
                            yield rest


async def read_all(streams: Sequence[CompletionStream]) -> None:
    """Wait for the end of all completions. If some fail, the others are cancelled, and the first error is raised."""
    try:
        async with asyncio.TaskGroup() as group:
            for stream in streams:
                group.create_task(stream.read())
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from None
