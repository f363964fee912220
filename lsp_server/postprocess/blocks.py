"""Where the block that the cursor is in ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import copy
from functools import cache
from itertools import islice

from lsp_server.languages.line_patterns import BLOCK_END, BRANCH, CASE, DEFINITION, FUNCTION
from lsp_server.languages.syntax import language
from lsp_server.postprocess.brackets import OPENERS
from lsp_server.postprocess.strings import LineStrings
from lsp_server.text.snapshot import Snapshot


def later_lines(text: str) -> Iterator[tuple[int, int]]:
    """Start and end of each complete line of a text after its first."""
    start = text.find("\n") + 1
    while start and (end := text.find("\n", start)) >= 0:
        yield start, end
        start = end + 1


def line_below(snapshot: Snapshot) -> str | None:
    """The first line below the cursor's that is not blank."""
    return next(iter(lines_below(snapshot, 1)), None)


def lines_below(snapshot: Snapshot, count: int) -> list[str]:
    """The first lines below the cursor's that are not blank."""
    below = snapshot.suffix.partition("\n")[2]
    return list(islice((line.rstrip() for line in below.split("\n") if line.strip()), count))


def indentation(line: str) -> int:
    """Of a line, in characters."""
    return len(line) - len(line.lstrip())


def block_ends(snapshot: Snapshot, *, may_leave: bool = True) -> Callable[[str], int | None]:
    """End before a line that is indented less than the one being written: its block is over.

    That line is the cursor's, or on a line still blank the first that the text writes. The end of the block itself, a
    bracket or a word, is written too if it does not stand below already, and so are other branches of its statement.
    With `may_leave` a text without brackets may go on behind its block, as far as `_lowest` says: the block may end
    inside the hole. Lines inside a string have no say.
    """
    before = snapshot.line_prefix
    expected = line_below(snapshot)
    has_python_blocks = language(snapshot.language_id).has_python_blocks
    strings_at_cursor = LineStrings(snapshot.language_id, snapshot.prefix)

    @cache  # the text's first line does not change once it is there
    def around(indent: int) -> tuple[str | None, int]:
        return _line_above(snapshot.prefix, indent), _lowest(snapshot, indent, expected) if may_leave else indent

    def rule(text: str) -> int | None:
        first = _first_line(before + text)
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
            closes = row.strip()[0] in OPENERS or BLOCK_END.fullmatch(row.strip())
            if indentation(row) >= lowest and (has_python_blocks or not closes):
                continue
            return end if closes and row.rstrip() != expected else start - 1
        return None

    return rule


def _lowest(snapshot: Snapshot, indent: int, expected: str | None) -> int:
    """How far a text may come down that begins at an indentation: to the lines of the function around it, and outside
    of all to what stands below, unless that is another definition."""
    lowest = indent
    inside = None
    while (line := _line_above(snapshot.prefix, lowest)) is not None and not _is_class(line):
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
    """Whether a line is another branch of the statement that begins with `header`."""
    if indentation(row) != indentation(header):
        return False
    stripped = row.strip()
    return bool(BRANCH.match(stripped) or (CASE.match(stripped) and CASE.match(header.strip())))


def _first_line(text: str) -> str:
    """The first line that is not blank."""
    return next((line for line in text.split("\n") if line.strip()), "")


def _line_above(text: str, indent: int) -> str | None:
    """The nearest line of those complete that is not blank and indented less than that."""
    end = text.rfind("\n")
    while end >= 0:
        start = text.rfind("\n", 0, end) + 1
        line = text[start:end]
        if line.strip() and indentation(line) < indent:
            return line
        end = start - 1
    return None
