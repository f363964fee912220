"""Ends an engine process whose step never ends, for example because a driver hangs. The supervisor starts another."""

from __future__ import annotations

import faulthandler
import time
from collections.abc import Callable

# Arming starts a C thread, so the steps within this share of the limit have one in common.
_REARM_SHARE = 0.2


class Watchdog:
    """Ends the process if a step takes longer than a limit. The stack of every thread goes to its log.

    Where steps follow each other without a pause, a step may get a fifth less than the limit.
    """

    def __init__(self, limit_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit_s = limit_s
        self._clock = clock
        self._armed_at: float | None = None

    def arm(self) -> None:
        """Call it before each step."""
        now = self._clock()
        if self._armed_at is None or now - self._armed_at > self._limit_s * _REARM_SHARE:
            faulthandler.dump_traceback_later(self._limit_s, exit=True)
            self._armed_at = now

    def disarm(self) -> None:
        """Call it when no step follows."""
        if self._armed_at is not None:
            faulthandler.cancel_dump_traceback_later()
            self._armed_at = None
