"""`infill setup` without an editor: what it shows, what it writes, what it keeps. `tests/editors` tries it with one."""

from __future__ import annotations

import pytest

from lsp_server.base import jsonc
from lsp_server.commands import setup, setup_vscode

FILES = {
    "neovim": ("nvim", "plugin", "infill.lua"),
    "vscode": ("Code", "User", "settings.json"),
    "helix": ("helix", "languages.toml"),
    "emacs": (".emacs.d", "init.el"),
}
COMMENTS = {"neovim": "--", "vscode": "//", "helix": "#", "emacs": ";;"}


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


@pytest.fixture
def code(project, monkeypatch):
    """A program `code` that knows its extensions, and can install one."""
    program, installed = project / "code", project / "installed.txt"
    program.write_text(
        f'#!/bin/sh\ncase "$1" in\n--list-extensions) cat {installed};;\n'
        f'--install-extension) [ -f "$2" ] || exit 1; echo infill.infill >> {installed};;\nesac\n'
    )
    program.chmod(0o755)
    installed.write_text("someone.else\n")
    monkeypatch.setenv("PATH", f"{project}:/usr/bin:/bin")
    return installed


def test_vs_code_gets_the_extension_where_it_was_packaged(code, project, infill, monkeypatch):
    package = project / "infill.vsix"
    monkeypatch.setattr(setup_vscode, "data_file", lambda _: package)
    assert "npm run package" in infill("setup", "vscode", "--write").err
    package.touch()
    for _ in range(2):
        found = infill("setup", "vscode", "--write")
        assert found.status == 0, found.err
        assert "code has the extension" in found.out
    assert code.read_text().split() == ["someone.else", "infill.infill"]


def test_vs_code_s_settings_keep_their_comments(code, project, infill):
    file = project.joinpath("nobody", *FILES["vscode"])
    file.parent.mkdir(parents=True)
    file.write_text('{\n    // mine\n    "editor.tabSize": 2, // two\n}\n', encoding="utf-8")
    code.write_text("infill.infill\n")
    assert infill("setup", "vscode", "--write").status == 0
    text = file.read_text(encoding="utf-8")
    assert '// mine\n    "editor.tabSize": 2, // two\n' in text
    assert jsonc.parse(text) == {"editor.tabSize": 2, "infill.server.path": setup.server_command()[0]}


def test_vs_code_s_settings_that_are_no_settings_are_left_alone(code, project, infill):
    file = project.joinpath("nobody", *FILES["vscode"])
    file.parent.mkdir(parents=True)
    file.write_text("{ no", encoding="utf-8")
    assert str(file) in infill("setup", "vscode", "--write").sentence()
    assert file.read_text(encoding="utf-8") == "{ no"


def test_a_file_with_a_byte_order_mark_is_changed_once(editor, file, infill):
    file.parent.mkdir(parents=True)
    file.write_text(f"{COMMENTS[editor]} mine\n", encoding="utf-8-sig")
    infill("setup", editor, "--write")
    text = file.read_text(encoding="utf-8")
    assert text.startswith(f"{COMMENTS[editor]} mine") or editor == "neovim"
    assert "\ufeff" not in text
    assert "All is written already." in infill("setup", editor, "--write").out
