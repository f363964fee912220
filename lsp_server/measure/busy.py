"""Programs that never rest, to measure beside: a compiler at work, or another language server that indexes."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator

# Ends with whoever started it, however that went.
_PROGRAM = "import os\nparent = os.getppid()\nwhile os.getppid() == parent:\n    sum(range(100_000))\n"


@contextlib.contextmanager
def busy(num_processes: int) -> Iterator[None]:
    """Keep so many processes busy, a core each if there are as many."""
    processes = [subprocess.Popen([sys.executable, "-c", _PROGRAM]) for _ in range(num_processes)]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()
