"""How the lines of a text are indented, and the unit that most of them use. Pure.

Only lines that begin a statement tell a file's style. Lines in strings and comments do not, nor do lines that are
aligned with something on the line above.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from lsp_server.languages.forms import Kind
from lsp_server.languages.lexer import START, State, code_in, lex

_BRACKET = re.compile(r"[()\[\]{}]")
_WIDTHS = (2, 3, 4, 8)
_MAJORITY = 0.75


@dataclass(frozen=True, slots=True)
class IndentedLine:
    """A line of a text.

    `code` is the line without comments and white space around it. `kind` is that of the indentation: it is not CODE in
    a string or a comment of several lines. `is_aligned`: the line goes on with a statement, next to something on the
    line above, so that its indentation is no level. A blank line has no indentation.
    """

    indentation: str
    code: str
    kind: Kind
    is_aligned: bool

    @property
    def begins_statement(self) -> bool:
        """Whether the indentation is a level, of a line of code."""
        return bool(self.code) and self.kind is Kind.CODE and not self.is_aligned


def lines_of(text: str, language_id: str, state: State = START, start: int = 0) -> list[IndentedLine]:
    """The lines of a text from `start` on, where `state` is open. The first one may be a part of a line."""
    spans, _ = lex(text, language_id, state, start)
    statements = code_in(text, spans, (Kind.CODE, Kind.STRING))
    rows = zip(
        text[start:].split("\n"),
        statements.split("\n"),
        code_in(text, spans).split("\n"),
        strict=True,
    )
    kinds = iter(spans)
    span = next(kinds, None)
    found: list[IndentedLine] = []
    brackets: list[bool] = []  # of each open one, whether something stands behind it on its line
    is_continued = False
    for row, statement, code in rows:
        while span and span.end <= start:
            span = next(kinds, None)
        kind = span.kind if span and span.start <= start else Kind.CODE
        is_aligned = is_continued or (bool(brackets) and brackets[-1])
        indentation = row[: len(row) - len(row.lstrip())] if row.strip() else ""
        found.append(IndentedLine(indentation, statement.strip(), kind, is_aligned))
        for bracket in _BRACKET.finditer(code):
            if bracket[0] in "([{":
                brackets.append(bool(statement[bracket.end() :].strip()))
            elif brackets:
                brackets.pop()
        is_continued = statement.rstrip().endswith("\\")
        start += len(row) + 1
    return found


def unit_of(lines: Iterable[IndentedLine]) -> str:
    """One level of the indentation that most lines use: a tab, or some spaces. Empty if there is no such majority."""
    indentations = [each.indentation for each in lines if each.begins_statement]
    indented = [each for each in indentations if each]
    num_tabs = sum(each[0] == "\t" for each in indented)
    if not indented or max(num_tabs, len(indented) - num_tabs) < _MAJORITY * len(indented):
        return ""
    if 2 * num_tabs > len(indented):
        return "\t"
    widths = [len(each) for each in indentations if "\t" not in each]
    steps = Counter(below - above for above, below in pairwise(widths) if below - above in _WIDTHS)
    if steps:
        width = max(steps, key=lambda step: (steps[step], -step))
    else:
        width = min((width for width in widths if width in _WIDTHS), default=0)
    num_levels = sum(bool(each) and not each % width for each in widths) if width else 0
    return " " * width if num_levels >= _MAJORITY * (len(indented) - num_tabs) else ""
