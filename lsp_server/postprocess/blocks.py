"""Finds the end of the block around the cursor."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, lru_cache

from lsp_server.languages.balance import begins_branch, begins_close, has_no_indentation
from lsp_server.languages.forms import Kind
from lsp_server.languages.line_patterns import DEFINITION, FUNCTION
from lsp_server.languages.reading import read
from lsp_server.languages.syntax import language
from lsp_server.postprocess.closers import closers_of
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
    """End before a line that is indented less than the first line: its block is over.

    The first line is the cursor's. If that is blank, it is the first line that the text writes. What ends the block is
    kept, unless it stands below already: a bracket, a word or a tag. Other branches of the statement are kept too.
    Lines that have no indentation to go by do not count: those in strings and comments, labels, preprocessor lines.

    With `may_leave`, a line that closes nothing may come down as far as `_lowest_in` says: the block may end inside the
    hole. With Python's blocks, every line may.
    """
    closers = closers_of(snapshot)
    # The text's first line does not change once it is there.
    block_at = cache(lambda indent: _Block(snapshot, indent, may_leave=may_leave))

    def rule(text: str) -> int | None:
        block = block_at(indentation(first_line(snapshot.line_prefix + text)))
        comment: int | None = None  # where a comment begins that may belong to the next line of code
        for start, end in later_lines(text):
            row = text[start:end]
            if not row.strip():
                continue
            if indentation(row) < block.indent:
                block = block_at(min(block.indent, closers.statement_indentation(text[:start])))
            if indentation(row) >= block.indent:
                comment = None
                continue
            kind = closers.line(text[:end], start).kind
            if kind is Kind.COMMENT and comment is None:
                comment = start
            if kind is not Kind.CODE:
                continue
            if (length := block.end_in(text[:end], start)) is not None:
                return length if comment is None or length > start else comment - 1
            comment = None
        return None

    return rule


class _Block:
    """The block that begins with a line at `indent`."""

    def __init__(self, snapshot: Snapshot, indent: int, *, may_leave: bool) -> None:
        self.indent = indent
        self._language_id = snapshot.language_id
        self._has_python_blocks = language(snapshot.language_id).has_python_blocks
        self._closers = closers_of(snapshot)
        above = read(text_above(snapshot), snapshot.language_id).code
        self._header = _line_above(above, indent, snapshot.language_id)
        self._lowest = self._lowest_in(above, line_below(snapshot)) if may_leave else indent

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
        code = code[: code.rindex(line)]
    return line
