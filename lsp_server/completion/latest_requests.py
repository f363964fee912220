"""The newest request of each document and kind. It supersedes the older ones.

The server supersedes by itself, because some clients never cancel: Neovim's inline completion, eglot and Helix.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RequestNumber:
    """The number of a request among those of its document and kind."""

    uri: str
    kind: str
    number: int


class LatestRequests:
    """The newest request number of each document and kind."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._newest: dict[tuple[str, str], int] = {}

    def register(self, uri: str, kind: str) -> RequestNumber:
        """Number a new request, which supersedes the earlier ones."""
        number = RequestNumber(uri, kind, next(self._numbers))
        self._newest[uri, kind] = number.number
        return number

    def is_latest(self, number: RequestNumber) -> bool:
        """Whether no newer request has been registered."""
        return self._newest.get((number.uri, number.kind)) == number.number

    def forget(self, uri: str) -> None:
        """Supersede every request of a document that was closed."""
        self._newest = {key: number for key, number in self._newest.items() if key[0] != uri}
