"""A Neovim in a terminal, with the plugin of this repository and the real server behind a tap."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, ClassVar

from tests.builders import CURSOR
from tests.editors.fetch import SID, TRIXIE, Suite
from tests.editors.ghost import GhostTextEditor, settled
from tests.editors.messages import Tap
from tests.editors.server import QUICK, ROOT, own_environment, write_infill
from tests.editors.terminal import COLUMNS, LINES, Terminal

PLUGIN = ROOT / "editors" / "neovim"

# Neovim 0.12 draws ghost text itself, 0.10 has the plugin draw it.
VERSIONS = {"0.12": SID, "0.10": TRIXIE}

SET_UP = "require('infill').setup({ settings = vim.json.decode([[%s]]) })"


class Neovim(GhostTextEditor):
    """One editor. `config` is its `init.lua`, `%s` in which stands for the server's `settings` as JSON."""

    keys: ClassVar[dict[str, str]] = {"dismiss": "C-]", "trigger": "M-\\", "dump": "Infill dump"}

    def __init__(
        self,
        folder: Path,
        suite: Suite,
        *,
        settings: dict[str, Any] | None = None,
        config: str = SET_UP,
        environment: dict[str, str] | None = None,
        size: tuple[int, int] = (COLUMNS, LINES),
    ) -> None:
        self.folder = folder
        self.tap = Tap(folder / "tap.log")
        self.environment = make_environment(folder, suite) | (environment or {})
        write_infill(folder / "bin", folder / "tap.log")
        init = folder / "config" / "nvim" / "init.lua"
        init.parent.mkdir(parents=True)
        options = json.dumps(settings if settings is not None else QUICK)
        init.write_text(f"vim.opt.runtimepath:prepend('{PLUGIN}')\n" + config.replace("%s", options), encoding="utf-8")
        (folder / "project" / ".git").mkdir(parents=True)
        self.terminal = Terminal(folder, [suite.program("nvim")], self.environment, size)
        self._path = self.folder

    def command(self, text: str) -> None:
        """A command of the `:` line."""
        self.press("Escape")
        self.terminal.paste(f":{text}")
        self.press("Enter")

    def open(self, name: str, text: str) -> None:
        """Open a new file of the project and put the cursor where the mark is, in insert mode."""
        self._path = self.folder / "project" / name
        before, mark, after = text.partition(CURSOR)
        self._path.write_bytes((before + after).encode())
        mark_in_tap = self.tap.mark
        self.command(f"edit! {self._path}")
        if self.tap.records():
            self.tap.wait_for(lambda: self.tap.sent("textDocument/didOpen", mark_in_tap), "the opening of the file")
        if mark:
            lines = before.replace("\r\n", "\n").split("\n")
            self.command(f"call cursor({len(lines)}, {len(lines[-1].encode()) + 1})")
            self.press("A" if not after or after[0] in "\r\n" else "i")
            self.terminal.wait_for_text("-- INSERT")

    def insert(self) -> None:
        """Be ready to type at the line's end."""
        self.press("Escape", "A")

    def undo(self) -> None:
        """Take the last step back."""
        self.press("Escape", "u")

    def close_brackets(self, is_on: bool) -> None:
        """Brackets are closed by the editor, as many users have it."""
        self.command("inoremap ( ()<Left>" if is_on else "silent! iunmap (")

    def saved(self) -> str:
        """The buffer's text as it is saved."""
        self.command("write")
        return self.on_disk()

    def on_disk(self) -> str:
        """The file, once it was written."""
        self.terminal.wait_for_text("written")
        return settled(self.terminal, self._path)

    def messages(self) -> list[str]:
        """What Neovim has said, but for what it says of files read and written."""
        path = self.folder / "messages.txt"
        path.unlink(missing_ok=True)
        self.command(f"call writefile(split(execute('messages'), \"\\n\"), '{path}')")
        self.terminal.wait_for(path.exists, "the list of messages")
        lines = path.read_text(encoding="utf-8").splitlines()
        return [line for line in lines if line and not re.match(r'"|--|\d+ (more|fewer|line|change)|Already at', line)]


def make_environment(folder: Path, suite: Suite) -> dict[str, str]:
    """For a Neovim of a suite: its own files, nobody's settings, and `infill` on the PATH."""
    libraries = next((suite.root / "usr" / "lib").glob("*-linux-gnu"))
    return {
        **own_environment(folder, suite.root / "usr" / "bin"),
        "VIMRUNTIME": str(suite.root / "usr" / "share" / "nvim" / "runtime"),
        "LUA_CPATH": f"{libraries}/lua/5.1/?.so",
    }
