"""A Helix in a terminal, with infill behind a tap in its menu."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from tests.builders import CURSOR
from tests.editors.fetch import SID
from tests.editors.messages import Tap
from tests.editors.server import PATIENT, ROOT, own_environment, write_infill
from tests.editors.terminal import COLUMNS, LINES, InTerminal, Terminal

LANGUAGES = ROOT / "editors" / "helix" / "languages.toml"
MENU = "textDocument/completion"
# It waits for the model however long that takes, because tests share the machine. Helix asks 250 ms after a key.


class Helix(InTerminal):
    """One editor; `languages` is its `languages.toml`, to which the server's settings are added."""

    def __init__(
        self,
        folder: Path,
        *,
        languages: str = "",
        settings: dict[str, Any] | None = None,
        size: tuple[int, int] = (COLUMNS, LINES),
    ) -> None:
        self.folder = folder
        self.tap = Tap(folder / "tap.log")
        self.environment = make_environment(folder)
        write_infill(folder / "bin", folder / "tap.log")
        config = folder / "config" / "helix"
        config.mkdir(parents=True)
        text = languages or LANGUAGES.read_text(encoding="utf-8")
        (config / "languages.toml").write_text(f"{text}\n{_as_toml(settings or PATIENT)}", encoding="utf-8")
        (config / "config.toml").write_text("[editor]\nauto-pairs = true\n", encoding="utf-8")
        (folder / "project" / ".git").mkdir(parents=True)
        self.terminal = Terminal(folder / "project", [SID.program("hx")], self.environment, size)
        self.terminal.wait_for_text(" NOR ")
        self._path = folder

    def command(self, text: str) -> None:
        """A command of the `:` line."""
        self.normal()
        self.terminal.paste(f":{text}")
        self.press("Enter")

    def normal(self) -> None:
        """Leave insert mode. Escape and another key at once would be that key with Alt."""
        self.press("Escape")
        self.terminal.wait_for(lambda: " NOR " in self.terminal.screen(), "normal mode")

    def open(self, name: str, text: str) -> None:
        """Open a new file of the project and put the cursor where the mark is, in insert mode."""
        self._path = self.folder / "project" / name
        before, mark, after = text.partition(CURSOR)
        self._path.write_bytes((before + after).encode())
        since = self.tap.mark
        lines = before.replace("\r\n", "\n").split("\n")
        self.command(f"open {self._path}:{len(lines)}:{len(lines[-1]) + 1}")
        self.terminal.wait_for_text(name)
        if self.tap.records():
            self.tap.wait_for(lambda: self.tap.sent("textDocument/didOpen", since), "the opening of the file")
        if mark:
            self.press("i")
            self.terminal.wait_for_text("INS")

    def offered(self, since: int = 0) -> dict[str, Any]:
        """The item of infill's that is in the menu on the screen."""

        def shown() -> dict[str, Any] | None:
            for _, answer in reversed(self.tap.answers(MENU, since)):
                for item in (answer.get("result") or {}).get("items", []):
                    if any(
                        item["label"][:30] in line and line.rstrip().endswith(" text")  # the kind, as Helix spells it
                        for line in self.terminal.screen().split("\n")
                    ):
                        found: dict[str, Any] = item
                        return found
            return None

        item = self.terminal.wait_for(shown, "the menu")
        assert item is not None
        return item

    def saved(self) -> str:
        """The buffer's text as it is saved."""
        self.command("write")
        self.terminal.wait_for_text("written")
        return self._path.read_bytes().decode()


def make_environment(folder: Path) -> dict[str, str]:
    """For a Helix: its own files, nobody's settings, and `infill` on the PATH."""
    return {
        **own_environment(folder, SID.root / "usr" / "bin"),
        "HELIX_RUNTIME": str(SID.root / "usr" / "lib" / "hx" / "runtime"),
        "COLORTERM": "truecolor",
    }


def other_server() -> str:
    """The command line of another server, as TOML: it completes `ad` to `adder` and `address`."""
    script = json.dumps(str(Path(__file__).with_name("words_server.py")))
    return f"command = {json.dumps(sys.executable)}\nargs = [{script}]\n"


def _as_toml(settings: dict[str, Any]) -> str:
    """Settings of the server, as Helix passes them on."""
    lines = []
    for section, values in settings.items():
        lines.append(f"[language-server.infill.config.{section}]")
        lines += [f"{name} = {json.dumps(value)}" for name, value in values.items()]
    return "\n".join(lines) + "\n"
