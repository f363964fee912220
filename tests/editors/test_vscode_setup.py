"""`infill setup vscode` with the real package and the real VS Code."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys

import pytest

from lsp_server.base import jsonc
from tests.editors.fetch_vscode import CODE_SERVER, EXTENSION, NODE
from tests.editors.server import ROOT

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def package():
    """The extension as users build it, with the server's wheel in it."""
    environment = {**os.environ, "PYTHON": sys.executable}
    subprocess.run(["npm", "run", "--silent", "package"], cwd=EXTENSION, env=environment, check=True)
    return EXTENSION / "infill.vsix"


def test_the_package_is_installed_and_the_server_is_named(package, tmp_path):
    program = tmp_path / "bin" / "code-server"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {shlex.join([str(NODE), str(CODE_SERVER)])} "$@"\n')
    program.chmod(0o755)
    environment = {**os.environ, "HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path / "share")}
    environment["PATH"] = f"{program.parent}:/usr/bin:/bin"
    command = [sys.executable, "-X", "utf8", "-m", "lsp_server", "setup", "vscode", "--write"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, check=False, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    assert "code-server has the extension, which starts infill" in done.stdout
    settings = tmp_path / "share" / "code-server" / "User" / "settings.json"
    assert jsonc.parse(settings.read_text(encoding="utf-8"))["infill.server.path"].endswith("infill")
    (installed,) = (tmp_path / "share" / "code-server" / "extensions").glob("infill.infill-*")
    assert {path.suffix for path in (installed / "server").iterdir()} == {".whl", ".lock"}
