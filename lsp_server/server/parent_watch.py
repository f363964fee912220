"""Notice that the editor is gone, even where its end of our standard input is held open by somebody else."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable

import psutil

POLL_S = 5.0  # only where the system cannot tell by itself


def watch_parent(process_id: int, on_end: Callable[[], None]) -> asyncio.Task[None] | None:
    """Call `on_end` when the process ends. One that cannot be seen, as from inside a container, is not watched."""
    loop = asyncio.get_running_loop()
    if not psutil.pid_exists(process_id):
        return None
    if hasattr(os, "pidfd_open"):
        try:
            descriptor = os.pidfd_open(process_id)
        except OSError:
            return None
        loop.add_reader(descriptor, on_end)
        return None
    return asyncio.ensure_future(_poll(process_id, on_end))


async def _poll(process_id: int, on_end: Callable[[], None]) -> None:
    while psutil.pid_exists(process_id):  # noqa: ASYNC110  (nothing will tell us)
        await asyncio.sleep(POLL_S)
    on_end()
