"""Background tasks of the server."""

from __future__ import annotations

import asyncio
from typing import Any


class BackgroundTasks:
    """Tasks nobody awaits. The event loop itself holds only weak references to tasks."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Future[Any]] = set()

    def __len__(self) -> int:
        return len(self._tasks)

    def track_task(self, task: asyncio.Future[Any]) -> None:
        """Hold a task until it is done."""
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
