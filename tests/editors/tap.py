"""A tap between an editor and its server: `python tap.py LOG COMMAND…` runs the command and records every message.

One JSON object a line: `{"from": "editor"|"server", "at": seconds, "message": …}`; the first has the server's `pid`.
It ends as the server ends, by the same signal.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from typing import IO, Any


class Log:
    """The file; both directions write to it."""

    def __init__(self, path: str) -> None:
        self._file = open(path, "a", encoding="utf-8")  # noqa: PTH123, SIM115  (open as long as the process lives)
        self._lock = threading.Lock()

    def write(self, record: dict[str, Any]) -> None:
        with self._lock:
            self._file.write(json.dumps(record) + "\n")
            self._file.flush()


def pump(source: IO[bytes], sink: IO[bytes], log: Log, sender: str) -> None:
    """Pass messages on until one end closes; each is recorded before it is passed on."""
    with contextlib.suppress(OSError, ValueError):
        while True:
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                line = source.readline()
                if not line:
                    sink.close()
                    return
                head += line
            length = next(
                int(line.partition(b":")[2])
                for line in head.splitlines()
                if line.lower().startswith(b"content-length:")
            )
            body = source.read(length)
            log.write({"from": sender, "at": time.monotonic(), "message": json.loads(body)})
            sink.write(head + body)
            sink.flush()


def main() -> None:
    """Run the server."""
    log = Log(sys.argv[1])
    server = subprocess.Popen(sys.argv[2:], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=-1)
    log.write({"pid": server.pid})
    assert server.stdin is not None
    assert server.stdout is not None
    to_server = (sys.stdin.buffer, server.stdin, log, "editor")
    threading.Thread(target=pump, args=to_server, daemon=True).start()
    pump(server.stdout, sys.stdout.buffer, log, "server")
    status = server.wait()
    if status < 0:
        signal.signal(-status, signal.SIG_DFL) if -status != signal.SIGKILL else None
        os.kill(os.getpid(), -status)
    os._exit(status)


if __name__ == "__main__":
    main()
