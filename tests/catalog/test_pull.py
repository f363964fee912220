"""`infill models pull|rm`: the real huggingface-hub client and a hub on loopback."""

from __future__ import annotations

import os

import pytest

from lsp_server.catalog.hub_errors import gigabytes
from tests.catalog.conftest import CONTENT, FILE, LARGE, NAME, REPO, blobs, sentence
from tests.waiting import wait_until


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
    listed = next(line for line in infill("models", "list").stdout.splitlines() if line.startswith(NAME))
    assert listed.split()[-1] == "Q4_K_M"
    shown = "".join(infill("models", "show", NAME).stdout.split())
    assert f"here:{blob.parent.parent / 'snapshots'}" in shown
    assert FILE in infill("complete", "-:1:1", "--model", NAME).stderr, "it is what llama.cpp is handed"
    assert len(hub.requests) == num_requests, "and the hub was asked nothing more"


def test_a_file_that_the_catalogue_does_not_have(infill, hub, tmp_path):
    hub.files["someone/else-GGUF/other.gguf"] = b"GGUF other"
    pulled = infill("models", "pull", "someone/else-GGUF:other.gguf", "--yes")
    assert pulled.returncode == 0, pulled.stderr
    assert "read its licence on its page" in pulled.stdout
    assert [blob.read_bytes() for blob in blobs(tmp_path)] == [b"GGUF other"]


def test_nothing_is_pulled_without_consent(infill, hub):
    assert "Add --yes" in sentence(infill("models", "pull", NAME))
    assert hub.requests == []


@pytest.mark.parametrize("name", ["a/b--c:x.gguf", "a/b.git:x.gguf", "a/..b:x.gguf"])
def test_what_can_be_no_repository_is_said(infill, hub, name):
    assert "is no name of a repository" in sentence(infill("models", "pull", name, "--yes"))


def ask(start, answer):
    """A pull by a user who sits at a terminal: its exit status, what it printed, and what went wrong."""
    terminal, end = os.openpty()
    process = start("models", "pull", NAME, options={"stdin": end})
    os.write(terminal, answer)
    out, err = process.communicate(timeout=60)
    os.close(terminal)
    os.close(end)
    return process.returncode, out, err


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="there is no terminal to be had")
@pytest.mark.parametrize(("answer", "num_blobs"), [(b"y\n", 1), (b"n\n", 0), (b"\n", 0)])
def test_the_user_is_asked_with_licence_and_real_size(start, hub, tmp_path, answer, num_blobs):
    hub.files[f"{REPO}/{FILE}"] = LARGE
    status, out, err = ask(start, answer)
    assert err == ""
    assert status == 1 - num_blobs
    question = out.index("Pull it?")
    assert out.index("no military use") < question
    assert out.index("has 25.0 MB") < question, "not the 0.87 GB of the catalogue"
    assert len(blobs(tmp_path)) == num_blobs


@pytest.mark.parametrize(
    ("others", "said"),
    [
        (["a-Q4_K_M.gguf", "b.q4_k_m.gguf", "a-Q8_0.gguf"], "Of Q4_K_M it has: a-Q4_K_M.gguf, b.q4_k_m.gguf. "),
        (["a-Q8_0.gguf", "a-Q4_K_S.gguf", "README.md"], "Its GGUF files are: a-Q8_0.gguf, a-Q4_K_S.gguf. "),
    ],
)
def test_a_file_that_the_hub_does_not_have_is_said_with_those_it_has(infill, hub, others, said):
    hub.files = {f"{REPO}/{name}": CONTENT for name in others}
    line = sentence(infill("models", "pull", NAME, "--yes"))
    assert f"has no file {FILE}. {said}" in line
    pulled = infill(*line.partition("infill models pull ")[1].split()[1:], line.rpartition(" ")[2], "--yes")
    assert pulled.returncode == 0, "what it proposes can be done"


def test_a_repository_without_models_is_said(infill, hub):
    hub.files = {f"{REPO}/README.md": b""}
    assert "no GGUF file at all" in sentence(infill("models", "pull", NAME, "--yes"))


def test_a_token_is_shown_to_the_hub_and_not_to_where_it_keeps_files(infill, hub):
    assert infill("models", "pull", NAME, "--yes", HF_TOKEN="hf_secret").returncode == 0
    assert hub.tokens == {"resolve"}


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
        (401, "GatedRepo", "Accept them on its page, and set HF_TOKEN"),
        (403, "GatedRepo", "Accept them on its page, and set HF_TOKEN"),
        (404, "EntryNotFound", "has no file"),
        (429, "", "Wait some minutes"),
        (418, "", "The hub answered 418"),
    ],
)
def test_what_the_hub_refuses_is_said_with_what_to_do(infill, hub, status, code, said):
    hub.status, hub.error_code = status, code
    assert said in sentence(infill("models", "pull", NAME, "--yes", waits=False))


def test_offline_is_said(infill, hub):
    assert "HF_HUB_OFFLINE" in sentence(infill("models", "pull", NAME, "--yes", HF_HUB_OFFLINE="1"))
    assert hub.requests == []


def test_a_hub_that_is_not_there_is_said(infill):
    result = infill("models", "pull", NAME, "--yes", waits=False, HF_ENDPOINT="http://127.0.0.1:9")
    assert "the hub cannot be reached" in sentence(result)


def test_two_pulls_at_once_are_one_download(start, hub, tmp_path):
    hub.pause_at = 1
    first = start("models", "pull", NAME, "--yes")
    wait_until(lambda: hub.asked("GET", "content"))
    num_asked = len(hub.requests)
    second = start("models", "pull", NAME, "--yes")
    wait_until(lambda: len(hub.requests) >= num_asked + 2)  # it knows what to get, and has to wait
    hub.go_on.set()
    for process in (first, second):
        out, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
        assert "is here" in out
    assert [blob.read_bytes() for blob in blobs(tmp_path)] == [CONTENT]
    assert len(hub.asked("GET", "content")) == 1


def test_a_model_is_removed_and_its_neighbours_stay(infill, hub, tmp_path):
    hub.files[f"{REPO}/other.gguf"] = b"GGUF other"
    for name in (NAME, f"{REPO}:other.gguf"):
        assert infill("models", "pull", name, "--yes").returncode == 0
    removed = infill("models", "rm", NAME)
    assert removed.returncode == 0
    assert "was deleted" in removed.stdout
    assert [blob.read_bytes() for blob in blobs(tmp_path)] == [b"GGUF other"]
    assert "not on this machine" in sentence(infill("models", "rm", NAME))


def test_what_several_revisions_share_is_removed_from_all(infill, hub, tmp_path):
    assert infill("models", "pull", NAME, "--yes").returncode == 0
    [link] = [path for path in (tmp_path / "hub").rglob(FILE) if path.is_symlink()]
    older = link.parents[1] / "0badcafe" / "nested" / FILE
    older.parent.mkdir(parents=True)
    older.symlink_to(link.resolve())
    (older.parent / "other").symlink_to(older.parent / "nowhere")
    assert infill("models", "rm", NAME).returncode == 0
    assert not link.is_symlink()
    assert not older.is_symlink()
    assert (older.parent / "other").is_symlink()


@pytest.mark.parametrize("file", ["../../x.gguf", "/etc/passwd.gguf", "a/../../x.gguf"])
def test_a_file_outside_of_its_repository_is_told_as_that(infill, hub, file):
    assert f"'{file}' is no name of a file on the hub" in sentence(infill("models", "rm", f"a/b:{file}"))


@pytest.mark.parametrize(
    ("num_bytes", "said"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (1000, "1.0 kB"),
        (40_000, "40.0 kB"),
        (5_000_000, "5.0 MB"),
        (4e9, "4.00 GB"),
    ],
)
def test_sizes_are_told_in_the_unit_that_suits_them(num_bytes, said):
    assert gigabytes(num_bytes) == said


def test_where_links_are_impossible_content_is_there_once(infill, hub, tmp_path):
    plain = {"HF_HUB_DISABLE_SYMLINKS": "1"}
    for said in ("is here: ", "is here already"):
        pulled = infill("models", "pull", NAME, "--yes", **plain)
        assert pulled.returncode == 0, pulled.stderr
        assert said in pulled.stdout
    assert [
        path.name for path in (tmp_path / "hub").rglob("*") if path.is_file() and path.stat().st_size > 100_000
    ] == [FILE]
    assert infill("models", "rm", NAME, **plain).returncode == 0


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
