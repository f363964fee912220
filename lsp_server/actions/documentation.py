"""Docstrings and doc comments: finds definitions without one, and the place to write it."""

from __future__ import annotations

import re

from lsp_server.actions.bodies import header_end, skip_docstring
from lsp_server.actions.source import ReplaceRange, Source
from lsp_server.languages.headers import MAX_HEADER_CHARACTERS
from lsp_server.languages.line_patterns import ANNOTATION, BRACED_METHOD, COMMENT_END, DOCUMENTED
from lsp_server.languages.syntax import language
from lsp_server.text.document import Position

_MAX_LINES = 12
_PYTHON_DEFINITION = re.compile(r"(async\s+)?def\s|class\s")


def find_documentation(source: Source, line: int) -> ReplaceRange | None:
    """Where to document the definition that begins at a line. None if it is documented, or if none begins there."""
    if not is_definition(source, line):
        return None
    syntax = language(source.language_id)
    if syntax.has_docstrings:
        return _docstring(source, line)
    comment = syntax.doc_comment
    while line > 0 and ANNOTATION.match(source.text(line - 1)):
        line -= 1
    if comment is None or COMMENT_END.match(source.text(line - 1)):
        return None
    indentation = source.indentation(line)

    def indented(text: str) -> str:
        return text.replace("\n", "\n" + indentation)

    return ReplaceRange(
        Position(line, 0),
        Position(line, 0),
        lead=indentation + indented(comment.lead),
        trail=indented(comment.trail) + "\n",
        max_lines=_MAX_LINES,
        stops=comment.stops,
        each_line=indentation + comment.each_line.rstrip(),
    )


def is_definition(source: Source, line: int) -> bool:
    """Whether a line begins a function, a class or the like."""
    text = source.text(line)
    syntax = language(source.language_id)
    if len(text) > MAX_HEADER_CHARACTERS:
        return False
    if syntax.has_docstrings:
        return bool(_PYTHON_DEFINITION.match(text))
    if DOCUMENTED.match(text):
        return True
    if syntax.has_keyword_definitions:
        return False
    braced = f"{text} {{" if source.text(line + 1) == "{" else text
    return text.count("(") == text.count(")") and bool(BRACED_METHOD.match(braced))


def _docstring(source: Source, line: int) -> ReplaceRange | None:
    header = header_end(source, line)
    if header is None or skip_docstring(source, header) != header:
        return None
    below = source.next_text(header)
    has_body = below is not None and source.is_deeper(below, line)
    indentation = source.indentation(below or 0) if has_body else source.indentation(line) + source.unit
    end = Position(header, len(source.lines[header]))
    quotes = '"""'
    return ReplaceRange(
        end,
        end,
        lead=f"\n{indentation}{quotes}",
        trail=quotes,
        max_lines=_MAX_LINES,
        stops=(quotes,),
        each_line=indentation,
        closing=f"\n{indentation}{quotes}",
    )
