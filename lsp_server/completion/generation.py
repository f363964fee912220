"""A text that the engine writes, in a task of its own, so that it outlives the keystrokes that agree with it."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable

from lsp_server.engine.client.interface import EngineClient
from lsp_server.ipc.requests import Chunk, Done, Failed, Generate, Prefilled, Timings
from lsp_server.postprocess.stop import StopRules
from lsp_server.text.snapshot import Snapshot

# How long a text nobody waits for any more is written on: a client that cancels at every keystroke (VS Code does)
# asks again within that time, its own debounce included.
CANCEL_GRACE_S = 0.25


class Generation:
    """The text that fills the hole of a snapshot: `raw` so far, at the end `text`, `reason`, `timings` and `error`.

    `finish` is called at the end, however that came; it may change `text`, and say in `filtered_by` what did. Leaving
    before anything is written cancels the request in the engine; leaving later does so when nobody came back for a
    moment.
    """

    def __init__(
        self,
        engine: EngineClient,
        request: Generate,
        snapshot: Snapshot,
        rules: StopRules,
        finish: Callable[[Generation], None],
    ) -> None:
        self.snapshot = snapshot
        self.raw = self.text = self.reason = self.error = ""
        self.timings = Timings()
        self.filtered_by: list[str] = []
        self._engine = engine
        self._request = request
        self._rules = rules
        self._finish = finish
        self._num_readers = 0
        self._task = asyncio.ensure_future(self._run())

    @property
    def is_over(self) -> bool:
        """Whether no more is written."""
        return bool(self.reason)

    def agrees_with(self, snapshot: Snapshot) -> bool:
        """Whether a snapshot is this one's, or has some of what was written so far typed, and less than all of it."""
        if snapshot.suffix != self.snapshot.suffix or not snapshot.prefix.startswith(self.snapshot.prefix):
            return False
        typed = snapshot.prefix[len(self.snapshot.prefix) :]
        return not typed or (len(typed) < len(self.raw) and self.raw.startswith(typed))

    async def read(self) -> None:
        """Wait for the end. To stop waiting is to leave."""
        self._num_readers += 1
        try:
            await asyncio.wait({self._task})
        finally:
            self._num_readers -= 1
            if not self._num_readers and not self.is_over:
                self._left()

    def stop(self, reason: str) -> None:
        """End it; who reads it learns why."""
        if not self.is_over:
            self.reason = reason
            self._task.cancel()

    def _left(self) -> None:
        if self.raw:
            asyncio.get_running_loop().call_later(CANCEL_GRACE_S, self._stop_if_left)
        else:
            self.stop("cancelled")

    def _stop_if_left(self) -> None:
        if not self._num_readers:
            self.stop("cancelled")

    async def _run(self) -> None:
        """Stream from the engine until the hole is filled. Leaving the stream early cancels the request there."""
        began = time.monotonic()
        try:
            async with contextlib.aclosing(self._engine.generate(self._request)) as events:
                async for event in events:
                    match event:
                        case Prefilled(timings):
                            self.timings = timings
                            began = time.monotonic()
                        case Chunk(text):
                            self.raw += text
                            self.timings.decoded_tokens += 1
                            self.timings.drafted_tokens = event.drafted_tokens
                            self.timings.accepted_tokens = event.accepted_tokens
                            self.timings.decode_ms = (time.monotonic() - began) * 1000
                            if cut := self._rules.check(self.raw):
                                self.reason, self.text = cut.rule, self.raw[: cut.length]
                                break
                        case Done(reason, timings):
                            self.reason, self.timings, self.text = reason, timings, self.raw
                        case Failed(message):
                            self.reason, self.error = "failed", message
        finally:
            self.reason = self.reason or "cancelled"
            self._finish(self)
