"""Counts what is shown and accepted, unless the user does not want that."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from lsp_server import statistics
from lsp_server.pipeline import Answer
from lsp_server.session.acceptance import Acceptance, Shown, num_kept
from lsp_server.snapshot import Snapshot
from lsp_server.statistics import Counters

if TYPE_CHECKING:
    from lsp_server.server.app import InfillServer

WRITE_EVERY_S = 60.0
LATER_S = {"30_s": 30.0, "5_min": 300.0}


class Counting:
    """Counters of one server, written now and then and at the end."""

    def __init__(self, server: InfillServer) -> None:
        self._server = server
        self._acceptance = Acceptance()
        self._counters = Counters()
        self._timer: asyncio.TimerHandle | None = None

    def shown(self, snapshot: Snapshot, answer: Answer) -> None:
        """An answer is given to the client."""
        if not self._server.settings.statistics:
            return
        texts = (answer.text, *answer.alternatives)
        self._acceptance.show(snapshot.uri, Shown(snapshot.line, snapshot.character, texts))
        self._counters.shown += 1
        self._counters.known += answer.reason == "known"
        self._counters.add_time(answer.timings.total_ms)
        self._write_later()

    def edited(self, uri: str, line: int, character: int, inserted: str) -> None:
        """A document was edited at a place, in code points."""
        text = self._acceptance.accepted(uri, line, character, inserted)
        if not text:
            return
        self._counters.accepted += 1
        self._counters.accepted_characters += len(text)
        for name, seconds in LATER_S.items():
            asyncio.get_running_loop().call_later(seconds, self._look_again, uri, text, name)

    def closed(self, uri: str) -> None:
        """A document was closed."""
        self._acceptance.forget(uri)

    def write(self) -> None:
        """Write what was counted."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
            counters, self._counters = self._counters, Counters()
            statistics.append(counters, statistics.file())

    def _write_later(self) -> None:
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(WRITE_EVERY_S, self.write)

    def _look_again(self, uri: str, text: str, name: str) -> None:
        document = self._server.documents.get(uri)
        if document is None:
            return
        counters = self._counters
        setattr(counters, f"due_{name}", getattr(counters, f"due_{name}") + len(text))
        kept = num_kept(text, document.text.replace("\r\n", "\n"))
        setattr(counters, f"kept_{name}", getattr(counters, f"kept_{name}") + kept)
        self._write_later()
