"""Finds bodies that are placeholders: `pass`, `...`, a TODO, a not-implemented exception, or nothing."""

from __future__ import annotations

import re

from lsp_server.actions.source import ReplaceRange, Source
from lsp_server.languages.line_patterns import DOCUMENTED, PLACEHOLDER, TODO
from lsp_server.languages.syntax import language
from lsp_server.text.document import Position

_DOCSTRING = re.compile(r"""[rRuUbB]?("{3}|'{3})""")
_SHORT_DOCSTRING = re.compile(r"""[rRuU]?(?:"(?!"")(?:\\.|[^"\\])*"|'(?!'')(?:\\.|[^'\\])*')\s*(?:\#.*)?""")
_BRACES = re.compile(r"\{\s*\}[;,)]*$")
_BRACE = re.compile(r"\{(?:\s*\}[;,)]*)?$")
# What a block's header ends with, before its brace: parameters and what may follow them, an arrow, or a word.
_AFTER_PARAMETERS = r"(?:\s*(?:->|:)\s*[^=;]+|\s+(?!is\b|as\b|in\b)[\w$.*&<>\[\], ?|]+|\s*:\s*[\w(), {}]+)?"
_PARAMETERS_END = re.compile(rf"\){_AFTER_PARAMETERS}\s*$")
_BLOCK_WORDS = re.compile(
    r"(?:^|[\s};])(?:else|try|finally|catch|rescue|do|loop|unsafe|static|init|deinit|get|set|defer|async|extern)\s*$"
    r"|^\W*(?:else\s+)?(?:if|for|while|match|switch|select|guard|with|using|lock|foreach|namespace|enum|struct|class"
    r"|union|impl|mod|trait|extension|protocol|object|companion|package|extern|catch)\b(?!\s*[=:.?])"
)
_CLOSURE = re.compile(r"\|[^|]+\|$")
_EXPRESSION_END = re.compile(r"(?:[=:,(\[?|&+*/%!]|\b(?:return|yield|default|in|of|is|as|case|await|new))\s*$")
_ASSIGNED = re.compile(r"(?<![=!<>+*/%&|^:-])=(?![=>])|:=")
_MADE = re.compile(r"\bnew\s+[\w$.<>, \[\]]+\([^()]*\)\s*$")
_CLOSERS = "})];,"
_MAX_HEADER_LINES = 30
MAX_HEADER_CHARACTERS = 2000  # a longer one is generated code


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


def opens_block(header: str, language_id: str) -> bool:
    """Whether a brace behind a header opens a block. Other braces hold values: `x = {}`, `"a": {}`, `Point p{}`."""
    syntax = language(language_id)
    if syntax.has_python_blocks or not header or len(header) > MAX_HEADER_CHARACTERS:
        return False
    if header.endswith(("=>", "->")) or _CLOSURE.search(header):
        return True
    if _EXPRESSION_END.search(header) or _MADE.search(header):
        return False
    if header.endswith(")") or not (syntax.function_words or syntax.type_words):
        return True
    if header.count("(") != header.count(")"):
        return False
    words = _BLOCK_WORDS.search(header) or DOCUMENTED.match(header)
    return bool(words or (_PARAMETERS_END.search(header) and not _ASSIGNED.search(header)))


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
