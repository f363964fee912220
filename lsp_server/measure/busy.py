"""Programs that keep a processor busy during a benchmark, as a compiler or another language server does."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator

# It ends with the process that started it, even if that was killed.
_PROGRAM = "import os\nparent = os.getppid()\nwhile os.getppid() == parent:\n    sum(range(100_000))\n"


@contextlib.contextmanager
def busy(num_processes: int) -> Iterator[None]:
    """Keep so many processes busy. Each takes a core if there are enough."""
    processes = [subprocess.Popen([sys.executable, "-c", _PROGRAM]) for _ in range(num_processes)]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()
