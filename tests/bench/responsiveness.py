"""How long the server lets a cheap request wait while it works on huge documents, in milliseconds."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tests.raw_client import RawClient

PING_S, KEY_S = 0.005, 0.06
PATIENCE_S = 10.0
NUM_EDITS = 3000  # in one message
TYPED = "value = compute(first, second)"
MIB = 1 << 20
# What the fake model says: brackets, blocks and repetition, for the rules to read.
SAYS = 'result[0], call(a, b(c)))]\nfor each in values:\n    print("é", each)\n    return each\nnext_line = 1\n' * 2
CAPABILITIES = {
    "textDocument": {
        "inlineCompletion": {},
        "completion": {},
        "codeAction": {"dataSupport": True, "resolveSupport": {"properties": ["edit"]}, "codeActionLiteralSupport": {
            "codeActionKind": {"valueSet": []}}},
    },
    "experimental": {"infill": {"acceptance": True}},
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Page:
    """A document, and where letters are typed into it: a line and a code point."""

    language_id: str
    text: str
    line: int
    character: int

    @property
    def units(self) -> int:
        """The place in the line in UTF-16, the encoding that clients use."""
        line = self.text.split("\n")[self.line]
        return len(line[: self.character].encode("utf-16-le")) // 2


def _code(num_lines: int, width: int = 0) -> str:
    return "".join(f"value_{line} = {f'compute({line}, value)':<{width}}\n" for line in range(num_lines))


def _long_line(unit: str, size: int, opening: str = "x = ", rest: str = "") -> Page:
    """Letters are typed at the end of a line of `size` characters, before `rest`."""
    line = opening + unit * (size // max(1, len(unit)))
    return Page("javascript", f"let a = 1;\n{line}{rest}\nlet b = 2;\n", 1, len(line))


SMALL = Page("python", _code(100), 50, 0)
# Each is made when it is measured: together they would fill the memory.
PAGES: dict[str, Callable[[], Page]] = {
    "one é in 2 MB": lambda: _long_line("f(a,b);", 2 * MIB, "x = 'é';"),
    "emoji in 2 MB": lambda: _long_line("f('😀',b);", 2 * MIB),
    "CJK in 2 MB": lambda: _long_line("补全代码，", 2 * MIB, "x = '"),
    "combining in 2 MB": lambda: _long_line("e\u0301 ", 2 * MIB, "x = '"),
    "cursor before 2 MB": lambda: _long_line("", 0, "", "f('é',b);" * (2 * MIB // 9)),
    "50 000 closers behind the cursor": lambda: _long_line("f(", 100_000, "", ")" * 50_000),
    "Python list of 200 kB": lambda: Page(
        "python", f"import os\nvalues = [{'123, ' * 40_000}]\nprint(values)\n", 1, 10 + 5 * 40_000),
    "300 000 lines": lambda: Page("python", _code(300_000), 150_000, 0),
    "5 MB in 130 000 lines": lambda: Page("python", _code(130_000, 24), 65_000, 0),
    "JSON of 5 MB on a line": lambda: Page("json", '[{}'.format('{"name": "é", "values": [1, 2]}, ' * 160_000) + "]",
                                            0, 33 * 80_000),
    "20 000 lines of 1 kB": lambda: Page("python", _code(20_000, 1000), 10_000, 0),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Delays:
    """How long pings waited for their answers, in milliseconds."""

    n: int
    p50: float
    p99: float
    most: float


class Pinger:
    """Sends the cheapest request every few milliseconds, and notes how long each answer takes.

    `is_lost` says that some had no answer ten seconds later. They count as they are then.
    """

    def __init__(self, client: RawClient) -> None:
        self.is_lost = False
        self._client = client
        self._sent: dict[int, float] = {}
        self._delays: list[float] = []
        self._all_answered = asyncio.Event()
        client.on_message = self._received

    def _received(self, message: dict[str, Any]) -> None:
        if "method" not in message and (sent := self._sent.pop(message.get("id", 0), None)) is not None:
            self._delays.append((time.perf_counter() - sent) * 1000)
            if not self._sent:
                self._all_answered.set()

    @contextlib.asynccontextmanager
    async def pinging(self, rows: dict[str, Delays], name: str) -> AsyncIterator[None]:
        """Ping meanwhile, and put the delays into `rows` under a name."""
        self._delays = []
        task = asyncio.ensure_future(self._ping())
        try:
            yield
        finally:
            task.cancel()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._all_answered.wait(), PATIENCE_S)
        self.is_lost = bool(self._sent)
        self._delays += [(time.perf_counter() - sent) * 1000 for sent in self._sent.values()]
        p50, p99 = np.percentile(self._delays, [50, 99])
        rows[name] = Delays(len(self._delays), float(p50), float(p99), max(self._delays))

    async def _ping(self) -> None:
        while True:
            began = time.perf_counter()
            arguments = {"command": "infill.chatStatus", "arguments": []}
            self._sent[self._client.send("workspace/executeCommand", arguments)] = began
            self._all_answered.clear()
            await asyncio.sleep(PING_S)


class Typist:
    """Types into one document of a server, and does what else an editor does."""

    def __init__(self, client: RawClient, folder: Path, name: str, page: Page) -> None:
        self._client = client
        self._folder = folder
        self.uri = (folder / name).as_uri()
        self.page = page
        self._line, self._start = page.line, page.units
        self._typed = 0
        params = {"uri": self.uri, "languageId": page.language_id, "version": 1, "text": page.text}
        opened = {"jsonrpc": "2.0", "method": "textDocument/didOpen", "params": {"textDocument": params}}
        self._opening = client.frame(opened)  # here, because this takes time too
        self._pasted = "pasted = compute(é)\n" * (MIB // 20)

    async def open(self) -> None:
        """Open the document."""
        self._client.write(self._opening)
        self._client.register(self.uri)
        await asyncio.sleep(1)

    @property
    def _column(self) -> int:
        return self._start + self._typed

    async def type_letters(self, count: int) -> None:
        """Type, ask at each letter for ghost text, and every third time for the menu. Cancel what is out of date."""
        last: int | None = None
        letters = itertools.islice(itertools.cycle(TYPED), count)
        for number, letter in enumerate(letters):
            if last is not None:
                self._client.cancel(last)
            self._client.insert(self.uri, self._line, self._column, letter)
            self._typed += 1
            last = self._client.ask(self.uri, self._line, self._column, 2 if number % 5 == 0 else 1)
            if number % 3 == 0:
                self._client.menu(self.uri, self._line, self._column)
            await asyncio.sleep(KEY_S)
        await asyncio.sleep(5 * KEY_S)

    async def do_the_rest(self, rounds: int) -> None:
        """Ask for code actions, paste and undo, edit at many places, change settings and folders, and type between."""
        for number in range(rounds):
            for act in (self._ask_for_actions, self._edit_everywhere, self._edit_often, self._paste, self._undo,
                        self._settings, self._folders):  # fmt: skip
                act(number)
                await self.type_letters(2)

    def _ask_for_actions(self, _: int) -> None:
        place = {"line": self._line, "character": self._column}
        self._client.send(
            "textDocument/codeAction",
            {
                "textDocument": {"uri": self.uri},
                "range": {"start": place, "end": place},
                "context": {"diagnostics": []},
            },
        )

    def _edit_everywhere(self, _: int) -> None:
        """Several cursors: one letter at each of twenty places."""
        self._client.change(self.uri, *(self._insertion("v") for _ in range(20)))

    def _edit_often(self, _: int) -> None:
        self._client.change(self.uri, *(self._insertion("v") for _ in range(NUM_EDITS)))

    def _insertion(self, text: str) -> dict[str, Any]:
        place = {"line": self._line, "character": self._column}
        self._typed += len(text)
        return {"range": {"start": place, "end": place}, "text": text}

    def _paste(self, _: int) -> None:
        self._client.insert(self.uri, self._line, self._column, self._pasted)
        self._line, self._column_before = self._line + self._pasted.count("\n"), self._column
        self._start, self._typed = 0, 0

    def _undo(self, _: int) -> None:
        first = self._line - self._pasted.count("\n")
        start = {"line": first, "character": self._column_before}
        self._client.change(
            self.uri, {"range": {"start": start, "end": {"line": self._line, "character": self._typed}}, "text": ""}
        )
        self._line, self._start, self._typed = first, self._column_before, 0

    def _settings(self, number: int) -> None:
        changed = {"infill": {"completion": {"max_lines": 10 + number, "menu": "always"}}}
        self._client.notify("workspace/didChangeConfiguration", {"settings": changed})

    def _folders(self, number: int) -> None:
        other = {"uri": (self._folder / f"other{number}").as_uri(), "name": "other"}
        self._client.notify("workspace/didChangeWorkspaceFolders", {"event": {"added": [other], "removed": []}})


async def measure_page(page: Page, letters: int, rounds: int) -> dict[str, Delays]:
    """The delays beside one document, by what is done, in a server of its own."""
    rows: dict[str, Delays] = {}
    with tempfile.TemporaryDirectory(prefix="infill-pings-") as path:
        folder = Path(path)
        says = folder / "says.txt"
        says.write_text(SAYS, encoding="utf-8")
        client = await RawClient.start()
        try:
            options = {"model": f"fake:says={says},decode_ms=1", "statistics": True, "completion": {"menu": "always"}}
            root = folder / "project"
            root.mkdir()
            await client.initialize(CAPABILITIES, options, rootUri=root.as_uri())
            client.answers = {"workspace/applyEdit": {"applied": True}}
            small, huge = Typist(client, root, "small.py", SMALL), Typist(client, root, "huge", page)
            await small.open()
            await client.ready()
            await small.type_letters(3)
            pinger = Pinger(client)
            acts: dict[str, Callable[[], Awaitable[None]]] = {
                "small document alone": lambda: small.type_letters(letters),
                "opening": huge.open,
                "typing": lambda: huge.type_letters(letters),
                "the rest": lambda: huge.do_the_rest(rounds),
                "small document beside": lambda: small.type_letters(letters),
            }
            for name, act in acts.items():
                if not pinger.is_lost:
                    async with pinger.pinging(rows, name):
                        await act()
        finally:
            await client.close()
    return rows
