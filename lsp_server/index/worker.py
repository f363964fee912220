"""The indexing process: `python -m lsp_server.index.worker`. It ends at once when its standard input does.

A kill at any moment loses only the last batch (`database.py`).
"""

from __future__ import annotations

import os
import queue
import sys
import threading
from pathlib import Path

import msgspec

from lsp_server.index.build import Builder
from lsp_server.index.messages import Event, Finished, Progress, Request, Scan

NICENESS = 10


def main() -> None:
    """Serve the requests on standard input, in order."""
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    requests: queue.SimpleQueue[Request] = queue.SimpleQueue()
    threading.Thread(target=_receive, args=(requests,), daemon=True).start()
    builders: dict[str, Builder] = {}
    while True:
        request = requests.get()
        if isinstance(request, Scan):
            for root in request.roots:
                _scan(builders, root)
        else:
            _update(builders, [Path(path) for path in request.paths])


def _receive(requests: queue.SimpleQueue[Request]) -> None:
    for line in sys.stdin.buffer:
        requests.put(msgspec.json.decode(line, type=Request))
    os._exit(0)  # the server is gone


def _scan(builders: dict[str, Builder], root: str) -> None:
    if root not in builders:
        builders[root] = Builder(Path(root))
    builder = builders[root]
    num_read = builder.scan(lambda fraction: _send(Progress(root, fraction)))
    _send(Finished(root, num_read, builder.num_files))


def _update(builders: dict[str, Builder], paths: list[Path]) -> None:
    for root, builder in builders.items():
        num_read = builder.update(paths)
        _send(Finished(root, num_read, builder.num_files))


def _send(event: Event) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(event) + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
