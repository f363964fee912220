"""Indentation: its unit in a file, and a text indented as its file is."""

from __future__ import annotations

import re

from lsp_server.text.snapshot import Snapshot

_INDENTATION = re.compile(r"^[ \t]+(?=\S)", re.MULTILINE)
_DEFAULT_WIDTH = 4


def indent_as_the_file(text: str, snapshot: Snapshot) -> str:
    """Indent by tabs where all of the file's lines are, and by spaces where those are.

    The first line is the cursor's, whose beginning stands already. A file of both kinds, or of none, decides nothing.
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
    """One level of a text's indentation: a tab, or so many spaces; four where it has none."""
    indentations = _INDENTATION.findall(text)
    return "\t" if any("\t" in each for each in indentations) else " " * _width(indentations)


def _width(indentations: list[str]) -> int:
    """Spaces of one level: the smallest there is, if it is likely."""
    widths = [len(each) for each in indentations if "\t" not in each]
    return min((width for width in widths if width in (2, 3, 4, 8)), default=_DEFAULT_WIDTH)


def _to_tabs(indentation: str, width: int) -> str:
    """Whole levels as tabs; what is left aligns."""
    num_spaces = len(indentation.expandtabs(width))
    return "\t" * (num_spaces // width) + " " * (num_spaces % width)


def _to_spaces(indentation: str, width: int) -> str:
    return indentation.expandtabs(width)
