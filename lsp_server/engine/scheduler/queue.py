"""Whose turn it is among equals. Pure."""

from __future__ import annotations

from lsp_server.ipc.requests import Generate, Priority

_Key = tuple[str, str, Priority]


class AdmissionQueue:
    """Numbers of turns; the lower goes first.

    A document keeps its turn while it waits, however often its request is replaced: where more is asked for than can
    be answered, each key's request would else go to the end of the queue, and never come to its front.
    """

    def __init__(self) -> None:
        self.num_requests = 0
        self._waiting: dict[_Key, int] = {}

    def enqueue(self, request: Generate) -> int:
        """The turn of a request: that of the last one of the same place, if that had none of its answer."""
        self.num_requests += 1
        return self._waiting.setdefault(_key_of(request), self.num_requests) if request.document else self.num_requests

    def answered(self, request: Generate) -> None:
        """Take note that a request's answer has begun: the next one of its place queues anew."""
        self._waiting.pop(_key_of(request), None)

    def clear(self) -> None:
        """Take note that nobody waits."""
        self._waiting.clear()


def _key_of(request: Generate) -> _Key:
    return request.document, request.kind, request.priority
