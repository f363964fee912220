"""Answers given before, so that text typed in agreement with one needs no model."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from lsp_server.text.snapshot import Snapshot

MAX_ANSWERS_PER_DOCUMENT = 32
MAX_DOCUMENTS = 64


@dataclass(frozen=True, slots=True)
class _Known:
    prefix: str
    suffix: str
    text: str
    is_provisional: bool


class Answers:
    """Remembered answers by document."""

    def __init__(self) -> None:
        self._by_uri: OrderedDict[str, list[_Known]] = OrderedDict()

    def remember(self, snapshot: Snapshot, text: str, *, is_provisional: bool = False) -> None:
        """Keep an answer that was right for a snapshot.

        Provisional is one to a prompt that was short for want of time, or that ended where the model was not sure.
        """
        known = self._by_uri.setdefault(snapshot.uri, [])
        known.append(_Known(snapshot.prefix, snapshot.suffix, text, is_provisional))
        del known[:-MAX_ANSWERS_PER_DOCUMENT]
        self._by_uri.move_to_end(snapshot.uri)
        while len(self._by_uri) > MAX_DOCUMENTS:
            self._by_uri.popitem(last=False)

    def recall(self, snapshot: Snapshot, *, provisional: bool = True) -> str | None:
        """What is left of a remembered answer after what was typed since, newest first.

        Unless `provisional` ones will do, they do not count.
        Document and returned text together are the document the answer was made for, and the answer.
        """
        for known in reversed(self._by_uri.get(snapshot.uri, [])):
            if known.is_provisional and not provisional:
                continue
            if snapshot.suffix != known.suffix or not snapshot.prefix.startswith(known.prefix):
                continue
            typed = snapshot.prefix[len(known.prefix) :]
            if known.text.startswith(typed) and len(typed) < len(known.text):
                return known.text[len(typed) :]
        return None

    def forget(self, uri: str) -> None:
        """Drop what is known of a document."""
        self._by_uri.pop(uri, None)
