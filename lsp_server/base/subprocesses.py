"""Child processes that end when their standard input closes."""

from __future__ import annotations

import asyncio

STOP_TIMEOUT_S = 2.0


async def end(process: asyncio.subprocess.Process) -> None:
    """End a child by closing its standard input. Kill it if it still runs after `STOP_TIMEOUT_S`."""
    if process.returncode is not None:
        return
    if process.stdin is not None:
        process.stdin.close()
    try:
        await asyncio.wait_for(process.wait(), STOP_TIMEOUT_S)
    except TimeoutError:
        process.kill()
        await process.wait()
