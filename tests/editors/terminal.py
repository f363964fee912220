"""A terminal in which a program runs, driven by keys as a user presses them, and what is on its screen: tmux."""

from __future__ import annotations

import itertools
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from tests.editors.fetch import SID

TIMEOUT_S = 60.0
COLUMNS, LINES = 100, 30
_numbers = itertools.count(1)
_Found = TypeVar("_Found")


class Terminal:
    """One program in a terminal of its own, of so many columns and lines. `environment` is all that it gets."""

    def __init__(
        self,
        folder: Path,
        command: Sequence[str | Path],
        environment: dict[str, str],
        size: tuple[int, int] = (COLUMNS, LINES),
    ) -> None:
        self._socket = folder / f"tmux-{next(_numbers)}"
        self._environment = {"LANG": "C.UTF-8", "TERMINFO_DIRS": _terminfo(), "TERM": "xterm-256color", **environment}
        config = folder / "tmux.conf"
        config.write_text(
            "set -g default-terminal tmux-256color\nset -s escape-time 0\nset -g status off\n"
            "set -g remain-on-exit on\nset -sa terminal-features ',*:RGB'\n"
        )
        self._tmux("-f", config, "new-session", "-d", "-x", size[0], "-y", size[1], "-c", folder, *command)

    def close(self) -> None:
        """End the program, however it is."""
        self._tmux("kill-server")

    def press(self, *keys: str) -> None:
        """Press keys by tmux's names: `Tab`, `Escape`, `M-n`, `C-s`."""
        self._tmux("send-keys", *keys)

    def paste(self, text: str) -> None:
        """Type characters as fast as the terminal takes them."""
        # A last semicolon would end tmux's own command.
        self._tmux("send-keys", "-l", "--", f"{text[:-1]}\\;" if text.endswith(";") else text)

    def type(self, text: str, pace_s: float = 0.03) -> None:
        """Type characters one by one, `pace_s` apart. A line break is the Enter key, a tab is a tab character."""
        for character in text:
            if character == "\n":
                self.press("Enter")
            else:
                self.paste(character)
            time.sleep(pace_s)

    def screen(self, *, styled: bool = False) -> str:
        """The screen's text, its lines without trailing blanks; `styled`: with escape sequences for colours."""
        if styled:
            return self._tmux("capture-pane", "-p", "-e")
        # A tab is on the screen what the program moved the cursor by.
        return self._tmux("capture-pane", "-p").expandtabs(8)

    def cursor(self) -> tuple[int, int]:
        """The cursor's column and line, from 0."""
        column, line = self._tmux("display-message", "-p", "#{cursor_x} #{cursor_y}").split()
        return int(column), int(line)

    def wait_for(self, condition: Callable[[], _Found], what: object = "", timeout_s: float = TIMEOUT_S) -> _Found:
        """Wait until a condition holds, and return what it returned; a failure shows the screen."""
        return eventually(condition, lambda: f"{what} never came; the screen shows\n{self.screen()}", timeout_s)

    def wait_for_text(self, *texts: str) -> None:
        """Wait until all these are on the screen."""
        self.wait_for(lambda: all(text in self.screen() for text in texts), texts)

    def _tmux(self, *arguments: object) -> str:
        done = subprocess.run(
            [SID.program("tmux"), "-u", "-S", self._socket, *map(str, arguments)],
            env=self._environment,
            capture_output=True,
            check=True,
            encoding="utf-8",
            timeout=TIMEOUT_S,
        )
        return done.stdout


def eventually(condition: Callable[[], _Found], explain: Callable[[], str], timeout_s: float = TIMEOUT_S) -> _Found:
    """Wait until a condition holds, and return what it returned."""
    deadline = time.monotonic() + timeout_s
    while not (found := condition()):
        assert time.monotonic() < deadline, explain()
        time.sleep(0.05)
    return found


def _terminfo() -> str:
    return ":".join(str(SID.root / "usr" / folder / "terminfo") for folder in ("share", "lib"))


class InTerminal:
    """A program that is driven by keys in a terminal of its own."""

    terminal: Terminal

    def close(self) -> None:
        """End it."""
        self.terminal.close()

    def press(self, *keys: str) -> None:
        """Press keys, by tmux's names."""
        self.terminal.press(*keys)

    def type(self, text: str, pace_s: float = 0.03) -> None:
        """Type at a quick typist's pace."""
        self.terminal.type(text, pace_s)
