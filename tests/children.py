"""The processes of infill's that this one has started; other tests may have left some of another kind."""

from __future__ import annotations

import contextlib

import psutil


def children_of(module: str) -> list[psutil.Process]:
    """Those that run a module, at any depth."""
    found = []
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):  # a zombie, too
            if module in process.cmdline():
                found.append(process)
    return found


def engines() -> list[psutil.Process]:
    """The engines."""
    return children_of("lsp_server.engine.process.service")
