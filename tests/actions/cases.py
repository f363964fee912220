"""Documents as cases: `‸` is the cursor, two of them a selection; `⟦…⟧` is what an action leaves there."""

from __future__ import annotations

from collections.abc import Callable

from lsp_server.actions.selection import text_between
from lsp_server.actions.source import ReplaceRange, Source
from lsp_server.text.document import Position
from tests.builders import CURSOR


def source_with_cursor(text: str, language_id: str = "python") -> tuple[Source, Position, Position]:
    """The document of a case, and its cursor or the ends of its selection."""
    before, *rest = text.split(CURSOR)
    ends = [before, before + rest[0] if len(rest) > 1 else before]
    source = Source(language_id, tuple("".join([before, *rest]).split("\n")))
    start, end = (Position(each.count("\n"), len(each) - each.rfind("\n") - 1) for each in ends)
    return source, start, end


def filled(source: Source, hole: ReplaceRange, text: str) -> str:
    """The document with a hole filled."""
    last = len(source.lines) - 1
    before = text_between(source, Position(0, 0), hole.start)
    after = text_between(source, hole.end, Position(last, len(source.lines[last])))
    return before + hole.filled(text) + after


def assert_filled(find: Callable[[Source, int], ReplaceRange | None], language_id: str, text: str, wanted: str) -> None:
    """The hole found at a case's cursor is where `⟦…⟧` stands in what is wanted, which has the text to write in it."""
    source, start, _ = source_with_cursor(text, language_id)
    hole = find(source, start.line)
    assert hole is not None
    written = wanted[wanted.index("⟦") + 1 : wanted.index("⟧")]
    assert filled(source, hole, written) == wanted.replace("⟦", "").replace("⟧", "")
