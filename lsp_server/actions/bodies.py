"""Bodies that are yet to be written: `pass`, `...`, a TODO, an exception that says so, or nothing at all."""

from __future__ import annotations

import re

from lsp_server.actions.source import ReplaceRange, Source
from lsp_server.text.document import Position

_PLACEHOLDER = re.compile(
    r"(pass|\.\.\.|raise NotImplementedError(\(.*\))?|(todo|unimplemented)!\(.*\)|TODO\(.*\)"
    r"|throw new (NotImplemented|UnsupportedOperation)\w*\(.*\)"
    r"|(throw new \w+|raise|panic)\b.*\b(not implemented|todo)\b.*)[;,]?",
    re.IGNORECASE,
)
_TODO = re.compile(r"(#|//|--|/\*|;+|%)\s*(TODO|FIXME)\b", re.IGNORECASE)
_DOCSTRING = re.compile(r"""[rRuUbB]?("{3}|'{3})""")
_BRACES = re.compile(r"\{\s*\}[;,)]*$")
_CLOSERS = "})];,"
_MAX_HEADER_LINES = 30
# Languages whose blocks are told by their indentation, below a colon.
_BY_INDENTATION = ("python", "gdscript", "nim", "coffeescript")


def find_body(source: Source, line: int) -> ReplaceRange | None:
    """The hole of the unwritten body at a line: its placeholder, or the header that it stands below. None if none."""
    if _is_placeholder(source, line):
        return _replacing(source, line)
    if _TODO.match(source.text(line)):
        return _below_todo(source, line)
    end = header_end(source, line)
    return _below_header(source, end) if end is not None else None


def header_end(source: Source, line: int) -> int | None:
    """The last line of the header that begins at a line: the one that opens the block. None if that is no header."""
    depth = 0
    for each in range(line, min(line + _MAX_HEADER_LINES, len(source.lines))):
        text = source.text(each)
        depth += sum(text.count(opener) for opener in "([") - sum(text.count(closer) for closer in ")]")
        bare = text.split(" #")[0].rstrip() if source.language_id == "python" else text
        if depth > 0 and not bare.endswith("{"):
            continue
        opens = bare.endswith("{") or _BRACES.search(bare)
        if opens or (bare.endswith(":") and source.language_id in _BY_INDENTATION):
            return each
        if depth <= 0 and not _opens_below(source, each):
            return None
    return None


def _opens_below(source: Source, line: int) -> bool:
    """Whether the next line is a brace of its own, or the header goes on there."""
    return bool(source.text(line)) and source.text(line + 1) in ("{", "{}")


def skip_docstring(source: Source, header: int) -> int:
    """The last line of the docstring below a header; the header where there is none."""
    first = source.next_text(header)
    if source.language_id != "python" or first is None or not (match := _DOCSTRING.match(source.text(first))):
        return header
    if match[1] in source.text(first)[match.end() :]:
        return first
    rest = range(first + 1, len(source.lines))
    return next((line for line in rest if match[1] in source.lines[line]), header)


def _is_placeholder(source: Source, line: int) -> bool:
    return bool(_PLACEHOLDER.fullmatch(source.text(line)))


def _replacing(source: Source, line: int) -> ReplaceRange:
    """A placeholder, and those right above and below it."""
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
    """What a comment says is to be done stands below it: the comment stays, a placeholder there does not."""
    below = source.next_text(line)
    if below is not None and source.indentation(below) == source.indentation(line):
        if _TODO.match(source.text(below)):
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
        is_todo = _TODO.match(source.text(below)) and (is_last or _is_placeholder(source, after or 0))
        return _below_todo(source, below) if is_todo else None
    if text.rstrip().endswith("{") and (below is None or source.text(below)[:1] not in _CLOSERS):
        return None
    end = Position(above, len(source.lines[above]))
    return ReplaceRange(end, end, "\n" + inside)
