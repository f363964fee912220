"""A file's unit of indentation."""

from __future__ import annotations

import re

_INDENTATION = re.compile(r"^[ \t]+(?=\S)", re.MULTILINE)
_DEFAULT_WIDTH = 4


def unit_of(text: str) -> str:
    """One level of a text's indentation: a tab, or some spaces. The default is four spaces."""
    indentations = _INDENTATION.findall(text)
    return "\t" if any("\t" in each for each in indentations) else " " * _width(indentations)


def _width(indentations: list[str]) -> int:
    """The spaces of one level: the smallest likely width that occurs."""
    widths = [len(each) for each in indentations if "\t" not in each]
    return min((width for width in widths if width in (2, 3, 4, 8)), default=_DEFAULT_WIDTH)
