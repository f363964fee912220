"""VS Code and its derivatives: the setting that names the server, and the extension, packaged in a clone."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from lsp_server.base import jsonc
from lsp_server.base.errors import EditorError
from lsp_server.catalog.data import data_file
from lsp_server.commands.setup import File, read, server_command

_TIMEOUT_S = 120.0
_SETTING = "infill.server.path"
_EXTENSION = "infill.infill"
# The programs, and the names of their settings folders.
_PROGRAMS = {"code": "Code", "codium": "VSCodium", "code-insiders": "Code - Insiders", "code-server": "code-server"}


def files(server: list[str]) -> list[File]:
    """The user's settings file. The rest of it stays as it is, comments included."""
    if Path(server[0]).stem != "infill":
        raise EditorError("This infill has no program of its own, which VS Code could start: install it with pip.")
    path = _settings_folder() / "settings.json"
    try:
        return [File(path, jsonc.with_member(read(path), _SETTING, server[0]))]
    except ValueError as error:
        raise EditorError(f"{path} is not as VS Code wants it: {error}. Correct it, then try again.") from None


def check() -> str:
    """Install the extension if it is missing, and see whether the server answers. Raises `EditorError`."""
    program = _program()
    if program is None:
        raise EditorError(f"`code` is not on your PATH, nor is {', '.join(list(_PROGRAMS)[1:])}: nothing was tried.")
    name = Path(program).stem
    if _EXTENSION not in _run([program, "--list-extensions"]).split():
        package = data_file("editors/vscode/infill.vsix")
        if not package.exists():
            raise EditorError(
                "The extension is not installed, and not packaged either. In a clone of infill's repository, run "
                f"`cd editors/vscode && npm ci && npm run package && {name} --install-extension infill.vsix`."
            )
        _run([program, "--install-extension", str(package)])
    version = _run([server_command()[0], "--version"]).strip()
    return f"{name} has the extension, which starts {version}. Open a file, and look for infill in the status bar."


def _program() -> str | None:
    return next((found for name in _PROGRAMS if (found := shutil.which(name))), None)


def _settings_folder() -> Path:
    """The user's settings folder of the first program on the PATH, or of VS Code if there is none."""
    program = _program()
    name = _PROGRAMS[Path(program).stem] if program else "Code"
    if name == "code-server":
        return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / name / "User"
    if sys.platform == "win32":
        return Path(os.environ["APPDATA"]) / name / "User"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / name / "User"
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / name / "User"


def _run(command: list[str]) -> str:
    try:
        done = subprocess.run(command, capture_output=True, check=False, timeout=_TIMEOUT_S, encoding="utf-8")
    except (OSError, subprocess.TimeoutExpired) as error:
        raise EditorError(f"`{' '.join(command)}` failed: {error}.") from None
    if done.returncode != 0:
        raise EditorError(f"`{' '.join(command)}` failed: {' '.join(done.stderr.split())}.")
    return done.stdout
