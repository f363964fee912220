"""The real server and its real transports, with a pipeline that notes what it was asked instead of answering.

Run as `python -m tests.server.recording_server serve …`; the command `test.seen` returns the notes.
"""

import asyncio
import sys

from lsp_server import cli
from lsp_server.completion.request import Answer
from lsp_server.server import main
from lsp_server.settings.model import Settings


class Recorder:
    """Takes the pipeline's place; as slow as one, so that later edits arrive before it is done."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str]] = []

    async def complete(self, snapshot, neighbours, ask) -> Answer:
        await asyncio.sleep(0.01)
        self.seen.append((snapshot.prefix, snapshot.suffix))
        return Answer()


class RecordingServer(main.Server):
    def __init__(self) -> None:
        super().__init__()
        self.context.engines.pipelines[Settings()] = recorder = Recorder()
        self.context.server.command("test.seen")(lambda: recorder.seen)


if __name__ == "__main__":
    main.Server = RecordingServer
    sys.exit(cli.main())
