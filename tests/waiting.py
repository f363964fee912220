"""Bounded waiting for what other processes and threads do, which have no event to wait for."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Callable
from typing import Any

TIMEOUT_S = 60.0
_PAUSE_S = 0.01


def wait_until(condition: Callable[[], Any]) -> Any:
    """Wait for a condition; return what it returned. Raises `AssertionError` after `TIMEOUT_S` seconds."""
    give_up = time.monotonic() + TIMEOUT_S
    while not (result := condition()):
        assert time.monotonic() < give_up, "waited in vain"
        time.sleep(_PAUSE_S)
    return result


async def eventually(condition: Callable[[], Any]) -> Any:
    """Wait on an event loop for a plain or an async function; return what it returned.

    Raises `TimeoutError` after `TIMEOUT_S` seconds.
    """
    async with asyncio.timeout(TIMEOUT_S):
        while True:
            result = condition()
            if inspect.isawaitable(result):
                result = await result
            if result:
                return result
            await asyncio.sleep(_PAUSE_S)
