"""`infill models pull|rm`: the real huggingface-hub client and a hub on loopback."""

from __future__ import annotations

import subprocess
import threading

import pytest

from tests.catalog.conftest import CONTENT, FILE, REPO

NAME = "deepseek-coder-1.3b-base"


def blobs(tmp_path):
    return [path for path in (tmp_path / "hub").rglob("blobs/*") if path.is_file()]


def sentence(result: subprocess.CompletedProcess[str]) -> str:
    """The error: one line that begins with the command's name."""
    assert result.returncode == 1, result.stdout
    [line] = result.stderr.splitlines()
    assert line.startswith("infill: ")
    return line


def test_a_model_is_pulled_and_then_found_by_its_name(infill, hub, tmp_path):
    pulled = infill("models", "pull", NAME, "--yes")
    assert pulled.returncode == 0, pulled.stderr
    assert "DeepSeek License 1.0" in pulled.stdout, "the licence is shown first"
    assert "no military use" in pulled.stdout
    [blob] = blobs(tmp_path)
    assert blob.read_bytes() == CONTENT
    num_requests = len(hub.requests)
    again = infill("models", "pull", NAME, "--yes")
    assert again.returncode == 0
    assert "is here already" in again.stdout
    assert len(hub.requests) == num_requests, "and nothing was asked"
    listed = next(line for line in infill("models", "list").stdout.splitlines() if line.startswith(NAME))
    assert listed.split()[-1] == "Q4_K_M"
    shown = "".join(infill("models", "show", NAME).stdout.split())
    assert f"here:{blob.parent.parent / 'snapshots'}" in shown
    assert FILE in infill("complete", "-:1:1", "--model", NAME).stderr, "it is what llama.cpp is handed"


def test_a_file_that_the_catalogue_does_not_have(infill, hub, tmp_path):
    hub.files["someone/else-GGUF/other.gguf"] = b"GGUF other"
    pulled = infill("models", "pull", "someone/else-GGUF:other.gguf", "--yes")
    assert pulled.returncode == 0, pulled.stderr
    assert "read its licence on its page" in pulled.stdout
    assert [blob.read_bytes() for blob in blobs(tmp_path)] == [b"GGUF other"]


def test_nothing_is_pulled_without_consent(infill, hub):
    assert "Add --yes" in sentence(infill("models", "pull", NAME))
    assert hub.requests == []


def test_a_pull_that_was_cut_off_goes_on(infill, hub, tmp_path):
    """The client keeps what it has in steps of ten megabytes."""
    content = hub.files[f"{REPO}/{FILE}"] = b"GGUF" + bytes(25_000_000)
    hub.cut_after = 22_000_000
    assert infill("models", "pull", NAME, "--yes").returncode == 0
    [blob] = blobs(tmp_path)
    assert blob.read_bytes() == content
    asked = [asked for method, path, asked in hub.requests if method == "GET" and path.startswith("/content")]
    assert len(asked) == 2
    assert int(asked[1].removeprefix("bytes=").rstrip("-")) > 10_000_000, "not from the beginning"


def test_a_connection_that_breaks_again_and_again_is_said(infill, hub, tmp_path):
    hub.breaks = True
    assert "Pull again" in sentence(infill("models", "pull", NAME, "--yes"))
    assert blobs(tmp_path) == []


@pytest.mark.parametrize("name", ["a/b--c:x.gguf", "a/b.git:x.gguf", "a/..b:x.gguf"])
def test_what_can_be_no_repository_is_said(infill, hub, name):
    assert "is no name of a repository" in sentence(infill("models", "pull", name, "--yes"))


def test_a_damaged_file_is_removed_and_said(infill, hub, tmp_path):
    hub.damaged = True
    assert "arrived damaged" in sentence(infill("models", "pull", NAME, "--yes"))
    assert blobs(tmp_path) == []
    hub.damaged = False
    assert infill("models", "pull", NAME, "--yes").returncode == 0


@pytest.mark.parametrize(
    ("status", "code", "said"),
    [
        (401, "RepoNotFound", "has no repository"),
        (403, "GatedRepo", "Accept them on its page, and set HF_TOKEN"),
        (404, "EntryNotFound", "has no file"),
        (429, "", "Wait some minutes"),
    ],
)
def test_what_the_hub_refuses_is_said_with_what_to_do(infill, hub, status, code, said):
    hub.status, hub.error_code = status, code
    assert said in sentence(infill("models", "pull", NAME, "--yes"))


def test_offline_is_said(infill, hub):
    assert "HF_HUB_OFFLINE" in sentence(infill("models", "pull", NAME, "--yes", HF_HUB_OFFLINE="1"))
    assert hub.requests == []


def test_a_hub_that_is_not_there_is_said(infill):
    result = infill("models", "pull", NAME, "--yes", HF_ENDPOINT="http://127.0.0.1:9")
    assert "the hub cannot be reached" in sentence(result)


def test_two_pulls_at_once_are_one(infill, hub, tmp_path):
    results = []
    threads = [
        threading.Thread(target=lambda: results.append(infill("models", "pull", NAME, "--yes"))) for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [result.returncode for result in results] == [0, 0], [result.stderr for result in results]
    assert [blob.read_bytes() for blob in blobs(tmp_path)] == [CONTENT]


def test_a_model_is_removed_and_its_neighbours_stay(infill, hub, tmp_path):
    hub.files[f"{REPO}/other.gguf"] = b"GGUF other"
    for name in (NAME, f"{REPO}:other.gguf"):
        assert infill("models", "pull", name, "--yes").returncode == 0
    removed = infill("models", "rm", NAME)
    assert removed.returncode == 0
    assert "was deleted" in removed.stdout
    assert [blob.read_bytes() for blob in blobs(tmp_path)] == [b"GGUF other"]
    assert "not on this machine" in sentence(infill("models", "rm", NAME))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("deepseek-coder-7b-base-v1.5", "cannot be used"),
        ("deepseek-coder-1.3b", "Did you mean deepseek-coder-1.3b-base"),
        (f"{NAME}:Q2_K", "only: Q4_K_M"),
        ("zzz", "infill models list"),
    ],
)
def test_names_that_are_none(infill, hub, name, said):
    assert said in sentence(infill("models", "pull", name, "--yes"))
    assert hub.requests == []


def test_a_model_that_is_not_here_is_said_with_how_to_get_it(infill):
    assert f"infill models pull {NAME}" in sentence(infill("complete", "-:1:1", "--model", NAME))
