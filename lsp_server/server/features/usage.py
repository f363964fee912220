"""Counts what is shown and accepted, while the setting `statistics` is on.

Acceptance is inferred from edits. For a client that reports it (`PROTOCOL.md`) the reports count instead.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from lsp_server.completion.acceptance import Acceptance, OfferedById, OfferedCompletion, num_kept
from lsp_server.completion.request import Answer
from lsp_server.server import statistics
from lsp_server.server.client.client import Client
from lsp_server.server.documents import Documents
from lsp_server.server.live_settings import LiveSettings
from lsp_server.server.statistics import Counters
from lsp_server.text.snapshot import Snapshot, normalize
from lsp_server.text.units import units_to_code_points

WRITE_EVERY_S = 60.0
LATER_S = {"30_s": 30.0, "5_min": 300.0}


class UsageCounters:
    """Counters of one server, written every minute and at the end."""

    def __init__(self, client: Client, documents: Documents, settings: LiveSettings) -> None:
        self._client = client
        self._documents = documents
        self._settings = settings
        self._acceptance = Acceptance()
        self._offered = OfferedById()
        self._counters = Counters()
        self._timer: asyncio.TimerHandle | None = None

    def shown(self, snapshot: Snapshot, answer: Answer, inserted: Sequence[str], num_typed: int) -> range:
        """Count an answer that goes to the client, and return the ids of its texts.

        `inserted` are the texts as the client inserts them. Their first `num_typed` characters are not the answer's.
        Only a client that reports acceptances gets ids.
        """
        if not self._settings.current.statistics:
            return range(0)
        self._counters.shown += 1
        self._counters.known += answer.reason == "known"
        self._counters.add_time(answer.timings.total_ms)
        self._write_later()
        if self._client.capabilities.wants("acceptance"):
            return self._offered.register(snapshot.uri, inserted, num_typed)
        texts = (answer.text, *answer.alternatives)
        self._acceptance.show(snapshot.uri, OfferedCompletion(snapshot.line, snapshot.character, texts))
        return range(0)

    def edited(self, uri: str, line: int, character: int, inserted: str) -> None:
        """Count what an edit accepts; its place is in code points."""
        text, is_part = self._acceptance.accepted(uri, line, character, inserted)
        if text:
            self._counters.accepted += 1
            self._count_accepted(uri, text, is_part=is_part)

    def accepted(self, number: int, units: int | None = None) -> bool:
        """The client reports that a text was accepted; False for an unknown id.

        `units` is how much of it is accepted by now, in units of the client's encoding, and None for all of it.
        """
        if (offered := self._offered.get(number)) is None:
            return False
        whole = offered.text(number)
        length = len(whole) if units is None else units_to_code_points(whole, units, self._client.encoding)
        was_accepted = offered.is_accepted
        if text := offered.accept(number, length):
            self._counters.accepted += not was_accepted
            self._count_accepted(offered.uri, normalize(text), is_part=length < len(whole))
        return True

    def rejected(self, number: int) -> bool:
        """The client reports that a text was rejected; False for an unknown id.

        A text that was accepted in part does not count as rejected.
        """
        if (offered := self._offered.get(number)) is None:
            return False
        self._counters.rejected += not (offered.is_accepted or offered.is_rejected)
        offered.is_rejected = True
        self._write_later()
        return True

    def closed(self, uri: str) -> None:
        """Forget what a closed document showed."""
        self._acceptance.forget(uri)

    def write(self) -> None:
        """Add the counts to the file, if there are any."""
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
            asyncio.get_running_loop().call_later(seconds, self._measure_kept, uri, text, name)

    def _write_later(self) -> None:
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(WRITE_EVERY_S, self.write)

    def _measure_kept(self, uri: str, text: str, name: str) -> None:
        document = self._documents.get(uri)
        if document is None:
            return
        counters = self._counters
        setattr(counters, f"due_{name}", getattr(counters, f"due_{name}") + len(text))
        kept = num_kept(text, document.text.replace("\r\n", "\n"))
        setattr(counters, f"kept_{name}", getattr(counters, f"kept_{name}") + kept)
        self._write_later()
