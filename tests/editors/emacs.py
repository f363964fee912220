"""An Emacs in a terminal, with the package of this repository and the real server behind a tap."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

from tests.builders import CURSOR
from tests.editors.fetch import SID
from tests.editors.ghost import GhostTextEditor, settled
from tests.editors.messages import Tap
from tests.editors.server import QUICK, ROOT, own_environment, write_infill
from tests.editors.terminal import COLUMNS, LINES, Terminal

PACKAGE = ROOT / "editors" / "emacs"
SET_UP = "(infill-setup)"

# What is compiled later would be compiled by programs of this machine.
EARLY = "(setq native-comp-jit-compilation nil inhibit-startup-screen t)\n"
INIT = """\
(setq-default truncate-lines t)
(setq python-indent-guess-indent-offset-verbose nil flymake-indicator-type nil)
(add-to-list 'load-path {folder})
(require 'infill)
(setq infill-settings (json-parse-string {settings} :object-type 'plist :false-object :json-false))
"""
# What Emacs says of what it does itself.
ITS_OWN = re.compile(
    r"Wrote|Saving file|\(New file\)|\(No changes|Auto-saving|Mark|Quit|Undo|Redo|Loading|nil$|For information about"
)


class Emacs(GhostTextEditor):
    """One editor. `config` is the end of its `init.el`, behind the server's `settings`."""

    columns: ClassVar[int] = COLUMNS - 1  # the last one says that a line goes on
    keys: ClassVar[dict[str, str]] = {"dismiss": "C-g", "trigger": "C-c \\", "dump": "infill-dump"}

    def __init__(
        self,
        folder: Path,
        *,
        settings: dict[str, Any] | None = None,
        config: str = SET_UP,
        packages: Sequence[str] = (),
        size: tuple[int, int] = (COLUMNS, LINES),
    ) -> None:
        self.folder = folder
        self.tap = Tap(folder / "tap.log")
        write_infill(folder / "bin", folder / "tap.log")
        self.environment = make_environment(folder, packages)
        init = INIT.format(
            folder=json.dumps(str(PACKAGE)), settings=json.dumps(json.dumps(QUICK if settings is None else settings))
        )
        write_configuration(folder, init + config)
        (folder / "project").mkdir()
        self.terminal = Terminal(folder / "project", [folder / "bin" / "emacs", "-nw"], self.environment, size)
        self.terminal.wait_for_text("For information about GNU Emacs")
        self._path = folder

    def command(self, text: str) -> None:
        """A command by its name."""
        self.press("M-x")
        self.terminal.wait_for_text("M-x")
        self.terminal.paste(text)
        self.press("Enter")

    def evaluate(self, expression: str) -> None:
        """An expression of Lisp's."""
        self.press("M-:")
        self.terminal.wait_for_text("Eval:")
        self.terminal.paste(expression)
        self.press("Enter")

    def open(self, name: str, text: str) -> None:
        """Open a new file of the project and put the cursor where the mark is."""
        self._path = self.folder / "project" / name
        before, mark, after = text.partition(CURSOR)
        self._path.write_bytes((before + after).encode())
        since = self.tap.mark
        self.press("C-x", "C-f")
        self.terminal.wait_for_text("Find file:")
        self.terminal.paste(str(self._path))
        self.press("Enter")
        self.terminal.wait_for_text(f" {name} ")
        if self.tap.records():
            self.tap.wait_for(lambda: self.tap.sent("textDocument/didOpen", since), "the opening of the file")
        if mark:
            self.press("M-g", "c")
            self.terminal.wait_for_text("Go to char")
            self.terminal.paste(str(len(before.replace("\r\n", "\n")) + 1))
            self.press("Enter")
            self.terminal.wait_for(lambda: "Go to char" not in self.terminal.screen(), "the end of the question")

    def insert(self) -> None:
        """Typing needs nothing."""

    def undo(self) -> None:
        """Take the last step back."""
        self.press("C-/")

    def close_brackets(self, is_on: bool) -> None:
        """Brackets are closed by the editor, as many users have it."""
        self.evaluate(f"(electric-pair-mode {1 if is_on else -1})")

    def saved(self) -> str:
        """The buffer's text as it is saved."""
        self.press("C-x", "C-s")
        self.terminal.wait_for_text("Wrote ")
        return settled(self.terminal, self._path)

    def messages(self) -> list[str]:
        """What Emacs has said, but for what it says of files, of the mark and of undoing."""
        path = self.folder / "messages.txt"
        path.unlink(missing_ok=True)
        self.evaluate(f'(with-current-buffer "*Messages*" (write-region nil nil "{path}" nil 1))')
        self.terminal.wait_for(path.exists, "the list of messages")
        lines = settled(self.terminal, path).splitlines()
        return [line for line in lines if line and not ITS_OWN.match(line)]


def write_configuration(folder: Path, init: str) -> Path:
    """An Emacs's own files; returns its `init.el`."""
    home = folder / ".emacs.d"
    home.mkdir(parents=True)
    (home / "early-init.el").write_text(EARLY, encoding="utf-8")
    (home / "init.el").write_text(init, encoding="utf-8")
    return home / "init.el"


def make_environment(folder: Path, packages: Sequence[str] = ()) -> dict[str, str]:
    """For an Emacs: its own files, nobody's settings, `infill` and `emacs` on the PATH, some of Debian's packages."""
    environment = own_environment(folder, SID.root / "usr" / "bin")
    (libraries,) = (SID.root / "usr" / "libexec" / "emacs").glob("*/*")
    (image,) = libraries.glob("*.pdmp")
    (data,) = (SID.root / "usr" / "share" / "emacs").glob("[0-9]*")
    lisp = [data / "lisp", *sorted(path for path in (data / "lisp").rglob("*") if path.is_dir())]
    source = SID.root / "usr" / "share" / "emacs" / "site-lisp" / "elpa-src"
    lisp += [path for name in packages for path in source.glob(f"{name}-[0-9]*")]
    program = folder / "bin" / "emacs"
    program.parent.mkdir(parents=True, exist_ok=True)
    program.write_text(f'#!/bin/sh\nexec emacs-nox --dump-file={shlex.quote(str(image))} "$@"\n')
    program.chmod(0o755)
    return {
        **environment,
        "EMACSLOADPATH": ":".join(map(str, lisp)),
        "EMACSDATA": str(data / "etc"),
        "EMACSDOC": str(data / "etc"),
        "EMACSPATH": str(libraries),
        "LANG": "C.UTF-8",
    }
