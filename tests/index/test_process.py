"""The indexing process: what it is told and tells, and that it never outlives its server."""

import asyncio
import os
import signal

import psutil
import pytest

from lsp_server.index.database import database_path, open_for_reading
from lsp_server.index.messages import Finished, Progress
from lsp_server.index.process import IndexProcess
from lsp_server.index.reader import Reader
from tests.processes import INDEX_WORKER, children_of
from tests.waiting import eventually


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    root = tmp_path / "project"
    root.mkdir()
    for number in range(5):
        (root / f"m{number}.py").write_text(f"class Shape{number}: pass\n" * 4000)
    return root


class Events(list):
    def finished(self):
        return [each for each in self if isinstance(each, Finished)]


@pytest.fixture
async def events():
    return Events()


@pytest.fixture
async def process(events):
    process = IndexProcess(events.append)
    yield process
    await process.stop()


def children():
    return children_of(None, INDEX_WORKER)


async def test_a_scan_reports_progress_and_its_end(process, events, root):
    process.scan([root])
    await eventually(events.finished)
    assert events.finished() == [Finished(str(root), 5, 5)]
    fractions = [each.fraction for each in events if isinstance(each, Progress)]
    assert fractions == sorted(fractions)
    assert all(0 < fraction <= 1 for fraction in fractions)


async def test_an_update_follows_a_save(process, events, root):
    process.scan([root])
    (root / "m0.py").write_text("def saved(): pass\n")
    process.update([root / "m0.py", root.parent / "elsewhere.py"])
    await eventually(lambda: len(events.finished()) == 2)
    reader = Reader(open_for_reading(database_path(root)))
    (file,) = reader.files("path", ["m0.py"])
    assert [each.name for each in reader.symbols(file.number)] == ["saved"]


async def test_an_update_follows_a_save_by_another_path(process, events, root):
    (root.parent / "alias").symlink_to(root)
    process.scan([root])
    (root / "m0.py").write_text("def saved(): pass\n")
    process.update([root.parent / "alias" / "m0.py"])
    await eventually(lambda: len(events.finished()) == 2)
    reader = Reader(open_for_reading(database_path(root)))
    (file,) = reader.files("path", ["m0.py"])
    assert [each.name for each in reader.symbols(file.number)] == ["saved"]


async def test_it_runs_at_low_priority_and_ends_when_stopped(process, events, root):
    process.scan([root])
    await eventually(events.finished)
    (child,) = children()
    assert child.nice() > psutil.Process().nice()
    await process.stop()
    await eventually(lambda: not child.is_running())


async def test_one_that_is_killed_comes_back(process, events, root):
    process.scan([root])
    await eventually(events.finished)
    (child,) = children()
    os.kill(child.pid, signal.SIGKILL)
    await eventually(lambda: len(events.finished()) == 2)
    assert children() != [child]


async def test_no_folder_no_process(process):
    process.scan([])
    process.update([])
    await asyncio.sleep(0)
    assert children() == []
