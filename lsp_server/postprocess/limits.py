"""How many lines a text may have: one, several, or a block in the middle of a line."""

from __future__ import annotations

from collections.abc import Callable

from lsp_server.postprocess.cursor_line import cursor_line
from lsp_server.postprocess.repeats import begins_with_closer
from lsp_server.text.snapshot import Snapshot

_CLOSERS = ")]}"


def may_have_lines(snapshot: Snapshot) -> bool:
    """Whether nothing follows the cursor on its line, or only brackets that lines above opened."""
    follows = snapshot.line_suffix.strip()
    return not follows or (not snapshot.line_prefix.strip() and not follows.strip(_CLOSERS))


def line_limit(max_lines: int) -> Callable[[str], int | None]:
    """End before the line break that ends the last allowed line. Blank lines at the start do not count."""

    def rule(text: str) -> int | None:
        start = len(text) - len(text.lstrip())
        position = start - 1
        for _ in range(max_lines):
            position = text.find("\n", position + 1)
            if position < 0 or (position < start):
                return None
        return position

    return rule


def single_line(snapshot: Snapshot, max_lines: int) -> Callable[[str], int | None]:
    """End before the first line break, because text follows the cursor on its line.

    Two texts may have line breaks. Between what opens and what closes a block, a text that begins with a line break may
    have several lines. Where all of the cursor's line follows, a text may be a line that goes before it.
    """
    limit_of_block = line_limit(max_lines)
    before = snapshot.line_prefix
    next_line = "\n" + before if not before.strip() and not begins_with_closer(snapshot) else ""

    def rule(text: str) -> int | None:
        if max_lines > 1 and _begins_block(text) and cursor_line(snapshot).is_block:
            return limit_of_block(text)
        end = text.find("\n")
        behind = text[end:] if end >= 0 else ""
        if next_line and behind and text[:end].strip():
            if next_line.startswith(behind):
                return None  # it may still be written
            return end + len(next_line) if behind.startswith(next_line) else end
        return end if behind else None

    return rule


def drop_open_block(text: str, snapshot: Snapshot) -> str:
    """Shorten a block in the middle of a line to whole lines, so that what closes it stands on a line of its own.

    The indentation of the cursor's line stays in front of that.
    """
    if not _begins_block(text) or not snapshot.line_suffix.strip():
        return text
    line = cursor_line(snapshot)
    last_line = text[text.rfind("\n") + 1 :]
    if not line.is_block or line.closes[0].text in ")]" or not last_line.strip():
        return text
    before = snapshot.line_prefix
    indentation = before[: len(before) - len(before.lstrip())]
    shortened = text[: len(text) - len(last_line)]
    if not last_line.startswith(indentation):
        return ""
    return shortened + indentation if shortened.strip() else ""


def _begins_block(text: str) -> bool:
    return text.lstrip(" \t").startswith("\n")
