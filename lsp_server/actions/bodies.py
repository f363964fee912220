"""Finds bodies that are placeholders: `pass`, `...`, a TODO, a not-implemented exception, or nothing."""

from __future__ import annotations

import re

from lsp_server.actions.source import ReplaceRange, Source
from lsp_server.languages.headers import opens_block
from lsp_server.languages.line_patterns import PLACEHOLDER, TODO
from lsp_server.languages.syntax import language
from lsp_server.text.document import Position

_DOCSTRING = re.compile(r"""[rRuUbB]?("{3}|'{3})""")
_SHORT_DOCSTRING = re.compile(r"""[rRuU]?(?:"(?!"")(?:\\.|[^"\\])*"|'(?!'')(?:\\.|[^'\\])*')\s*(?:\#.*)?""")
_BRACES = re.compile(r"\{\s*\}[;,)]*$")
_BRACE = re.compile(r"\{(?:\s*\}[;,)]*)?$")
_CLOSERS = "})];,"
_MAX_HEADER_LINES = 30


def find_body(source: Source, line: int) -> ReplaceRange | None:
    """The range of an unwritten body. The line is its placeholder or its header. None if there is no such body."""
    if _is_placeholder(source, line):
        return _replacing(source, line)
    if TODO.match(source.text(line)):
        return _below_todo(source, line)
    end = header_end(source, line)
    return _below_header(source, end) if end is not None else None


def header_end(source: Source, line: int) -> int | None:
    """The last line of the header that begins at a line. It opens the block. None if no header begins there."""
    depth = 0
    syntax = language(source.language_id)
    for each in range(line, min(line + _MAX_HEADER_LINES, len(source.lines))):
        text = source.text(each)
        depth += sum(text.count(opener) for opener in "([") - sum(text.count(closer) for closer in ")]")
        bare = text.split(" #")[0].rstrip() if syntax.has_docstrings else text
        if depth > 0 and not bare.endswith("{"):
            continue
        if brace := _BRACE.search(bare):
            header = _header_before(source, line, each, brace.start())
            return each if opens_block(header, source.language_id) else None
        if bare.endswith(":") and syntax.colon_opens_block:
            return each
        if depth <= 0 and not _opens_below(source, each):
            return None
    return None


def _header_before(source: Source, line: int, last: int, brace: int) -> str:
    """The text of a header from a line to a brace in its last line. A brace on a line of its own has it right above."""
    text = " ".join([*(source.text(each) for each in range(line, last)), source.text(last)[:brace]]).strip()
    return text or source.text(line - 1)


def _opens_below(source: Source, line: int) -> bool:
    """Whether the next line is only a brace: the header goes on there."""
    return bool(source.text(line)) and source.text(line + 1) in ("{", "{}")


def skip_docstring(source: Source, header: int) -> int:
    """The last line of the docstring below a header. The header's own line if there is no docstring."""
    first = source.next_text(header)
    if not language(source.language_id).has_docstrings or first is None:
        return header
    if _SHORT_DOCSTRING.fullmatch(source.text(first)):
        return first
    if not (match := _DOCSTRING.match(source.text(first))):
        return header
    if match[1] in source.text(first)[match.end() :]:
        return first
    rest = range(first + 1, len(source.lines))
    return next((line for line in rest if match[1] in source.lines[line]), header)


def _is_placeholder(source: Source, line: int) -> bool:
    return bool(PLACEHOLDER.fullmatch(source.text(line)))


def _replacing(source: Source, line: int) -> ReplaceRange:
    """The hole of a placeholder and of the placeholders right above and below it."""
    first = last = line
    while _continues(source, first - 1, line):
        first -= 1
    while _continues(source, last + 1, line):
        last += 1
    return ReplaceRange(Position(first, len(source.indentation(first))), Position(last, len(source.lines[last])))


def _continues(source: Source, other: int, line: int) -> bool:
    is_inside = 0 <= other < len(source.lines)
    return is_inside and _is_placeholder(source, other) and source.indentation(other) == source.indentation(line)


def _below_todo(source: Source, line: int) -> ReplaceRange:
    """The hole below a TODO comment. The comment stays, and a placeholder below it is replaced."""
    below = source.next_text(line)
    if below is not None and source.indentation(below) == source.indentation(line):
        if TODO.match(source.text(below)):
            return _below_todo(source, below)
        if _is_placeholder(source, below):
            return _replacing(source, below)
    end = Position(line, len(source.lines[line]))
    return ReplaceRange(end, end, "\n" + source.indentation(line))


def _below_header(source: Source, header: int) -> ReplaceRange | None:
    text = source.lines[header]
    inside = source.indentation(header) + source.unit
    if match := _BRACES.search(text):
        start, end = Position(header, match.start() + 1), Position(header, text.index("}", match.start()))
        return ReplaceRange(start, end, "\n" + inside, "\n" + source.indentation(header))
    above = skip_docstring(source, header)
    below = source.next_text(above)
    if below is not None and source.is_deeper(below, header):
        if _is_placeholder(source, below):
            return _replacing(source, below)
        is_last = (after := source.next_text(below)) is None or not source.is_deeper(after, header)
        is_todo = TODO.match(source.text(below)) and (is_last or _is_placeholder(source, after or 0))
        return _below_todo(source, below) if is_todo else None
    if text.rstrip().endswith("{") and (below is None or source.text(below)[:1] not in _CLOSERS):
        return None
    end = Position(above, len(source.lines[above]))
    return ReplaceRange(end, end, "\n" + inside)
