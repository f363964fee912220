"""Finds the end of the block around the cursor."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, lru_cache

from lsp_server.languages.balance import begins_branch, begins_close, has_no_indentation
from lsp_server.languages.forms import Kind
from lsp_server.languages.line_patterns import CONTINUES, CONTROL, DEFINITION, FUNCTION, TYPE
from lsp_server.languages.reading import read
from lsp_server.languages.syntax import language
from lsp_server.postprocess.closers import Closers, closers_of
from lsp_server.postprocess.lines import (
    first_line,
    indentation,
    later_lines,
    line_above,
    line_below,
    text_above,
)
from lsp_server.text.snapshot import Snapshot


def block_ends(snapshot: Snapshot, *, may_leave: bool = True) -> Callable[[str], int | None]:
    """End before a line that is indented no deeper than the header of the block: the block is over.

    The block is that of the first line, the cursor's. If that is blank, or begins in a comment, it is the first
    line of code that the text writes. What ends the block is kept, unless it stands below already: a bracket, a word or
    a tag. Other branches of the statement are kept too. Lines that have no indentation to go by do not count: those in
    strings and comments, labels, preprocessor lines.

    With nothing below the cursor, the text ends with the statement whose header the cursor's line is. In a function it
    may go on.

    With `may_leave`, a line that closes nothing may come down as far as `_lowest_in` says: the block may end inside the
    hole. With Python's blocks, every line may.
    """
    closers = closers_of(snapshot)
    # The text's first line does not change once it is there.
    block_at = cache(lambda indent: _Block(snapshot, indent, may_leave=may_leave))

    def rule(text: str) -> int | None:
        first = first_line(snapshot.line_prefix + text) if closers.begins_in_code else _first_of_code(text, closers)
        block = block_at(indentation(first))
        is_headed = closers.begins_in_code and bool(snapshot.line_prefix.strip())
        statement = _Statement(snapshot, first, is_headed=is_headed)
        comment: int | None = None  # where a comment begins that may belong to the next line of code
        for start, end in later_lines(text):
            row = text[start:end]
            if not row.strip() or _is_joined(snapshot.line_prefix + text[:start]):
                continue
            if indentation(row) < block.indent:
                lower = min(block.indent, closers.statement_indentation(text[:start]))
                statement.is_headed = statement.has_block = statement.is_headed or lower < block.indent
                block = block_at(lower)
            kind = closers.line(text[:end], start).kind
            if indentation(row) > block.indent:
                statement.has_block, comment = True, None
                continue
            if kind is Kind.COMMENT and comment is None:
                if block.is_last and statement.is_over(text[:end], start, is_comment=True):
                    return start - 1
                comment = start
            if kind is not Kind.CODE:
                continue
            length = None
            if indentation(row) < block.lowest_inside:
                length = block.end_in(text[:end], start)
            elif block.is_last and statement.is_over(text[:end], start):
                length = start - 1
            if length is not None:
                return length if comment is None or length > start else comment - 1
            comment = None
        return None

    return rule


def _first_of_code(text: str, closers: Closers) -> str:
    """The first line of code of a text, without its first line."""
    rows = ((start, end) for start, end in later_lines(text) if text[start:end].strip())
    return next((text[start:end] for start, end in rows if closers.line(text[:end], start).kind is Kind.CODE), "")


class _Statement:
    """The statement that the first line begins, with its block. `is_headed`: its header stands above the text.

    `has_block`: its block has begun.
    """

    def __init__(self, snapshot: Snapshot, first: str, *, is_headed: bool) -> None:
        self.is_headed = is_headed
        self.has_block = False
        self._begins_definition = begins_definition(first) and not indentation(first)
        self._language_id = snapshot.language_id
        # Data may hold a script, as a workflow does.
        self._is_in_script = language(self._language_id).holds_data and CONTROL.match(first.strip())
        self._closers = closers_of(snapshot)

    def is_over(self, text: str, start: int, *, is_comment: bool = False) -> bool:
        """Whether the last line of a text, from `start` on, begins another statement, at the depth of this one.

        A comment behind a blank line belongs to another. If the text itself begins with the header, another one is only
        a definition that follows a definition at the top level: a class has several.
        """
        row = text[start:].strip()
        if not self.has_block or self._is_in_script or self._closers.leaves_open(text[:start]):
            return False
        if is_comment:
            return self.is_headed and not text[:start].removesuffix("\n").rpartition("\n")[2].strip()
        if _goes_on(row, self._language_id):
            return False
        return self.is_headed or (self._begins_definition and begins_definition(row))


def _is_joined(above: str) -> bool:
    """Whether a backslash joins what follows to the line above. LaTeX ends a row with two."""
    return above.endswith("\\\n") and not above.endswith("\\\\\n")


def _goes_on(row: str, language_id: str) -> bool:
    """Whether a line goes on with the statement above."""
    if row.startswith("{") or begins_close(row, language_id) or begins_branch(row, language_id):
        return True
    return not language(language_id).holds_data and bool(CONTINUES.match(row))


class _Block:
    """The block that begins with a line at `indent`."""

    def __init__(self, snapshot: Snapshot, indent: int, *, may_leave: bool) -> None:
        self.indent = indent
        self._language_id = snapshot.language_id
        self._has_python_blocks = language(snapshot.language_id).has_python_blocks
        self._closers = closers_of(snapshot)
        above = read(text_above(snapshot), snapshot.language_id).code
        self._header = _line_above(above, indent, snapshot.language_id)
        self.lowest_inside = self._lowest_inside()
        below = line_below(snapshot)
        self._lowest = self._lowest_in(above, below) if may_leave else indent
        self.is_last = not may_leave or (below is None and not self._is_in_function(above))

    def end_in(self, text: str, start: int) -> int | None:
        """Where the block ends in a text whose last line, from `start` on, is indented less. None: not there."""
        row = text[start:]
        if has_no_indentation(row.strip(), self._language_id):
            return None
        if self._header is not None and continues_statement(self._header, row, self._language_id):
            return None
        closes = begins_close(row, self._language_id)
        if closes and self._closers.stays_inside(text, start):
            return None
        if indentation(row) >= self._lowest and (self._has_python_blocks or not closes):
            return None
        return len(text) if closes and self._closers.again(text, start, num_below=2) is None else start - 1

    def _lowest_inside(self) -> int:
        """The lowest indentation inside the block.

        The first line may be aligned with something on the line above, as in `if (a &&⏎        b)`. What is deeper than
        the header of the block is still inside. Python's lines stand exactly at a level.
        """
        if self._header is None or self._has_python_blocks:
            return self.indent
        return indentation(self._header) + 1

    def _is_in_function(self, above: str) -> bool:
        """Whether the block is among statements. At the top level, in a type and in data it stands for itself."""
        if self._header is None or language(self._language_id).holds_data:
            return False
        header = self._header
        if header.strip() == "{":
            header = _before(header, above).rstrip().rpartition("\n")[2]
        return not TYPE.match(header.strip())

    def _lowest_in(self, above: str, below: str | None) -> int:
        """The lowest indentation that a text may come down to.

        Inside a function, it is that of the function's body. Elsewhere it is that of the line below the cursor, unless
        that line begins another definition.
        """
        lowest = self.indent
        inside = None
        while (line := _line_above(above, lowest, self._language_id)) is not None and not _is_class(line):
            lowest = indentation(line)
            if FUNCTION.match(line.strip()):
                inside = lowest
        if inside is not None:
            return inside + 1
        return self.indent if below is None or begins_definition(below) else indentation(below)


def begins_definition(line: str) -> bool:
    """Whether a line begins a function or a class."""
    return bool(DEFINITION.match(line.strip()))


def _is_class(line: str) -> bool:
    return begins_definition(line) and not FUNCTION.match(line.strip())


def continues_statement(header: str, row: str, language_id: str) -> bool:
    """Whether a line is another branch or case of the statement that begins with `header`, or opens its block."""
    same_depth = indentation(row) == indentation(header)
    return same_depth and (row.strip().startswith("{") or begins_branch(row, language_id))


@lru_cache(maxsize=16)
def _line_above(code: str, indent: int, language_id: str) -> str | None:
    """The nearest complete line of code that is indented less than `indent`. Lines without indentation do not count."""
    while (line := line_above(code, indent)) is not None and has_no_indentation(line.strip(), language_id):
        code = _before(line, code)
    return line


def _before(line: str, code: str) -> str:
    """The code above the last line that reads so."""
    return code[: f"\n{code}".rindex(f"\n{line}\n")]
