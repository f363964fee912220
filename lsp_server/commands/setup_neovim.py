"""Neovim: a file in its configuration's folder `plugin`, which it reads at every start."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import msgspec

from lsp_server.base.errors import EditorError
from lsp_server.catalog.data import data_file
from lsp_server.commands.setup import File

_TIMEOUT_S = 120.0

_TEMPLATE = """\
-- Written by `infill setup neovim`: infill's plugin, from where infill is installed. See `:help infill`.
vim.opt.runtimepath:append({folder})
require('infill').setup({{
  cmd = {{ {command} }},
}})
"""


def files(server: list[str]) -> list[File]:
    """The plugin file. `init.lua` stays as it is."""
    folder = _quote(str(data_file("editors/neovim")))
    return [
        File(
            _configuration() / "plugin" / "infill.lua",
            _TEMPLATE.format(folder=folder, command=", ".join(map(_quote, server))),
        )
    ]


def check() -> str:
    """Open a file in Neovim and wait for the server."""
    program = shutil.which("nvim")
    if program is None:
        raise EditorError("`nvim` is not on your PATH, so nothing was tried. Install Neovim 0.10 or later.")
    with tempfile.TemporaryDirectory(prefix="infill-setup-") as folder:
        command = [program, "--headless", "-c", "lua require('infill.health').reach()", "-c", "cquit 3", "try.py"]
        try:
            done = subprocess.run(
                command, cwd=folder, capture_output=True, check=False, timeout=_TIMEOUT_S, encoding="utf-8"
            )
        except subprocess.TimeoutExpired:
            raise EditorError("Neovim did not come to an end. Open it, and see :checkhealth infill.") from None
    if done.returncode != 0:
        said = " ".join((done.stdout + done.stderr).split())
        raise EditorError(f"Neovim does not reach the server: {said}. Open it, and see :checkhealth infill.")
    return done.stdout.strip()


def _configuration() -> Path:
    """Neovim's configuration folder, its `stdpath("config")`."""
    name = os.environ.get("NVIM_APPNAME") or "nvim"
    if base := os.environ.get("XDG_CONFIG_HOME"):
        return Path(base) / name
    if sys.platform == "win32":
        return Path(os.environ["LOCALAPPDATA"]) / name
    return Path.home() / ".config" / name


def _quote(text: str) -> str:
    """A string literal of Lua. JSON's escapes that occur in paths are the same in Lua."""
    return msgspec.json.encode(text).decode()
