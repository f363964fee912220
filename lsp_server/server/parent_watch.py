"""Notice that the editor is gone, even if another process holds our standard input open."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable

import psutil

POLL_S = 5.0  # only where the system has no process descriptors


def watch_parent(process_id: int, on_end: Callable[[], None]) -> asyncio.Task[None] | None:
    """Call `on_end` when the process ends. A process that cannot be the client is not watched.

    From a container the client is not visible, and its number may be that of another process.

    Returns the task that polls, None where the system itself reports the end.
    """
    loop = asyncio.get_running_loop()
    if not _is_related(process_id):
        return None
    if hasattr(os, "pidfd_open"):
        try:
            descriptor = os.pidfd_open(process_id)
        except OSError:
            return None
        loop.add_reader(descriptor, on_end)
        return None
    return asyncio.ensure_future(_poll(process_id, on_end))


def _is_related(process_id: int) -> bool:
    """Whether a process is an ancestor of ours, or was started by one: an editor and its server may share a shell."""
    try:
        ancestors = {process.pid for process in psutil.Process().parents()}
        return process_id in ancestors or psutil.Process(process_id).ppid() in ancestors - {1}
    except (psutil.Error, ValueError, OverflowError):
        return False


async def _poll(process_id: int, on_end: Callable[[], None]) -> None:
    while psutil.pid_exists(process_id):  # noqa: ASYNC110  (there is no event to wait for)
        await asyncio.sleep(POLL_S)
    on_end()
