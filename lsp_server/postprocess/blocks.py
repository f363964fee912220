"""Finds the end of the block around the cursor."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from functools import cache

from lsp_server.languages.line_patterns import BLOCK_END, BRANCH, CASE, DEFINITION, FUNCTION
from lsp_server.languages.syntax import language
from lsp_server.postprocess.lines import first_line, indentation, later_lines, line_above, line_below
from lsp_server.postprocess.strings import LineStrings
from lsp_server.text.snapshot import Snapshot


def block_ends(snapshot: Snapshot, *, may_leave: bool = True) -> Callable[[str], int | None]:
    """End before a line that is indented less than the first line: its block is over.

    The first line is the cursor's. If that is blank, it is the first line that the text writes. The bracket or the word
    that ends the block is kept, unless it stands below already. Other branches of the statement are kept too. Lines
    inside a string do not count.

    With `may_leave`, a line that closes nothing may come down as far as `_lowest` says: the block may end inside the
    hole. With Python's blocks, every line may.
    """
    before = snapshot.line_prefix
    expected = line_below(snapshot)
    has_python_blocks = language(snapshot.language_id).has_python_blocks
    strings_at_cursor = LineStrings(snapshot.language_id, snapshot.prefix)

    @cache  # the text's first line does not change once it is there
    def around(indent: int) -> tuple[str | None, int]:
        return line_above(snapshot.prefix, indent), _lowest(snapshot, indent, expected) if may_leave else indent

    def rule(text: str) -> int | None:
        first = first_line(before + text)
        header, lowest = around(indentation(first))
        strings = copy(strings_at_cursor)
        strings.take(text.partition("\n")[0])
        for start, end in later_lines(text):
            row = text[start:end]
            is_inside = strings.is_inside
            strings.take(row)
            if is_inside or not row.strip() or indentation(row) >= indentation(first):
                continue
            if header is not None and continues_statement(header, row):
                continue
            closes = row.strip()[0] in ")]}" or BLOCK_END.fullmatch(row.strip())
            if indentation(row) >= lowest and (has_python_blocks or not closes):
                continue
            return end if closes and row.rstrip() != expected else start - 1
        return None

    return rule


def _lowest(snapshot: Snapshot, indent: int, expected: str | None) -> int:
    """The lowest indentation that a text may come down to, which begins at `indent`.

    Inside a function, it is that of the function's body. Elsewhere it is that of the line below the cursor, unless that
    line begins another definition.
    """
    lowest = indent
    inside = None
    while (line := line_above(snapshot.prefix, lowest)) is not None and not _is_class(line):
        lowest = indentation(line)
        if FUNCTION.match(line.strip()):
            inside = lowest
    if inside is not None:
        return inside + 1
    return indent if expected is None or begins_definition(expected) else indentation(expected)


def begins_definition(line: str) -> bool:
    """Whether a line begins a function or a class."""
    return bool(DEFINITION.match(line.strip()))


def _is_class(line: str) -> bool:
    return begins_definition(line) and not FUNCTION.match(line.strip())


def continues_statement(header: str, row: str) -> bool:
    """Whether a line is another branch or case of the statement that begins with `header`."""
    if indentation(row) != indentation(header):
        return False
    stripped = row.strip()
    return bool(BRANCH.match(stripped) or (CASE.match(stripped) and CASE.match(header.strip())))
