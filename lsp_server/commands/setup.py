"""`infill setup EDITOR`: shows the configuration an editor needs, writes it on demand, and tries it."""

from __future__ import annotations

import argparse
import difflib
import importlib
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from rich.console import Console
from rich.text import Text

from lsp_server.base.errors import EditorError
from lsp_server.commands.console import make_console

# Each editor has a module `setup_EDITOR`, which is an `Editor`.
EDITORS = ("neovim", "vscode", "helix", "emacs")

_STYLES = {"+": "green", "-": "red", "@": "cyan"}


@dataclass(frozen=True, slots=True)
class File:
    """A file of the editor's configuration, with its wanted text."""

    path: Path
    text: str


class Editor(Protocol):
    """The interface of an editor's module."""

    def files(self, server: list[str]) -> list[File]:
        """The files that let the editor start the server, which is given as a command line."""

    def check(self) -> str:
        """Start the editor with its user's configuration and wait for the server.

        Returns a sentence for the user. Raises `EditorError` if the server is not reached.
        """


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Define the options."""
    parser.add_argument("editor", choices=EDITORS, help="the editor to set up")
    parser.add_argument("--write", action="store_true", help="write the files; a backup of each is kept beside it")


def run(arguments: argparse.Namespace) -> int:
    """Show the difference. With `--write`, write the files and try them."""
    console = make_console()
    editor: Editor = importlib.import_module(f"lsp_server.commands.setup_{arguments.editor}")
    changed = [file for file in editor.files(server_command()) if read(file.path) != file.text]
    for file in changed:
        _show(console, file)
    if not arguments.write and changed:
        console.print(f"Nothing was written. `infill setup {arguments.editor} --write` does that.")
        return 0
    for file in changed:
        _write(console, file)
    if not changed:
        console.print("All is written already.")
    with console.status("starting the editor…"):
        reached = editor.check()
    console.print(reached, soft_wrap=True)
    return 0


def server_command() -> list[str]:
    """The command line of this installation's server. It works without infill on an editor's PATH."""
    for name in ("infill", "infill.exe"):
        if (program := Path(sys.executable).with_name(name)).exists():
            return [str(program), "serve"]
    return [sys.executable, "-m", "lsp_server", "serve"]


def read(path: Path) -> str:
    """A file's text; empty if there is no file. Raises `EditorError` if it is unreadable."""
    try:
        return path.read_text(encoding="utf-8-sig") if path.exists() else ""  # Notepad writes a byte order mark
    except (OSError, UnicodeDecodeError) as error:
        raise EditorError(f"{path} cannot be read: {error}. Repair or move it, then try again.") from None


def _show(console: Console, file: File) -> None:
    lines = difflib.unified_diff(
        read(file.path).splitlines(),
        file.text.splitlines(),
        str(file.path) if file.path.exists() else "/dev/null",
        str(file.path),
        lineterm="",
    )
    for line in lines:
        console.print(Text(line, style=_STYLES.get(line[0], "")), soft_wrap=True)


def _write(console: Console, file: File) -> None:
    try:
        file.path.parent.mkdir(parents=True, exist_ok=True)
        if file.path.exists():
            backup = file.path.with_name(f"{file.path.name}.{time.strftime('%Y%m%d-%H%M%S')}.bak")
            backup.write_bytes(file.path.read_bytes())
            console.print(f"Kept the old file as {backup}", soft_wrap=True)
        file.path.write_text(file.text, encoding="utf-8")
    except OSError as error:
        raise EditorError(f"{file.path} cannot be written: {error}. Nothing else was changed.") from None
    console.print(f"Wrote {file.path}", soft_wrap=True)
