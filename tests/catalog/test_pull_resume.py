"""Pulls that were stopped and go on: the real huggingface-hub client and a hub on loopback."""

from __future__ import annotations

import hashlib
import os

import pytest

from tests.catalog.conftest import CONTENT, FILE, LARGE, NAME, REPO, blobs, sentence
from tests.waiting import wait_until

KEPT = 20_000_000
DIGEST = hashlib.sha256(LARGE).hexdigest()


@pytest.fixture
def hub(hub):
    hub.files[f"{REPO}/{FILE}"] = LARGE
    return hub


@pytest.fixture
def killed(start, hub, tmp_path):
    """A pull whose process was killed when most of the file was here: the part of it that is."""
    hub.pause_at = 22_000_000
    process = start("models", "pull", NAME, "--yes")
    wait_until(lambda: sum(blob.stat().st_size for blob in blobs(tmp_path)) > KEPT)
    process.kill()
    process.wait()
    hub.pause_at = 0
    [part] = blobs(tmp_path)
    assert part.name == f"{DIGEST}.incomplete"
    hub.requests.clear()
    return part


def is_here(tmp_path):
    [blob] = blobs(tmp_path)
    return blob.name == DIGEST and blob.read_bytes() == LARGE


def first_bytes(hub):
    """Where the content was asked to begin, each time."""
    return [int(asked.removeprefix("bytes=").rstrip("-") or 0) for asked in hub.asked("GET", "content")]


def test_a_pull_whose_connection_was_cut_goes_on(infill, hub, tmp_path):
    hub.cut_after = 22_000_000
    assert infill("models", "pull", NAME, "--yes").returncode == 0
    assert is_here(tmp_path)
    [begin, again] = first_bytes(hub)
    assert begin == 0
    assert again >= KEPT


def test_a_pull_that_was_killed_goes_on_when_pulled_again(infill, hub, tmp_path, killed):
    num_here = killed.stat().st_size
    assert infill("models", "pull", NAME, "--yes").returncode == 0
    assert is_here(tmp_path)
    assert first_bytes(hub) == [num_here]


def test_a_part_that_is_damaged_is_found_out_and_removed(infill, hub, tmp_path, killed):
    with killed.open("r+b") as content:
        content.write(b"FUGG")
    assert "arrived damaged" in sentence(infill("models", "pull", NAME, "--yes"))
    assert blobs(tmp_path) == []
    assert infill("models", "pull", NAME, "--yes").returncode == 0
    assert is_here(tmp_path)


def test_a_part_that_is_too_long_is_not_gone_on_with(infill, hub, tmp_path, killed):
    os.truncate(killed, len(LARGE) + 1)
    assert infill("models", "pull", NAME, "--yes").returncode == 0
    assert is_here(tmp_path)


def test_a_part_that_has_everything_is_only_verified(infill, hub, tmp_path, killed):
    killed.write_bytes(LARGE)
    assert infill("models", "pull", NAME, "--yes").returncode == 0
    assert is_here(tmp_path)
    assert first_bytes(hub) == []


def test_a_connection_that_breaks_again_and_again_is_said_and_what_arrived_is_kept(infill, hub, killed):
    hub.breaks = True
    num_here = killed.stat().st_size
    assert "what arrived is kept" in sentence(infill("models", "pull", NAME, "--yes", waits=False))
    assert killed.stat().st_size == num_here


def test_nothing_is_left_of_a_pull_that_never_got_anything(infill, hub, tmp_path):
    hub.breaks = True
    assert "Pull again" in sentence(infill("models", "pull", NAME, "--yes", waits=False))
    assert blobs(tmp_path) == []


def test_what_another_tool_left_of_the_same_file_is_removed(infill, hub, tmp_path, killed):
    killed.rename(killed.with_name(f"{DIGEST}.0badcafe.incomplete"))
    assert infill("models", "pull", NAME, "--yes").returncode == 0
    assert is_here(tmp_path)


def test_a_part_can_be_removed(infill, tmp_path, killed):
    removed = infill("models", "rm", NAME)
    assert " MB are free" in removed.stdout
    assert blobs(tmp_path) == []
    assert "not on this machine" in sentence(infill("models", "rm", NAME))


def test_a_part_that_is_being_downloaded_is_not_removed(start, infill, hub, tmp_path):
    hub.pause_at = 22_000_000
    process = start("models", "pull", NAME, "--yes")
    wait_until(lambda: sum(blob.stat().st_size for blob in blobs(tmp_path)) > KEPT)
    assert "not on this machine" in sentence(infill("models", "rm", NAME))
    hub.go_on.set()
    _, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert is_here(tmp_path)


def test_a_file_without_a_digest_is_downloaded_as_the_library_does(infill, hub, tmp_path):
    """Small files are no large ones to the hub; their ETag is another digest."""
    hub.etag = "1234"
    assert infill("models", "pull", NAME, "--yes").returncode == 0
    [blob] = blobs(tmp_path)
    assert blob.name == "1234"
    assert len(blob.read_bytes()) == len(LARGE) != len(CONTENT)
