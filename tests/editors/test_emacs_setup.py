"""`infill setup emacs`, and the Emacs that comes of it."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.editors.emacs import Emacs
from tests.editors.server import ROOT

MINE = ";; mine\n(column-number-mode)\n"


@pytest.fixture
def bare(tmp_path):
    """An Emacs that knows nothing of infill."""
    editor = Emacs(tmp_path / "emacs", config="")
    editor.init = editor.folder / ".emacs.d" / "init.el"
    editor.init.write_text(MINE)
    yield editor
    editor.close()


@pytest.fixture
def infill(bare):
    """The command, in the environment of that Emacs."""

    def call(*arguments):
        environment = {**os.environ, **bare.environment}
        command = [sys.executable, "-X", "utf8", "-m", "lsp_server", *arguments]
        return subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, check=False, encoding="utf-8")

    return call


def test_written_it_reaches_the_server(bare, infill):
    done = infill("setup", "emacs", "--write")
    assert done.returncode == 0, done.stderr
    assert "reaches infill; ghost text is on." in done.stdout
    assert bare.init.read_text().startswith(MINE)
    again = infill("setup", "emacs", "--write")
    assert "All is written already." in again.stdout
    assert "reaches infill" in again.stdout


def test_what_infill_takes_the_place_of_is_said(bare, infill):
    bare.init.write_text("(require 'eglot)\n(push '(python-mode \"cat\") eglot-server-programs)\n")
    done = infill("setup", "emacs", "--write")
    assert done.returncode == 0, done.stderr
    assert "infill is without cat here: install rassumfrassum to have both" in done.stdout


def test_a_user_has_ghost_text_after_it(bare, infill):
    infill("setup", "emacs", "--write")
    bare.evaluate("(load user-init-file)")
    bare.open("new.py", "‸")
    bare.terminal.wait_for_text("● infill")
    bare.type("def add(a, b):\nret")
    bare.terminal.wait_for_text("    return")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("(remove-hook 'after-change-major-mode-hook #'infill-ensure)", "it starts none"),
        ('(setq infill-command \'("no-such-infill"))', "no-such-infill is not on your PATH"),
    ],
)
def test_a_configuration_that_fails_is_said(bare, infill, line, said):
    infill("setup", "emacs", "--write")
    with bare.init.open("a") as init:
        init.write(f"{line}\n")
    done = infill("setup", "emacs", "--write")
    assert "All is written already." in done.stdout
    assert done.returncode == 1
    assert "Emacs does not reach the server" in done.stderr
    assert said in done.stderr
