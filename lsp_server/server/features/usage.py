"""Counts what is shown and accepted, unless the user does not want that.

What was accepted is read off the edits; a client that reports it (`PROTOCOL.md`) is taken at its word instead.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from lsp_server.completion.acceptance import Acceptance, Reportable, Shown, num_kept
from lsp_server.completion.request import Answer
from lsp_server.server import statistics
from lsp_server.server.statistics import Counters
from lsp_server.text.document import units_to_code_points
from lsp_server.text.snapshot import Snapshot, normalize

if TYPE_CHECKING:
    from lsp_server.server.main import InfillServer

WRITE_EVERY_S = 60.0
LATER_S = {"30_s": 30.0, "5_min": 300.0}


class Counting:
    """Counters of one server, written now and then and at the end."""

    def __init__(self, server: InfillServer) -> None:
        self._server = server
        self._acceptance = Acceptance()
        self._reportable = Reportable()
        self._counters = Counters()
        self._timer: asyncio.TimerHandle | None = None

    def shown(self, snapshot: Snapshot, answer: Answer, inserted: Sequence[str], num_typed: int) -> range:
        """An answer is given to the client, to be inserted as these texts, of which the first `num_typed` characters
        are not the answer's. Their numbers, for a client that reports what becomes of them."""
        if not self._server.settings.statistics:
            return range(0)
        self._counters.shown += 1
        self._counters.known += answer.reason == "known"
        self._counters.add_time(answer.timings.total_ms)
        self._write_later()
        if self._server.client_wants("acceptance"):
            return self._reportable.give(snapshot.uri, inserted, num_typed)
        texts = (answer.text, *answer.alternatives)
        self._acceptance.show(snapshot.uri, Shown(snapshot.line, snapshot.character, texts))
        return range(0)

    def edited(self, uri: str, line: int, character: int, inserted: str) -> None:
        """A document was edited at a place, in code points."""
        text, is_part = self._acceptance.accepted(uri, line, character, inserted)
        if text:
            self._counters.accepted += 1
            self._count_accepted(uri, text, is_part=is_part)

    def accepted(self, number: int, units: int | None = None) -> bool:
        """The client reports that a text was accepted, or so many units of it altogether, in its encoding.

        False for a text that is none of those given last.
        """
        if (given := self._reportable.get(number)) is None:
            return False
        whole = given.text(number)
        length = len(whole) if units is None else units_to_code_points(whole, units, self._server.encoding)
        was_accepted = given.is_accepted
        if text := given.accept(number, length):
            self._counters.accepted += not was_accepted
            self._count_accepted(given.uri, normalize(text), is_part=length < len(whole))
        return True

    def rejected(self, number: int) -> bool:
        """The client reports that a text was turned down; a text of which some was accepted already was not."""
        if (given := self._reportable.get(number)) is None:
            return False
        self._counters.rejected += not (given.is_accepted or given.is_rejected)
        given.is_rejected = True
        self._write_later()
        return True

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

    def _count_accepted(self, uri: str, text: str, *, is_part: bool) -> None:
        self._counters.accepted_characters += len(text)
        self._counters.accepted_parts += is_part
        self._write_later()
        for name, seconds in LATER_S.items():
            asyncio.get_running_loop().call_later(seconds, self._look_again, uri, text, name)

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
