"""Indents a text as its file is indented, where the text itself shows that it is indented otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import islice, pairwise

from lsp_server.languages.forms import Kind
from lsp_server.languages.indentation import IndentedLine, lines_of, unit_of
from lsp_server.languages.lexer import State
from lsp_server.languages.reading import state_after
from lsp_server.languages.syntax import language
from lsp_server.postprocess.levels import Levels
from lsp_server.postprocess.lines import state_below, text_above, text_below
from lsp_server.text.snapshot import Snapshot

_NEAR = 4000  # characters on each side of the cursor that are read, at least
_NEAR_LINES = 40  # on each side of the cursor. They tell the style
_MAX_CHANGES = 2  # of the kind of white space, from line to line. One line of the other kind makes two
_WIDTHS = (4, 2, 8, 3)  # of a text's levels, the likely ones first
_TAB = 8  # columns


def indent_as_the_file(text: str, snapshot: Snapshot) -> str:
    """Convert a text's indentation to the unit of its file: a tab, or some spaces.

    What stands before the cursor stays. Lines in strings stay, and where tabs and spaces mean different things, all do.
    Nothing changes if the file has no unit that most lines use, or if the text fits as it is. It does not fit if its
    lines begin with the other kind of white space, or if one stands at a level that it cannot have.
    """
    if "\n" not in text or language(snapshot.language_id).keeps_indentation:
        return text
    above, cursor = _lines_above(snapshot)
    if cursor.kind is not Kind.CODE or cursor.is_aligned or not (unit := _unit(above, cursor, snapshot)):
        return text
    return _Text(text, snapshot, above, unit).converted()


class _Text:
    """A text, with what stands before it."""

    def __init__(self, text: str, snapshot: Snapshot, above: list[IndentedLine], unit: str) -> None:
        before, self._language = snapshot.line_prefix, snapshot.language_id
        self._text, self._unit = text, unit
        self._step = _TAB if unit == "\t" else len(unit)
        self._num_fixed = 1 if before else 0  # lines whose indentation stands before the cursor
        state = state_after(snapshot.prefix[: len(snapshot.prefix) - len(before)], self._language)
        self._lines = lines_of(before + text, self._language, state)
        self._levels = Levels(above, self._step, self._language)

    def converted(self) -> str:
        """The text as it is to be shown."""
        begins = [each.indentation for each in self._lines[self._num_fixed :] if each.begins_statement]
        kinds = {character for each in begins for character in each}
        if not kinds - {self._unit[0]}:
            return self._with(self._of_same_kind([len(each) for each in begins]))
        if self._unit[0] not in kinds:
            return self._with(self._of_other_kind())
        return self._text  # a text with both kinds has no style of its own

    def _of_other_kind(self) -> list[IndentedLine]:
        """The lines in the file's kind of white space."""
        widths = _WIDTHS if self._unit == "\t" else (self._step,)
        found = [self._scaled(width) for width in widths]
        misfits = [self._levels.misfits(each, exactly=self._unit == "\t") for each in found]
        best = misfits.index(min(misfits))
        return self._lines if misfits[best] and language(self._language).has_python_blocks else found[best]

    def _of_same_kind(self, columns: list[int]) -> list[IndentedLine]:
        """The lines in the file's width, if they do not fit as they are, and fit with levels of another width."""
        knows = language(self._language)
        is_layout = knows.indentation_nests and not knows.has_python_blocks  # it has more columns than levels
        if self._unit == "\t" or is_layout or not self._levels.misfits(self._lines, exactly=False):
            return self._lines
        widths = [each for each in _WIDTHS if each != self._step and not any(column % each for column in columns)]
        others = (self._scaled(width) for width in widths)
        return next((each for each in others if not self._levels.misfits(each, exactly=True)), self._lines)

    def _scaled(self, width: int) -> list[IndentedLine]:
        """The lines, if one level of the text is that many columns.

        Aligned lines and comments keep their distance from the statement above.
        """
        found = self._lines[: self._num_fixed]
        base = new_base = ""
        for line in self._lines[self._num_fixed :]:
            columns = len(line.indentation.expandtabs(width))
            if line.kind is Kind.STRING or not line.indentation:
                indentation = line.indentation
            elif line.kind is Kind.COMMENT or line.is_aligned:
                distance = max(0, columns - len(base.expandtabs(width)))
                indentation = line.indentation if base == new_base else new_base + " " * distance
            elif self._unit == "\t" and line.indentation[0] == "\t":
                indentation = line.indentation
            else:
                indentation = self._unit * (columns // width) + " " * (columns % width)
            found.append(replace(line, indentation=indentation))
            if line.kind is Kind.CODE and not line.is_aligned and (line.code or line.indentation):
                base, new_base = line.indentation, indentation
        return found

    def _with(self, lines: Sequence[IndentedLine]) -> str:
        rows = self._text.split("\n")
        pairs = zip(self._lines, lines, strict=True)
        shown = [line.indentation + row[len(old.indentation) :] for row, (old, line) in zip(rows, pairs, strict=True)]
        return "\n".join([*rows[: self._num_fixed], *shown[self._num_fixed :]])


def _lines_above(snapshot: Snapshot) -> tuple[list[IndentedLine], IndentedLine]:
    """The lines near above the cursor's, and the cursor's own before the cursor."""
    text, before, language_id = text_above(snapshot), snapshot.line_prefix, snapshot.language_id
    start = text.rfind("\n", 0, (len(text) // _NEAR - 1) * _NEAR) + 1 if len(text) > _NEAR else 0
    *above, last = _lines_in(text[start:], language_id, state_after(text[:start], language_id))
    cursor = lines_of(snapshot.prefix, language_id, state_after(text, language_id), len(text))[0]
    own = before[: len(before) - len(before.lstrip())]
    return above, IndentedLine(own, cursor.code or "_", cursor.kind, last.is_aligned)


def _unit(above: list[IndentedLine], cursor: IndentedLine, snapshot: Snapshot) -> str:
    """The file's unit. The kind of the cursor's own indentation counts before that of the lines near it.

    It has none if blocks near the cursor begin their lines with both kinds: a tab may be eight columns there.
    """
    levels = [each for each in above if each.begins_statement][-_NEAR_LINES:]
    near = [*levels, cursor, *islice((each for each in _lines_below(snapshot) if each.begins_statement), _NEAR_LINES)]
    num_changes = sum({*one.indentation, *other.indentation} == {"\t", " "} for one, other in pairwise(near))
    if num_changes > _MAX_CHANGES:
        return ""
    own = (cursor.indentation or (levels[-1].indentation if levels else ""))[:1]
    unit = unit_of(each for each in near if not own or not each.indentation or each.indentation[0] == own)
    is_between = unit and unit != "\t" and len(cursor.indentation) % len(unit) != 0
    return "" if is_between else unit


def _lines_below(snapshot: Snapshot) -> list[IndentedLine]:
    return _lines_in(text_below(snapshot)[:_NEAR], snapshot.language_id, state_below(snapshot))


@lru_cache(maxsize=8)
def _lines_in(text: str, language_id: str, state: State) -> list[IndentedLine]:
    """The lines of a text. The last texts are remembered: they stay the same while a line is typed."""
    return lines_of(text, language_id, state)
