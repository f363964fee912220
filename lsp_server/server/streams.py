"""Standard input and output. Threads read and write them, so that the event loop never blocks."""

from __future__ import annotations

import asyncio
import contextlib
import os
import queue
import sys
import threading
from typing import BinaryIO

_CHUNK_BYTES = 1 << 16


def claim_stdio() -> tuple[int, BinaryIO]:
    """Take standard input and output for the protocol. Anything else that prints goes to standard error."""
    output = os.fdopen(os.dup(sys.stdout.fileno()), "wb", buffering=0)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return sys.stdin.fileno(), output


def read_in_thread(descriptor: int, loop: asyncio.AbstractEventLoop) -> asyncio.StreamReader:
    """A stream that a thread feeds. Pipes cannot be polled on every platform; a thread can always block on one."""
    reader = asyncio.StreamReader(limit=1 << 20, loop=loop)

    def feed() -> None:
        with contextlib.suppress(RuntimeError, OSError):  # the loop is closed, or the pipe is gone
            while chunk := os.read(descriptor, _CHUNK_BYTES):
                loop.call_soon_threadsafe(reader.feed_data, chunk)
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(reader.feed_eof)

    threading.Thread(target=feed, name="infill-stdin", daemon=True).start()
    return reader


class ThreadWriter:
    """A pygls `Writer` with a thread of its own, so that a client that reads slowly never stops the loop."""

    def __init__(self, output: BinaryIO) -> None:
        self._output = output
        self._queue: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._main, name="infill-stdout", daemon=True)
        self._thread.start()

    def write(self, data: bytes) -> None:
        """Queue bytes."""
        self._queue.put(data)

    def close(self) -> None:
        """Wait until the queue is written, for at most two seconds."""
        self._queue.put(None)
        self._thread.join(timeout=2)

    def _main(self) -> None:
        with contextlib.suppress(OSError):  # the client is gone: the end of standard input tells the loop
            while (data := self._queue.get()) is not None:
                view = memoryview(data)
                while view:
                    view = view[self._output.write(view) :]
