"""Whose turn it is: a newer request for the same document and kind ends the older one.

Clients do not reliably cancel (Neovim's inline completion, eglot and Helix never do), so the server does.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RequestNumber:
    """One request's place among those of its document and kind."""

    uri: str
    kind: str
    number: int


class LatestRequests:
    """The newest turn of each document and kind."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._newest: dict[tuple[str, str], int] = {}

    def register(self, uri: str, kind: str) -> RequestNumber:
        """Take the turn; earlier ones are over."""
        number = RequestNumber(uri, kind, next(self._numbers))
        self._newest[uri, kind] = number.number
        return number

    def is_latest(self, number: RequestNumber) -> bool:
        """Whether no newer request has come."""
        return self._newest.get((number.uri, number.kind)) == number.number

    def forget(self, uri: str) -> None:
        """End every turn of a document that was closed."""
        self._newest = {key: number for key, number in self._newest.items() if key[0] != uri}
