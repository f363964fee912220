"""Idle means idle: an engine that has nothing to do does not wake up."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

import psutil
import pytest

from lsp_server.engine.client.supervisor import EngineSupervisor
from lsp_server.ipc.launch import EngineOptions
from lsp_server.ipc.requests import Generate, Marker, Text
from tests.gguf.embedded import EMBEDDED
from tests.processes import engines_of

WATCHED_S = 1.0
FEW = 3  # switches that something outside of us may cause


@pytest.mark.alone
async def test_an_idle_engine_does_not_wake_up() -> None:
    engine = EngineSupervisor(EngineOptions(model_path=str(EMBEDDED)))
    engine.start()
    try:
        await engine.ready()
        parts = (Marker("begin"), Marker("prefix"), Text("import os\n"), Marker("suffix"), Text(""), Marker("middle"))
        async for _ in engine.generate(Generate(parts, max_tokens=4)):
            pass
        process = engines_of()[0]
        for _ in range(20):  # whatever was still to be done after the answer gets time to end, threads included
            before = voluntary_switches(process)
            await asyncio.sleep(WATCHED_S)
            after = voluntary_switches(process)
            switches = sum(after.values()) - sum(before.values())
            if switches <= FEW and after.keys() == before.keys():
                break
        assert switches <= FEW
        assert after.keys() == before.keys(), "threads came and went"
    finally:
        await engine.stop()


def voluntary_switches(process: psutil.Process) -> dict[str, int]:
    """Of each thread of a process; psutil counts those of the main thread only."""
    tasks = Path(f"/proc/{process.pid}/task")
    if not tasks.exists():
        pytest.skip("threads' switches can be read on Linux only")
    found = {}
    for task in tasks.iterdir():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
            status = (task / "status").read_text()
            found[task.name] = int(status.partition("\nvoluntary_ctxt_switches:")[2].split()[0])
    return found
