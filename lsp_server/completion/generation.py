"""One generation: a text that the engine decodes, in a task of its own.

It outlives the request that started it, because keystrokes that agree with the text join it.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable

from lsp_server.engine.client.interface import EngineClient
from lsp_server.ipc.requests import Chunk, Done, Failed, Generate, Prefilled, Timings
from lsp_server.postprocess.stop import StopRules
from lsp_server.text.snapshot import Snapshot

# A generation without readers continues for this long. Then it is cancelled. VS Code cancels at every keystroke and
# sends the next request within that time, its own debounce included.
CANCEL_GRACE_S = 0.25


class Generation:
    """The text that fills the hole of a snapshot.

    `raw` is the text decoded so far. `text`, `reason`, `timings` and `error` are final at the end. Every end calls
    `finish`, which may change `text` and name its filters in `filtered_by`. When the last reader leaves before the
    first token, the request is cancelled in the engine at once. When it leaves later, the cancel waits for
    `CANCEL_GRACE_S`, and a new reader prevents it.
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
        self.rules = rules
        self._finish = finish
        self._num_readers = 0
        self._task = asyncio.ensure_future(self._run())

    @property
    def is_over(self) -> bool:
        """Whether the generation has ended."""
        return bool(self.reason)

    def agrees_with(self, snapshot: Snapshot) -> bool:
        """Whether a snapshot is this one's, perhaps with a part of `raw` typed, but not all of it."""
        if snapshot.suffix != self.snapshot.suffix or not snapshot.prefix.startswith(self.snapshot.prefix):
            return False
        typed = snapshot.prefix[len(self.snapshot.prefix) :]
        return not typed or (len(typed) < len(self.raw) and self.raw.startswith(typed))

    async def read(self) -> None:
        """Wait for the end. If the caller is cancelled, it only stops listening."""
        self._num_readers += 1
        try:
            await asyncio.wait({self._task})
        finally:
            self._num_readers -= 1
            if not self._num_readers and not self.is_over:
                self._cancel_after_grace()

    def stop(self, reason: str) -> None:
        """End the generation. Readers find the reason in `reason`."""
        if not self.is_over:
            self.reason = reason
            self._task.cancel()

    def _cancel_after_grace(self) -> None:
        if self.raw:
            asyncio.get_running_loop().call_later(CANCEL_GRACE_S, self._cancel_if_unread)
        else:
            self.stop("cancelled")

    def _cancel_if_unread(self) -> None:
        if not self._num_readers:
            self.stop("cancelled")

    async def _run(self) -> None:
        """Stream from the engine until the hole is filled. Closing it early cancels the request in the engine."""
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
                            if cut := self.rules.check(self.raw):
                                self.reason, self.text = cut.rule, self.raw[: cut.length]
                                break
                        case Done(reason, timings):
                            self.reason, self.timings, self.text = reason, timings, self.raw
                        case Failed(message):
                            self.reason, self.error = "failed", message
        finally:
            self.reason = self.reason or "cancelled"
            self._finish(self)
