"""`infill setup neovim`, and the Neovim that comes of it."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.editors.neovim import Neovim, make_environment
from tests.editors.server import ROOT


@pytest.fixture
def bare(suite, tmp_path):
    """A Neovim that knows nothing of infill."""
    editor = Neovim(tmp_path / "neovim", suite, config="-- %s")
    (editor.folder / "config" / "nvim" / "init.lua").write_text("vim.o.number = true\n")
    yield editor
    editor.close()


@pytest.fixture
def infill(suite, bare):
    """The command, in the environment of that Neovim."""

    def call(*arguments):
        environment = {**os.environ, **make_environment(bare.folder, suite)}
        command = [sys.executable, "-X", "utf8", "-m", "lsp_server", *arguments]
        return subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, check=False, encoding="utf-8")

    return call


def test_written_it_reaches_the_server(bare, infill):
    done = infill("setup", "neovim", "--write")
    assert done.returncode == 0, done.stderr
    assert "reaches infill" in done.stdout
    again = infill("setup", "neovim", "--write")
    assert "All is written already." in again.stdout
    assert "reaches infill" in again.stdout


def test_a_user_has_ghost_text_after_it(bare, infill):
    infill("setup", "neovim", "--write")
    bare.command(f"source {bare.folder / 'config' / 'nvim' / 'plugin' / 'infill.lua'}")
    bare.command("edit new.py")
    bare.command("set statusline=%{v:lua.require'infill'.statusline()}")
    bare.terminal.wait_for_text("● infill ready")
    bare.press("i")
    bare.type("def add(a, b):\nret")
    bare.terminal.wait_for_text("    return")


def test_a_configuration_that_fails_is_said(bare, infill):
    (bare.folder / "config" / "nvim" / "init.lua").write_text("vim.opt.loadplugins = false\n")
    done = infill("setup", "neovim", "--write")
    assert done.returncode == 1
    assert "Neovim does not reach the server" in done.stderr
    assert ":checkhealth infill" in done.stderr
