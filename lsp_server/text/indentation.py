"""A file's unit of indentation, and the conversion of a text to it."""

from __future__ import annotations

import re

from lsp_server.text.snapshot import Snapshot

_INDENTATION = re.compile(r"^[ \t]+(?=\S)", re.MULTILINE)
_DEFAULT_WIDTH = 4


def indent_as_the_file(text: str, snapshot: Snapshot) -> str:
    """Convert a text's indentation to tabs in a file of tabs, and to spaces in a file of spaces.

    The first line stays, because it continues the cursor's line. A file with both kinds, or with none, changes nothing.
    """
    first, line_break, rest = text.partition("\n")
    of_file = _INDENTATION.findall(snapshot.prefix) + _INDENTATION.findall(snapshot.suffix)
    has_tabs = any("\t" in each for each in of_file)
    has_spaces = any(" " in each for each in of_file)
    if not line_break or has_tabs == has_spaces:
        return text
    width = _width(_INDENTATION.findall(rest) if has_tabs else of_file)
    convert = _to_tabs if has_tabs else _to_spaces
    return first + line_break + _INDENTATION.sub(lambda match: convert(match[0], width), rest)


def unit_of(text: str) -> str:
    """One level of a text's indentation: a tab, or some spaces. The default is four spaces."""
    indentations = _INDENTATION.findall(text)
    return "\t" if any("\t" in each for each in indentations) else " " * _width(indentations)


def _width(indentations: list[str]) -> int:
    """The spaces of one level: the smallest likely width that occurs."""
    widths = [len(each) for each in indentations if "\t" not in each]
    return min((width for width in widths if width in (2, 3, 4, 8)), default=_DEFAULT_WIDTH)


def _to_tabs(indentation: str, width: int) -> str:
    """Whole levels become tabs. The remaining spaces align."""
    num_spaces = len(indentation.expandtabs(width))
    return "\t" * (num_spaces // width) + " " * (num_spaces % width)


def _to_spaces(indentation: str, width: int) -> str:
    return indentation.expandtabs(width)
