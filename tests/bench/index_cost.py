"""What the index costs in a workspace of real files: to build, to keep up to date, and to query."""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import sysconfig
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import psutil

from lsp_server.context.ranking import choose
from lsp_server.context.retrieval import Retrieval, share_processor
from lsp_server.index.build import Builder
from lsp_server.index.database import database_path
from lsp_server.index.folder import Folder
from lsp_server.languages.syntax import language_of
from lsp_server.measure.stats import Spread, spread
from lsp_server.settings.model import Settings
from lsp_server.text.workspace import Workspace, file_uri, read_source

Say = Callable[[str], None]

SEED = 8
NUM_FILES = 5000
TICK_S = 0.001
IDLE_S = 0.02  # about as long as a query takes


def standard_library() -> Path:
    """Python's own modules, as a project of many files."""
    return Path(sysconfig.get_paths()["stdlib"])


def measure(projects: dict[str, Path], pairs: int, num_files: int, say: Say) -> dict[str, Any]:
    """Measure all of it, with `pairs` samples of saves and queries."""
    with tempfile.TemporaryDirectory(prefix="infill-bench-") as folder:
        results: dict[str, Any] = {}
        for name, root in projects.items():
            say(f"indexing {name}")
            copied = _copy_project(root, Path(folder) / name)
            results[name] = _in_a_process(_cold, copied, Path(folder) / f"{name}.sqlite")
        library = _copy_project(standard_library(), Path(folder) / "library")
        say("saving")
        results["saves_ms"] = _in_a_process(_saves, library, Path(folder) / "saves.sqlite", pairs)
        say(f"copying {num_files} files")
        workspace = Path(folder) / "workspace"
        _copy_files(library, workspace, num_files)
        results["queries"] = _in_a_process(_queries, workspace, Path(folder) / "cache", pairs)
        return results


def _in_a_process(work: Callable[..., Any], *arguments: Any) -> Any:
    """Run the work in a process of its own, whose memory is the work's."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(work, *arguments).result()


def _cold(root: Path, index: Path) -> dict[str, Any]:
    """Build an index from nothing."""
    wall, cpu = time.perf_counter(), time.process_time()
    builder = Builder(root, index)
    num_files = builder.scan()
    builder.close()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    source_bytes = sum(state.size for state in Folder(root).walk())
    return {
        "num_files": num_files,
        "source_bytes": source_bytes,
        "wall_s": wall,
        "processor_s": cpu,
        "megabytes_per_s_and_core": source_bytes / 1e6 / cpu,
        "index_bytes": index.stat().st_size,
        "memory_mebibytes": psutil.Process().memory_info().rss / (1 << 20),
    }


def _saves(root: Path, index: Path, pairs: int) -> dict[str, Spread | None]:
    """Index single files again after a line was added: milliseconds by the clock, and of processor time."""
    with tempfile.TemporaryDirectory(prefix="infill-saves-") as folder:
        copied = Path(folder)
        paths = _copy_files(root, copied, 1500)
        builder = Builder(copied, index)
        builder.scan()
        wall, cpu = [], []
        rng = random.Random(SEED)
        for number, path in enumerate(rng.choices(paths, k=pairs)):
            with path.open("r+b") as file:
                lines = file.readlines()
                lines.insert(rng.randrange(len(lines)), b"added_%d = other_%d\n" % (number, number))
                file.seek(0)
                file.writelines(lines)
            begun, begun_cpu = time.perf_counter(), time.process_time()
            builder.update([path])
            wall.append((time.perf_counter() - begun) * 1000)
            cpu.append((time.process_time() - begun_cpu) * 1000)
        builder.close()
    return {"wall": spread(wall), "processor": spread(cpu)}


def _queries(root: Path, cache: Path, pairs: int) -> dict[str, Any]:
    """Gather and choose blocks at random places, and watch the event loop meanwhile."""
    os.environ["XDG_CACHE_HOME"] = str(cache)
    share_processor()
    builder = Builder(root, database_path(root))
    num_files = builder.scan()
    builder.close()
    rng = random.Random(SEED)
    paths = [root / state.path for state in Folder(root).walk() if state.path.endswith(".py")]
    before = psutil.Process().memory_info().rss
    idle = asyncio.run(_idle_pauses(pairs))
    wall, cpu, pauses = asyncio.run(_ask(root, rng.choices(paths, k=pairs), rng))
    return {
        "num_files": num_files,
        "gather_ms": {"wall": spread(wall), "processor": spread(cpu)},
        "event_loop_pause_ms": spread(pauses),
        "event_loop_pause_idle_ms": spread(idle),
        "memory_mebibytes": (psutil.Process().memory_info().rss - before) / (1 << 20),
    }


async def _ask(root: Path, paths: Sequence[Path], rng: random.Random) -> tuple[list[float], list[float], list[float]]:
    """Milliseconds of each query, of its processor time, and of the event loop's longest pause meanwhile."""
    retrieval, workspace = Retrieval(lambda: True), Workspace([root])
    max_tokens = Settings().context.max_tokens
    wall, cpu, pauses = [], [], []
    for is_warm in (False, True):
        for path in paths:
            document = workspace.open(file_uri(path), language_of(path.name), 0, read_source(path))
            line = rng.randrange(document.num_lines)
            snapshot = document.snapshot(line, len(document.line(line)))
            with _watched_loop() as longest:
                begun, begun_cpu = time.perf_counter(), time.process_time()
                gathered = await retrieval.gather(snapshot, ())
                found_ms, found_cpu_ms = _since(begun, time.perf_counter()), _since(begun_cpu, time.process_time())
                await asyncio.sleep(0)
            chosen_at = time.perf_counter()
            choose(gathered, max_tokens)
            chosen_ms = _since(chosen_at, time.perf_counter())
            if is_warm:
                wall.append(found_ms + chosen_ms)
                cpu.append(found_cpu_ms + chosen_ms)
                pauses.append(max(*longest, chosen_ms))
    retrieval.close()
    return wall, cpu, pauses


async def _idle_pauses(pairs: int) -> list[float]:
    """The longest pauses of an idle event loop, which are the machine's."""
    pauses = []
    for _ in range(pairs):
        with _watched_loop() as longest:
            await asyncio.sleep(IDLE_S)
        pauses.append(max(longest))
    return pauses


def _since(begun: float, ended: float) -> float:
    return (ended - begun) * 1000


@contextmanager
def _watched_loop() -> Any:
    """Record in milliseconds how late the event loop is."""
    late = [0.0]

    async def tick() -> None:
        while True:
            begun = time.perf_counter()
            await asyncio.sleep(TICK_S)
            late.append((time.perf_counter() - begun - TICK_S) * 1000)

    task = asyncio.ensure_future(tick())
    try:
        yield late
    finally:
        task.cancel()


def _copy_project(root: Path, to: Path) -> Path:
    """Copy an installed project. Where it is, a repository around it may ignore it, as pyenv's and a checkout's do."""
    shutil.copytree(root, to, ignore=shutil.ignore_patterns("site-packages", "__pycache__"))
    return to


def _copy_files(root: Path, to: Path, num_files: int) -> list[Path]:
    """Copy so many files of a project. Files are repeated below another folder as often as it takes."""
    states = list(Folder(root).walk())
    copied = []
    for number in range(num_files):
        state = states[number % len(states)]
        path = to / f"part{number // len(states)}" / state.path
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(root / state.path, path)
        copied.append(path)
    return copied
