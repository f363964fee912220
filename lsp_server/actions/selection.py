"""A selection that the model rewrites, from the text around it."""

from __future__ import annotations

from lsp_server.actions.source import ReplaceRange, Source
from lsp_server.text.document import Position


def find_selection(source: Source, start: Position, end: Position) -> ReplaceRange | None:
    """The hole of a selection, without the white space at its ends. None if only white space is selected."""
    start, end = trimmed(source, start, end)
    if start == end:
        return None
    return ReplaceRange(start, end, max_lines=2 * (end.line - start.line + 1) + 10)


def trimmed(source: Source, start: Position, end: Position) -> tuple[Position, Position]:
    """A range without the white space at its ends. If it holds nothing else, its start is returned twice."""
    text = text_between(source, start, end)
    head = text[: len(text) - len(text.lstrip())]
    if head == text:
        return start, start
    tail = text[len(text.rstrip()) :]
    return _moved(start, head), _moved(start, text[: len(text) - len(tail)])


def text_between(source: Source, start: Position, end: Position) -> str:
    """The text of a range, lines joined by `\\n`."""
    if start.line == end.line:
        return source.lines[start.line][start.character : end.character]
    first = source.lines[start.line][start.character :]
    last = source.lines[end.line][: end.character]
    return "\n".join([first, *source.lines[start.line + 1 : end.line], last])


def _moved(start: Position, text: str) -> Position:
    """The place behind a text that begins at `start`."""
    lines = text.count("\n")
    return Position(start.line + lines, len(text) - text.rfind("\n") - 1 + (0 if lines else start.character))
