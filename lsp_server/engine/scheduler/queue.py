"""The order of admission among requests of equal priority. Pure."""

from __future__ import annotations

from lsp_server.ipc.requests import Generate, Priority

_Key = tuple[str, str, Priority]


class AdmissionQueue:
    """Hands out queue numbers. The request with the lowest number goes first.

    A document keeps its number while it waits, even if a newer request replaces the older one. Otherwise each keystroke
    would send the document to the end of the queue. On an overloaded engine it would never reach the front.
    """

    def __init__(self) -> None:
        self.num_requests = 0
        self._waiting: dict[_Key, int] = {}

    def enqueue(self, request: Generate) -> int:
        """The number of a request. A request that replaces an unanswered one inherits its number."""
        self.num_requests += 1
        return self._waiting.setdefault(_key_of(request), self.num_requests) if request.document else self.num_requests

    def answered(self, request: Generate) -> None:
        """Record that the answer of a request has begun. The next request in its place gets a new number."""
        self._waiting.pop(_key_of(request), None)

    def clear(self) -> None:
        """Forget all numbers, because no request waits."""
        self._waiting.clear()


def supersedes(left: Generate, right: Generate) -> bool:
    """Whether one request takes the place of another, whichever is newer."""
    return bool(left.document) and (left.document, left.kind) == (right.document, right.kind)


def _key_of(request: Generate) -> _Key:
    return request.document, request.kind, request.priority
