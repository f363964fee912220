"""Remembers earlier answers. While the typed text agrees with one, no request goes to the model."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from lsp_server.completion.request import NO_LIMITS, Limits
from lsp_server.text.snapshot import Snapshot

MAX_ANSWERS_PER_DOCUMENT = 32
MAX_DOCUMENTS = 64


@dataclass(frozen=True, slots=True)
class _Known:
    prefix: str
    suffix: str
    text: str
    limits: Limits
    is_provisional: bool


class Answers:
    """Remembered answers by document."""

    def __init__(self) -> None:
        self._by_uri: OrderedDict[str, list[_Known]] = OrderedDict()

    def remember(
        self, snapshot: Snapshot, text: str, limits: Limits = NO_LIMITS, *, is_provisional: bool = False
    ) -> None:
        """Keep an answer that was right for a snapshot under these limits.

        An answer is provisional if its anchor was short to save time, or if it ended where the model was unsure.
        """
        known = self._by_uri.setdefault(snapshot.uri, [])
        known.append(_Known(snapshot.prefix, snapshot.suffix, text, limits, is_provisional))
        del known[:-MAX_ANSWERS_PER_DOCUMENT]
        self._by_uri.move_to_end(snapshot.uri)
        while len(self._by_uri) > MAX_DOCUMENTS:
            self._by_uri.popitem(last=False)

    def recall(self, snapshot: Snapshot, limits: Limits = NO_LIMITS, *, provisional: bool = True) -> str | None:
        """The rest of the newest answer that agrees with the text typed since; None if no answer agrees.

        Only answers made under the same limits count, and provisional ones only if `provisional` is set. Document plus
        returned text equals the answer's own document plus the answer.
        """
        for known in reversed(self._by_uri.get(snapshot.uri, [])):
            if known.limits != limits or (known.is_provisional and not provisional):
                continue
            if snapshot.suffix != known.suffix or not snapshot.prefix.startswith(known.prefix):
                continue
            typed = snapshot.prefix[len(known.prefix) :]
            if known.text.startswith(typed) and len(typed) < len(known.text):
                return known.text[len(typed) :]
        return None

    def forget(self, uri: str) -> None:
        """Drop the answers of a document."""
        self._by_uri.pop(uri, None)
