"""Pulls that do not fit: real file systems and limits, the real huggingface-hub client and a hub on loopback."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.catalog.conftest import FILE, LARGE, NAME, REPO, blobs, sentence
from tests.waiting import wait_until

PULL = ("models", "pull", NAME, "--yes")


@pytest.fixture
def hub(hub):
    hub.files[f"{REPO}/{FILE}"] = LARGE
    return hub


@pytest.fixture
def disk(tmp_path):
    """A file system of 40 million bytes."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=40000000", "tmpfs", str(folder)]
    if sys.platform != "linux" or os.geteuid() or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("no file system can be mounted here")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(disk, num_free):
    """Leave only so much room; returns the file that takes the rest."""
    room = os.statvfs(disk)
    filling = disk / "other"
    filling.write_bytes(bytes(room.f_bavail * room.f_frsize - num_free))
    return filling


def assert_says_where_and_how_much(line, disk):
    assert f"{disk}{os.sep}" in line
    assert "25.0 MB" in line
    assert "set HF_HOME to a folder on another disk" in line


def test_a_disk_without_the_room_is_said_before_anything_is_downloaded(infill, hub, disk):
    filling = fill(disk, 15_000_000)
    line = sentence(infill(*PULL, HF_HOME=str(disk)))
    assert_says_where_and_how_much(line, disk)
    assert f"{os.sep}blobs has 15.0 MB free" in line
    assert hub.asked("GET", "content") == []
    assert blobs(disk) == []
    filling.unlink()
    assert infill(*PULL, HF_HOME=str(disk)).returncode == 0


def test_a_disk_that_fills_meanwhile_is_said_and_emptied(start, infill, hub, disk):
    hub.pause_at = 12_000_000
    process = start(*PULL, HF_HOME=str(disk))
    wait_until(lambda: sum(blob.stat().st_size for blob in blobs(disk)) > 10_000_000)
    filling = fill(disk, 1_000_000)
    hub.go_on.set()
    out, err = process.communicate(timeout=60)
    line = sentence(subprocess.CompletedProcess(PULL, process.returncode, out, err))
    assert_says_where_and_how_much(line, disk)
    assert "is full" in line
    assert blobs(disk) == []
    filling.unlink()
    assert infill(*PULL, HF_HOME=str(disk)).returncode == 0


def test_what_is_here_already_needs_no_room(infill, start, hub, disk):
    hub.pause_at = 22_000_000
    process = start(*PULL, HF_HOME=str(disk))
    wait_until(lambda: sum(blob.stat().st_size for blob in blobs(disk)) > 20_000_000)
    process.kill()
    process.wait()
    hub.pause_at = 0
    filling = fill(disk, 3_000_000)
    assert "MB more, and " in sentence(infill(*PULL, HF_HOME=str(disk)))
    filling.unlink()
    fill(disk, 8_000_000)
    assert infill(*PULL, HF_HOME=str(disk)).returncode == 0
    assert [blob.read_bytes() for blob in blobs(disk)] == [LARGE]


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such limits")
def test_a_file_that_the_file_system_does_not_take_is_said(infill, hub, tmp_path):
    import resource

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (15_000_000, 15_000_000))

    line = sentence(infill(*PULL, options={"preexec_fn": limit}))
    assert "takes no file as large as" in line
    assert "25.0 MB" in line
    assert blobs(tmp_path) == []


@pytest.mark.parametrize("etag", ["", "1234"], ids=["goes on", "as the library does"])
def test_a_size_that_no_disk_has_is_said(infill, hub, tmp_path, etag):
    hub.stated_bytes, hub.etag = 10**15, etag
    assert "needs 1000000.00 GB" in sentence(infill(*PULL))
    assert hub.asked("GET", "content") == []
