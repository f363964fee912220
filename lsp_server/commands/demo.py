"""`infill demo`: a short typing session in a sample project, through the real server over stdio."""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.live import Live
from rich.panel import Panel
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from lsp_server.commands.cli_settings import model_file
from lsp_server.commands.console import coloured

if TYPE_CHECKING:
    from lsp_server.demo_client import EditorClient

_LINES_ABOVE, _LINES_BELOW = 9, 4
_SAMPLE = ("inventory.py", "orders.py")


@dataclass(frozen=True, slots=True)
class Step:
    """A step puts the cursor behind `after`, types `typed` by letters, accepts the ghost text and ends the line."""

    after: str
    typed: str


# The steps in the last file of the sample project.
SESSION = (
    Step(after='"""The price of the whole order."""\n', typed="        return sum("),
    Step(after="        return len(self.lines)\n", typed="\n    def __getitem__(self, index):\n        "),
    Step(after="        return self.lines[index]\n", typed="\n\nif __na"),
)


@dataclass(slots=True)
class Tally:
    """The counts of a session. Times are milliseconds from a keystroke to its ghost text."""

    keystrokes: int = 0
    accepted_characters: int = 0
    from_model_ms: list[float] = field(default_factory=list)
    from_memory_ms: list[float] = field(default_factory=list)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Define the options."""
    parser.add_argument("--model", metavar="MODEL", help="a model by name or path, instead of the one in your settings")
    parser.add_argument("--pace", type=float, default=90.0, metavar="MS", help="milliseconds a keystroke (90)")


def run(arguments: argparse.Namespace) -> int:
    """Play the session."""
    # A private engine ends with the demo. The embedded model is rarely as confident as the default demands; its texts
    # would end early.
    settings: dict[str, Any] = {"engine": {"mode": "private"}, "completion": {"confidence": 0}}
    if arguments.model:
        settings["model"] = model_file(arguments.model)
    asyncio.run(_play(settings, arguments.pace / 1000))
    return 0


async def _play(settings: dict[str, str], pace_s: float) -> None:
    from lsp_server.demo_client import EditorClient

    console = Console(highlight=False, markup=False)
    with tempfile.TemporaryDirectory(prefix="infill-demo-") as folder:
        async with EditorClient(Path(folder), settings) as client:
            with console.status("loading the model…"):
                model_name = await client.wait_until_ready()
            for name in _SAMPLE:
                text = files("lsp_server").joinpath("data", "sample", name).read_text(encoding="utf-8")
                uri = client.open(Path(folder) / name, text)
            console.print(coloured("bold", "infill", f" with {model_name}, typing into {_SAMPLE[-1]}\n"))
            with Screen(console) as screen:
                typist = Typist(client, uri, screen, pace_s)
                for step in SESSION:
                    await typist.play(step)
            console.print(_summary(typist.tally))


class Typist:
    """Types, waits for ghost texts, and accepts them."""

    def __init__(self, client: EditorClient, uri: str, screen: Screen, pace_s: float) -> None:
        self._client = client
        self._uri = uri
        self._screen = screen
        self._pace_s = pace_s
        self.tally = Tally()

    async def play(self, step: Step) -> None:
        """Type a step and accept its ghost text."""
        text = self._client.text(self._uri)
        offset = text.index(step.after) + len(step.after) if step.after in text else len(text)
        ghost = ""
        for letter in step.typed:
            self._client.insert(self._uri, offset, letter)
            offset += 1
            ghost = await self._ask(offset)
            self._screen.show(self._client.text(self._uri), offset, ghost, "typing")
            await asyncio.sleep(self._pace_s)
        self._screen.show(self._client.text(self._uri), offset, ghost, "Tab accepts" if ghost else "nothing offered")
        await asyncio.sleep(self._pace_s * 12)
        self._client.insert(self._uri, offset, ghost)
        self.tally.accepted_characters += len(ghost)
        self._screen.keep(self._client.text(self._uri), offset, offset + len(ghost))
        self._client.insert(self._uri, offset + len(ghost), "\n")

    async def _ask(self, offset: int) -> str:
        began = time.monotonic()
        ghost = await self._client.ghost(self._uri, offset, automatic=True)
        elapsed_ms = (time.monotonic() - began) * 1000
        self.tally.keystrokes += 1
        if ghost:
            trace = await self._client.explain()
            known = "known from" in trace
            (self.tally.from_memory_ms if known else self.tally.from_model_ms).append(elapsed_ms)
        return ghost


class Screen:
    """The picture: live in a terminal. Elsewhere it is one frame for each accepted text."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = Live(console=console, transient=True, auto_refresh=False) if console.is_terminal else None

    def __enter__(self) -> Screen:
        if self._live:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live:
            self._live.stop()

    def show(self, text: str, offset: int, ghost: str, note: str) -> None:
        """Show the text, the cursor, and the ghost text behind it."""
        if self._live:
            rendered = _highlight(text[:offset])
            rendered.append("▏", style="bold")
            rendered.append(ghost, style="dim italic")
            rendered.append_text(_highlight(text[offset:]))
            self._live.update(_frame(rendered, text[:offset].count("\n"), note), refresh=True)

    def keep(self, text: str, start: int, end: int) -> None:
        """Print a frame with the accepted text, which stays on the screen."""
        rendered = _highlight(text[:start])
        accepted = text[start:end]
        rendered.append(accepted if self._live else f"⟦{accepted}⟧", style="bold green")
        rendered.append_text(_highlight(text[end:]))
        self._console.print(_frame(rendered, text[:end].count("\n"), "accepted"))


def _highlight(code: str) -> Text:
    highlighted = Syntax("", "python", theme="ansi_dark").highlight(code)
    # Highlighting adds a line break and drops those at the ends. The frame must show the code unchanged.
    return highlighted if highlighted.plain == code else _with_plain(highlighted, code)


def _with_plain(highlighted: Text, code: str) -> Text:
    stripped = code.strip("\n")
    head = code[: len(code) - len(code.lstrip("\n"))]
    tail = code[len(head) + len(stripped) :] if stripped else ""
    highlighted = highlighted.copy()
    highlighted.rstrip()
    padding = stripped[len(highlighted.plain.lstrip("\n")) :]
    return Text(head) + highlighted + Text(padding + tail)


def _frame(text: Text, line: int, note: str) -> Panel:
    lines = text.split("\n", allow_blank=True)
    first = max(0, line - _LINES_ABOVE)
    window = Text("\n").join(lines[first : line + _LINES_BELOW])
    return Panel(window, title=_SAMPLE[-1], title_align="left", subtitle=note, subtitle_align="right", width=100)


def _summary(tally: Tally) -> Table:
    table = Table(title="from a keystroke to its ghost text", title_justify="left", box=None, padding=(0, 3, 0, 0))
    table.add_column("")
    for heading in ("answers", "median", "slowest"):
        table.add_column(heading, justify="right")
    for name, times in (("by the model", tally.from_model_ms), ("from an earlier answer", tally.from_memory_ms)):
        if times:
            table.add_row(name, str(len(times)), f"{statistics.median(times):.0f} ms", f"{max(times):.0f} ms")
    table.caption = f"{tally.keystrokes} keystrokes typed, {tally.accepted_characters} characters accepted"
    table.caption_justify = "left"
    return table
