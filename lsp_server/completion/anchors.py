"""The last few anchors (cached prompt prefixes) of each document.

Typing continues the newest anchor. An undo returns to an older one.
"""

from __future__ import annotations

from collections import OrderedDict

from lsp_server.prompt.anchor import Anchor, Continuation, follow
from lsp_server.text.snapshot import Snapshot

MAX_ANCHORS_PER_DOCUMENT = 6
MAX_DOCUMENTS = 64


class Anchors:
    """Anchors by document."""

    def __init__(self) -> None:
        self._by_uri: OrderedDict[str, list[Anchor]] = OrderedDict()

    def continued(self, snapshot: Snapshot) -> list[tuple[Anchor, Continuation]]:
        """The anchors that a snapshot continues. Less typed text comes first; among equals, the newest."""
        found = [
            (anchor, continuation)
            for anchor in reversed(self._by_uri.get(snapshot.uri, []))
            if (continuation := follow(anchor, snapshot)) is not None
        ]
        return sorted(found, key=lambda pair: len(pair[1].typed))

    def add(self, uri: str, anchor: Anchor) -> None:
        """Keep an anchor that is in the KV cache, or will be in a moment."""
        anchors = self._by_uri.setdefault(uri, [])
        anchors.append(anchor)
        del anchors[:-MAX_ANCHORS_PER_DOCUMENT]
        self._by_uri.move_to_end(uri)
        while len(self._by_uri) > MAX_DOCUMENTS:
            self._by_uri.popitem(last=False)

    def forget(self, uri: str) -> None:
        """Drop a document's anchors."""
        self._by_uri.pop(uri, None)
