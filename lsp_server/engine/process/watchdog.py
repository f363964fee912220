"""Ends an engine that is stuck: whose step does not end, as where a driver hangs. It is then started anew."""

from __future__ import annotations

import faulthandler
import time
from collections.abc import Callable

# Arming starts a thread of C's, so steps share one.
_REARM_SHARE = 0.2


class Watchdog:
    """Ends the process, with every thread's place in its log, where a step takes longer than a limit.

    Where others went before it without a rest, it may take a fifth less.
    """

    def __init__(self, limit_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit_s = limit_s
        self._clock = clock
        self._armed_at: float | None = None

    def arm(self) -> None:
        """A step begins."""
        now = self._clock()
        if self._armed_at is None or now - self._armed_at > self._limit_s * _REARM_SHARE:
            faulthandler.dump_traceback_later(self._limit_s, exit=True)
            self._armed_at = now

    def disarm(self) -> None:
        """There is nothing to do."""
        if self._armed_at is not None:
            faulthandler.cancel_dump_traceback_later()
            self._armed_at = None
