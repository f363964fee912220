"""`infill setup` without an editor: what it shows, what it writes, what it keeps. `tests/editors` tries it with one."""

from __future__ import annotations

import pytest

from lsp_server.commands import setup

FILES = {
    "neovim": ("nvim", "plugin", "infill.lua"),
    "helix": ("helix", "languages.toml"),
    "emacs": (".emacs.d", "init.el"),
}
COMMENTS = {"neovim": "--", "helix": "#", "emacs": ";;"}


@pytest.fixture(params=setup.EDITORS)
def editor(request, project, monkeypatch):
    """An editor that is not installed."""
    monkeypatch.setenv("PATH", str(project))
    monkeypatch.delenv("NVIM_APPNAME", raising=False)
    monkeypatch.setenv("APPDATA", str(project / "nobody"))
    return request.param


@pytest.fixture
def file(editor, project):
    return project.joinpath("nobody", *FILES[editor])


def test_what_would_be_written_is_shown_and_not_written(editor, file, infill):
    found = infill("setup", editor)
    assert found.status == 0
    assert f"+++ {file}" in found.out
    added = [line[1:] for line in found.out.splitlines() if line.startswith("+") and not line.startswith("+++")]
    assert setup.server_command()[0] in "\n".join(added)
    assert f"infill setup {editor} --write" in found.out
    assert not file.parent.exists()


def test_it_is_written_and_the_editor_is_missed(editor, file, infill):
    shown = infill("setup", editor).out
    found = infill("setup", editor, "--write")
    assert found.status == 1
    assert "is not on your PATH" in found.err
    assert f"Wrote {file}" in found.out
    added = [line[1:] for line in shown.splitlines() if line.startswith("+") and not line.startswith("+++")]
    assert file.read_text(encoding="utf-8").splitlines() == added
    assert list(file.parent.iterdir()) == [file], "there was nothing to keep"


def test_what_was_there_is_kept(editor, file, infill):
    file.parent.mkdir(parents=True)
    mine = f"{COMMENTS[editor]} mine\n"
    file.write_text(mine, encoding="utf-8")
    assert mine.strip() in infill("setup", editor).out
    infill("setup", editor, "--write")
    (backup,) = set(file.parent.iterdir()) - {file}
    assert backup.suffix == ".bak"
    assert backup.read_text(encoding="utf-8") == mine
    again = infill("setup", editor, "--write")
    assert "All is written already." in again.out
    assert len(list(file.parent.iterdir())) == 2


def test_a_file_that_cannot_be_read_is_said(editor, file, infill):
    file.parent.mkdir(parents=True)
    file.write_bytes(b"\xff\xfe")
    sentence = infill("setup", editor, "--write").sentence()
    assert str(file) in sentence
    assert file.read_bytes() == b"\xff\xfe"


def test_a_folder_that_cannot_be_made_is_said(editor, file, project, infill):
    project.joinpath("nobody").write_text("no folder", encoding="utf-8")
    found = infill("setup", editor, "--write")
    assert found.status == 1
    assert f"{file} cannot be written" in found.err


def test_an_editor_that_infill_does_not_know(infill):
    assert "neovim" in infill("setup", "ed").err
