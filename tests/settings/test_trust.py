"""A project that the user does not trust chooses no model and nothing of the engine."""

from __future__ import annotations

from pathlib import Path

import pytest

from lsp_server.settings.layers import Layer, parse
from lsp_server.settings.model import EngineSettings, Settings

HOSTILE = {"model": "m.gguf", "chat": {"model": "c.gguf"}, "engine": {"threads": 64}}


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    for name in ("work/clone", "working", "other"):
        (tmp_path / name).mkdir(parents=True)
    return tmp_path


def of_project(project: Path, *trusted: str, values: object = None) -> tuple[Settings, list[str]]:
    """Settings and problems of a project's file below the user's."""
    user = Layer("user", {"trusted_folders": list(trusted)})
    return parse([user, Layer("project", HOSTILE if values is None else values, project)])


def is_trusted(project: Path, *trusted: str) -> bool:
    return of_project(project, *trusted)[0].engine.threads == 64


def test_an_untrusted_project_sets_nothing_that_is_dangerous_and_is_told_so_once():
    project = Path("/home/somebody/clone")
    found, [problem] = of_project(project, values={**HOSTILE, "completion": {"max_lines": 3}})
    assert found.completion.max_lines == 3, "a preference is nobody's harm"
    assert (found.model, found.chat.model, found.engine) == ("", "", EngineSettings())
    assert "may not set `model`, `chat.model`, `engine.threads`." in problem
    assert f'add "{project}" to `trusted_folders` in your own file, ' in problem
    assert problem.endswith("config.toml.")


@pytest.mark.parametrize(
    ("folder", "expected"),
    [
        ("~/work", True),
        ("~/work/", True),
        ("~/work/clone", True),
        ("~/other/../work", True),
        ("~", True),
        ("/", True),
        ("~/work/clone/deeper", False),
        ("~/work/clo", False),
        ("~/other", False),
    ],
)
def test_a_folder_and_those_below_it_are_trusted(home, folder, expected):
    assert is_trusted(home / "work" / "clone", folder) is expected
    assert is_trusted(home / "work" / "clone", "~/nowhere", folder) is expected


def test_a_name_that_begins_alike_is_another_folder(home):
    assert not is_trusted(home / "working", "~/work")


def test_links_are_resolved(home):
    (home / "work" / "link").symlink_to(home / "other")
    (home / "alias").symlink_to(home / "work")
    assert not is_trusted(home / "work" / "link", "~/work"), "what is linked there stands elsewhere"
    assert is_trusted(home / "alias" / "clone", "~/work")
    assert is_trusted(home / "work" / "clone", "~/alias")


def test_a_trusted_project_names_its_models_relative_to_itself(home):
    found, problems = of_project(home / "work" / "clone", "~/work")
    assert problems == []
    assert found.model == str(home / "work" / "clone" / "m.gguf")
    assert found.engine == EngineSettings(threads=64)


def test_trust_sends_no_code_elsewhere(home):
    values = {"remote": {"url": "http://elsewhere", "model": "m"}}
    found, [problem] = of_project(home / "work", "~/work", values=values)
    assert found.remote == Settings().remote
    assert "may not send your code elsewhere; set `remote.url`, `remote.model` in your own settings" in problem


@pytest.mark.parametrize("folder", ["work", "", ".", "..", "~nobody-of-that-name/x", "/a\0b"])
def test_a_name_that_is_no_absolute_folder_trusts_nothing(home, monkeypatch, folder):
    monkeypatch.chdir(home)
    found, problems = of_project(home / "work", folder)
    assert found == Settings()
    assert "which is no absolute folder; using [] instead" in problems[0]


@pytest.mark.parametrize("project", [None, Path("/home/somebody/clone")])
def test_neither_a_project_nor_the_editor_can_say_whom_to_trust(project):
    layer = Layer("here", {"trusted_folders": ["/"], "engine": {}}, project, is_editors=project is None)
    found, [problem, refusal] = parse([layer, Layer("clone", HOSTILE, Path("/home/somebody/clone"))])
    assert "may not set `model`" in refusal
    assert found == Settings()
    assert "`trusted_folders` counts in your own file only" in problem


def test_a_folder_that_is_a_circle_of_links(tmp_path):
    (tmp_path / "loop").symlink_to("loop")
    assert not is_trusted(tmp_path / "loop", str(tmp_path))
