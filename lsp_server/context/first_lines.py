"""A definition as one line of a list: its first line, without the parts that cost more than they tell. Pure."""

from __future__ import annotations

import functools
import re

import msgspec

from lsp_server.index.symbols import Symbol

MAX_SHORT_LINE, MAX_LINE = 24, 72
MIN_SAVED = 4  # characters that a brief form must save

_VALUE = re.compile(r"\s*=(?!=).*")


class FirstLine(msgspec.Struct, frozen=True, gc=False):
    """A definition's first line: `whole`, `short` (cut where it is long), and `brief`.

    `brief` ends behind the defined name. It is empty where it would save little.
    """

    whole: str
    short: str
    brief: str


def line_of(symbol: Symbol) -> FirstLine:
    """The first line of a symbol."""
    return _line_of(symbol.text, symbol.name, symbol.kind in ("variable", "field"))


@functools.lru_cache(maxsize=1 << 15)
def _line_of(text: str, name: str, is_value: bool) -> FirstLine:
    whole = text.partition("\n")[0]
    short = _shortened(whole, is_value)
    return FirstLine(whole, short, _brief(short, name))


def _shortened(line: str, is_value: bool) -> str:
    """Cut a long line before its value, or behind its opening bracket."""
    if is_value:
        is_long = len(line) > MAX_SHORT_LINE and "(" not in line.partition("=")[0]
        return _VALUE.sub("", line) if is_long else line
    head, bracket, _ = line.partition("(")
    return head + bracket if len(line) > MAX_LINE else line


def _brief(line: str, name: str) -> str:
    """A line up to a name and an opening bracket; empty if that saves little, or if other names come before it."""
    start = line.find(name)
    while start > 0 and (line[start - 1].isalnum() or line[start - 1] == "_"):
        start = line.find(name, start + 1)
    end = start + len(name)
    end += line[end : end + 1] == "("
    return line[:end] if start >= 0 and end + MIN_SAVED <= len(line) and "," not in line[:start] else ""
