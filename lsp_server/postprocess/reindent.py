"""Indents a text as its file is indented, where the text itself shows that it is indented otherwise."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import islice

from lsp_server.languages.forms import Kind
from lsp_server.languages.indentation import IndentedLine, lines_of, unit_of
from lsp_server.languages.lexer import State
from lsp_server.languages.reading import state_after
from lsp_server.languages.syntax import language
from lsp_server.postprocess.levels import Levels
from lsp_server.postprocess.lines import state_below, text_above, text_below
from lsp_server.text.snapshot import Snapshot

_NEAR = 4000  # characters on each side of the cursor that are read, at least
_NEAR_LINES = 20  # indented lines on each side of the cursor that tell the style
_WIDTHS = (4, 2, 8, 3)  # of a text's levels, the likely ones first
_TAB = 8  # columns


def indent_as_the_file(text: str, snapshot: Snapshot) -> str:
    """Convert a text's indentation to the unit of its file: a tab, or some spaces.

    The first line stays, because it continues the cursor's line. Lines in strings stay, and where tabs and spaces mean
    different things, all do. Nothing changes if the file has no unit that most lines use, or if the text fits as it is.
    It does not fit if a line begins with the other kind of white space, or stands at a level that it cannot have.
    """
    if "\n" not in text or language(snapshot.language_id).keeps_indentation:
        return text
    above, cursor = _lines_above(snapshot)
    if cursor.kind is not Kind.CODE or cursor.is_aligned or not (unit := _unit(above, cursor, snapshot)):
        return text
    return _Text(text, snapshot, above, cursor, unit).converted()


class _Text:
    """A text, with what stands before it."""

    def __init__(
        self, text: str, snapshot: Snapshot, above: list[IndentedLine], cursor: IndentedLine, unit: str
    ) -> None:
        before, self._language = snapshot.line_prefix, snapshot.language_id
        self._text, self._unit, self._own = text, unit, cursor.indentation
        state = state_after(snapshot.prefix[: len(snapshot.prefix) - len(before)], self._language)
        first, *self._lines = lines_of(before + text, self._language, state)
        self._first = first.code or next((each.code for each in reversed(above) if each.code), "")
        self._levels = Levels(above, self._own, self._step, self._language)

    @property
    def _step(self) -> int:
        return _TAB if self._unit == "\t" else len(self._unit)

    def converted(self) -> str:
        """The text as it is to be shown."""
        as_it_is = [each.indentation for each in self._lines]
        must_fit = language(self._language).has_python_blocks
        if self._is_other_kind():
            widths = _WIDTHS if self._unit == "\t" else (self._step,)
            found = [self._scaled(width) for width in widths]
            misfits = [self._misfits(each, exactly=self._unit == "\t") for each in found]
            best = misfits.index(min(misfits))
            return self._with(found[best]) if not (must_fit and misfits[best]) else self._text
        if self._unit != "\t" and self._misfits(as_it_is, exactly=False):
            fitting = (self._scaled(width) for width in _WIDTHS if width != self._step)
            best_fit = next((each for each in fitting if not self._misfits(each, exactly=True)), as_it_is)
            return self._with(best_fit)
        return self._text

    def _is_other_kind(self) -> bool:
        """Whether a line begins with the kind of white space that the file does not have."""
        levels = [each.indentation for each in self._lines if each.kind is Kind.CODE and not each.is_aligned]
        return any(each.startswith(" ") if self._unit == "\t" else "\t" in each for each in levels)

    def _misfits(self, indentations: Sequence[str], *, exactly: bool) -> int:
        return self._levels.misfits(self._first, zip(indentations, self._lines, strict=True), exactly=exactly)

    def _scaled(self, width: int) -> list[str]:
        """The indentation of each line, if one level of the text is that many columns.

        Aligned lines and comments keep their distance from the statement above.
        """
        found: list[str] = []
        base, new_base = "", ""
        for line in self._lines:
            columns = len(line.indentation.expandtabs(width))
            if line.kind is Kind.STRING or not line.indentation:
                found.append(line.indentation)
            elif line.kind is Kind.COMMENT or line.is_aligned:
                distance = max(0, columns - len(base.expandtabs(width)))
                found.append(line.indentation if base == new_base else new_base + " " * distance)
            elif self._unit == "\t" and line.indentation[0] == "\t":
                found.append(line.indentation)
            else:
                found.append(self._unit * (columns // width) + " " * (columns % width))
            if line.kind is Kind.CODE and not line.is_aligned:
                base, new_base = line.indentation, found[-1]
        return found

    def _with(self, indentations: Sequence[str]) -> str:
        first, *rows = self._text.split("\n")
        rows = [
            indentation + row[len(line.indentation) :]
            for row, line, indentation in zip(rows, self._lines, indentations, strict=True)
        ]
        return "\n".join([first, *rows])


def _lines_above(snapshot: Snapshot) -> tuple[list[IndentedLine], IndentedLine]:
    """The lines near above the cursor's, and the cursor's own before the cursor."""
    text, before, language_id = text_above(snapshot), snapshot.line_prefix, snapshot.language_id
    start = text.rfind("\n", 0, (len(text) // _NEAR - 1) * _NEAR) + 1 if len(text) > _NEAR else 0
    *above, last = _lines_in(text[start:], language_id, state_after(text[:start], language_id))
    cursor = lines_of(snapshot.prefix, language_id, state_after(text, language_id), len(text))[0]
    own = before[: len(before) - len(before.lstrip())]
    return above, IndentedLine(own, cursor.code or "_", cursor.kind, last.is_aligned)


def _unit(above: list[IndentedLine], cursor: IndentedLine, snapshot: Snapshot) -> str:
    """The file's unit. The kind of the cursor's own indentation counts before that of the lines near it."""
    near = [*reversed([*_indented(reversed(above))]), cursor, *_indented(_lines_below(snapshot))]
    own = cursor.indentation[:1]
    return unit_of(each for each in near if not own or not each.indentation or each.indentation[0] == own)


def _indented(lines: Iterator[IndentedLine] | list[IndentedLine]) -> Iterator[IndentedLine]:
    return islice((each for each in lines if each.begins_statement and each.indentation), _NEAR_LINES)


def _lines_below(snapshot: Snapshot) -> list[IndentedLine]:
    return _lines_in(text_below(snapshot)[:_NEAR], snapshot.language_id, state_below(snapshot))


@lru_cache(maxsize=8)
def _lines_in(text: str, language_id: str, state: State) -> list[IndentedLine]:
    """The lines of a text. The last texts are remembered: they stay the same while a line is typed."""
    return lines_of(text, language_id, state)
