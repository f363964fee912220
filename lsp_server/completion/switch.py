"""Remembers where the user has switched completion off temporarily. The settings switch it off permanently."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Literal

Scope = Literal["all", "language", "folder"]


class Switch:
    """Switches completion off for everything, a language or a folder: for a time, or until it is switched on again."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._off_until: dict[tuple[Scope, str], float] = {}

    def turn_off(self, scope: Scope, value: str = "", seconds: float = math.inf) -> None:
        """Switch off for some seconds. `value` is a language id or the URI of a folder; it is empty for `all`."""
        self._off_until[scope, value] = self._clock() + seconds

    def turn_on(self, scope: Scope, value: str = "") -> None:
        """Undo a `turn_off` of the same scope and value."""
        self._off_until.pop((scope, value), None)

    def is_on(self, scope: Scope, value: str = "") -> bool:
        """Whether no `turn_off` of the same scope and value is in force."""
        return self._off_until.get((scope, value), -math.inf) <= self._clock()

    def why_off(self, language_id: str, uri: str) -> str:
        """Why a document of that language gets no completions; empty if it gets them."""
        folders = [value for scope, value in self._off_until if scope == "folder" and _is_in(uri, value)]
        if not self.is_on("all"):
            return "switched off"
        if not self.is_on("language", language_id):
            return f"switched off for {language_id}"
        return "switched off for this folder" if any(not self.is_on("folder", each) for each in folders) else ""


def _is_in(uri: str, folder: str) -> bool:
    return uri.startswith(folder.rstrip("/") + "/")
