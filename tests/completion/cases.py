"""A document, what is typed into it and asked of it, and waiting for what a pipeline does meanwhile."""

from __future__ import annotations

import asyncio

from lsp_server.completion.request import CompletionRequest
from lsp_server.text.snapshot import Snapshot
from tests.builders import moved, snapshot_at

HERE = snapshot_at("def area(w, h):\n    ‸\n\n\nprint(area(2, 3))\n", path="src/shapes.py")
AUTOMATIC = CompletionRequest("inline", automatic=True)
EXPLICIT = CompletionRequest("inline")


def typed(text: str, snapshot: Snapshot = HERE) -> Snapshot:
    """The document a moment later, with a text typed at the cursor."""
    return moved(snapshot, snapshot.prefix + text)


def background_tasks() -> set[asyncio.Task]:
    """What goes on besides the test."""
    return asyncio.all_tasks() - {asyncio.current_task()}


async def finish_background() -> None:
    """Wait for all that goes on in the background; what fails there fails the test."""
    while tasks := background_tasks():
        await asyncio.wait(tasks)
        assert not any(task.exception() for task in tasks if not task.cancelled())


async def spin_event_loop() -> None:
    """Let everything happen that can happen without time going by."""
    for _ in range(20):
        await asyncio.sleep(0)
