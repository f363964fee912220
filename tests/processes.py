"""The processes that infill starts, as the operating system sees them."""

from __future__ import annotations

import contextlib

import psutil

from tests.raw_client import RawClient
from tests.waiting import eventually

ENGINE = "lsp_server.engine.process.service"
INDEX_WORKER = "lsp_server.index.worker"


def is_running(process: int | psutil.Process) -> bool:
    """Whether a process or a process id runs. A zombie does not: it ended, and nobody has waited for it yet."""
    try:
        found = process if isinstance(process, psutil.Process) else psutil.Process(process)
        return found.is_running() and found.status() not in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)
    except psutil.NoSuchProcess:
        return False


def children_of(parent: int | None, module: str) -> list[psutil.Process]:
    """The running processes of a module that a process started, at any depth; None is the tests' own process."""
    found = []
    with contextlib.suppress(psutil.NoSuchProcess):
        for process in psutil.Process(parent).children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):  # a zombie, too
                if module in process.cmdline() and is_running(process):
                    found.append(process)
    return found


def engines_of(parent: int | None = None) -> list[psutil.Process]:
    """The running engines that a process started; by default those of the tests' own process."""
    return children_of(parent, ENGINE)


async def engine_of(client: RawClient) -> int:
    """The id of a server's one engine, once it runs and those before it have ended."""

    def only() -> list[psutil.Process] | None:
        engines = engines_of(client.process.pid)
        return engines if len(engines) == 1 else None

    (engine,) = await eventually(only)
    return engine.pid
