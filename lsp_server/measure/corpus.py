"""Text to type in: Python of the standard library, cut to size by the model's tokeniser."""

from __future__ import annotations

import importlib
import inspect
import itertools
import re
from collections.abc import Callable
from dataclasses import dataclass

from lsp_server.text.snapshot import Snapshot, normalize

# Of `held_out.MODULES`. Recorded results depend on their order.
MODULES = ("argparse", "configparser", "statistics", "dataclasses", "shlex", "csv", "textwrap", "heapq", "graphlib")
TYPED_CHARACTERS = 700  # what a page has to be typed
JUMP_LINES = 100


@dataclass(frozen=True, slots=True)
class View:
    """A document around a cursor."""

    uri: str
    prefix: str
    suffix: str

    def snapshot(self) -> Snapshot:
        """The snapshot that the planner takes."""
        line_start = self.prefix.rfind("\n") + 1
        return Snapshot(
            uri=self.uri,
            version=0,
            language_id="python",
            path="bench.py",
            prefix=self.prefix,
            suffix=self.suffix,
            line=self.prefix.count("\n"),
            character=len(self.prefix) - line_start,
        )


@dataclass(frozen=True, slots=True)
class Page:
    """A document with a blank line to type in: the text before that line, the text to type, and the text after."""

    uri: str
    before: str
    to_type: str
    after: str

    def view(self, typed: str = "", closer: str = "") -> View:
        """The page with some text typed. `closer` is the bracket that an editor put after the cursor."""
        return View(self.uri, self.before + typed, closer + self.after)


class Corpus:
    """Pages of different text, with about `before_tokens` before and `after_tokens` after the cursor."""

    def __init__(self, count_tokens: Callable[[str], int], before_tokens: int, after_tokens: int) -> None:
        self._lines = library_lines()
        self._line_tokens = [count_tokens(line) for line in self._lines]
        self._before_tokens = before_tokens
        self._after_tokens = after_tokens
        self._numbers = itertools.count(1)
        self._next_line = 0

    def page(self) -> Page:
        """The next page. It is a document of its own, and no other page has its first line."""
        number = next(self._numbers)
        page = self._page_at(self._next_line, f"file:///bench/page_{number}.py", f"# page {number}\n")
        self._next_line += page.before.count("\n") + page.to_type.count("\n")
        return page

    def places(self) -> list[Page]:
        """Places in one document, each `JUMP_LINES` below the one before."""
        uri = f"file:///bench/jumps_{next(self._numbers)}.py"
        return [self._page_at(line, uri, "") for line in range(0, len(self._lines), JUMP_LINES)]

    def text(self, num_tokens: int) -> str:
        """About so many tokens of text. No other text has its first line."""
        number = next(self._numbers)
        start = number * JUMP_LINES
        return f"# text {number}\n" + self._take(start, num_tokens)

    def _page_at(self, start: int, uri: str, heading: str) -> Page:
        before = self._take(start, self._before_tokens)
        start += before.count("\n")
        to_type = ""
        while len(to_type) < TYPED_CHARACTERS:
            to_type += self._line(start)
            start += 1
        return Page(uri, heading + before, to_type.strip("\n"), "\n" + self._take(start, self._after_tokens))

    def _take(self, start: int, num_tokens: int) -> str:
        """Whole lines from `start` on, of at most so many tokens."""
        taken: list[str] = []
        total = 0
        for index in range(start, start + len(self._lines)):
            total += self._line_tokens[index % len(self._lines)]
            if total > num_tokens:
                break
            taken.append(self._line(index))
        return "".join(taken)

    def _line(self, index: int) -> str:
        """A line of the endless text, which repeats the library."""
        return self._lines[index % len(self._lines)]


def library_lines() -> list[str]:
    """Lines of the standard library, each with its line break."""
    sources = [inspect.getsource(importlib.import_module(name)) for name in MODULES]
    return lines_of(normalize("".join(sources)))


def keystrokes(text: str) -> list[str]:
    """The insertions of the keys that type a text: a character, or a line break with the next line's indentation."""
    keys: list[str] = []
    for number, line in enumerate(text.split("\n")):
        words = line.lstrip(" ")
        keys.append("\n" * (number > 0) + line[: len(line) - len(words)])
        keys += words
    return [key for key in keys if key]


def lines_of(text: str) -> list[str]:
    """Lines with their breaks. A form feed is ordinary text here, as in editors and unlike in `splitlines`."""
    return [line for line in re.split(r"(?<=\n)", text) if line]
