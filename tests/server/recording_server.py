"""The real server and its real transports, with a pipeline that notes what it was asked instead of answering.

Run as `python -m tests.server.recording_server serve …`; the command `test.seen` returns the notes.
"""

import asyncio
import sys

from lsp_server import cli
from lsp_server.completion.request import Answer
from lsp_server.server import main


class Recorder:
    """Takes the pipeline's place; as slow as one, so that later edits arrive before it is done."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str]] = []

    async def complete(self, snapshot, neighbours, ask) -> Answer:
        await asyncio.sleep(0.01)
        self.seen.append((snapshot.prefix, snapshot.suffix))
        return Answer()


def make_recording_server() -> main.InfillServer:
    server = make_server()
    server.pipeline = recorder = Recorder()
    server.command("test.seen")(lambda: recorder.seen)
    return server


if __name__ == "__main__":
    make_server, main.make_server = main.make_server, make_recording_server
    sys.exit(cli.main())
