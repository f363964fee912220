"""Emacs: a block in the user's init file. It loads infill's package from infill's installation."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from lsp_server.base.errors import EditorError
from lsp_server.catalog.data import data_file
from lsp_server.commands.setup import File, read

_TIMEOUT_S = 120.0

_BEGIN = ";; Written by `infill setup emacs', which replaces it up to its end when it is called again.\n"
_END = ";; End of what `infill setup emacs' wrote.\n"
_BLOCK = re.compile(rf"{re.escape(_BEGIN)}.*?{re.escape(_END)}", re.DOTALL)
_LISP = """\
(add-to-list 'load-path {folder})
(require 'infill)
(setq infill-command '({command}))
(infill-setup)
"""


def files(server: list[str]) -> list[File]:
    """The init file. A new block goes to its end, so that infill runs beside the servers chosen above."""
    path = _init_file()
    text = read(path)
    lisp = _LISP.format(folder=_quote(str(data_file("editors/emacs"))), command=" ".join(map(_quote, server)))
    block = f"{_BEGIN}{lisp}{_END}"
    if _BLOCK.search(text):
        return [File(path, _BLOCK.sub(lambda _: block, text))]
    return [File(path, f"{text.rstrip()}\n\n{block}".lstrip())]


def check() -> str:
    """Open a file in Emacs with the user's configuration, and wait for the server."""
    program = shutil.which("emacs")
    if program is None:
        raise EditorError("`emacs` is not on your PATH, so nothing was tried. Install Emacs 29 or later.")
    with tempfile.TemporaryDirectory(prefix="infill-setup-") as folder:
        Path(folder, "try.py").write_text("if True:\n    pass\n", encoding="utf-8")  # Emacs guesses the indentation
        load = f"(load {_quote(str(_init_file()))} nil t)"
        lisp = ["(package-activate-all)", load, '(infill-commands-reach "try.py")']
        command = [program, "--batch", *(word for each in lisp for word in ("--eval", each))]
        try:
            done = subprocess.run(
                command, cwd=folder, capture_output=True, check=False, timeout=_TIMEOUT_S, encoding="utf-8"
            )
        except subprocess.TimeoutExpired:
            raise EditorError("Emacs did not come to an end. Open a file in it, and see M-x infill-status.") from None
    if done.returncode != 0:
        said = " ".join((done.stdout + done.stderr).split()) or "it starts none"
        raise EditorError(f"Emacs does not reach the server: {said}. Open a file in it, and see the buffer *Messages*.")
    return done.stdout.strip()


def _init_file() -> Path:
    """The path of Emacs' init file, by "The Emacs Initialization File" in its manual."""
    home = Path(os.environ["APPDATA"] if sys.platform == "win32" and "HOME" not in os.environ else Path.home())
    for name in (".emacs.el", ".emacs"):
        if (home / name).exists():
            return home / name
    folder = home / ".emacs.d"
    elsewhere = Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config") / "emacs"
    return (elsewhere if not folder.exists() and elsewhere.exists() else folder) / "init.el"


def _quote(text: str) -> str:
    """A string literal of Emacs Lisp."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
