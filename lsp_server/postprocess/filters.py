"""Filters that clean a finished text. Each is a small function of (text, snapshot), applied in this order."""

from __future__ import annotations

from collections.abc import Callable, Collection

from lsp_server.postprocess.blocks import line_below
from lsp_server.postprocess.indentation import indent_as_the_file
from lsp_server.postprocess.stop import suffix_start
from lsp_server.snapshot import Snapshot

Filter = Callable[[str, Snapshot], str]

_CLOSERS = {")": "(", "]": "[", "}": "{", ">": "<"}
_QUOTES = "\"'`"


def clean(text: str, snapshot: Snapshot, switched_off: Collection[str] = ()) -> tuple[str, list[str]]:
    """The text to show, empty if nothing should be, and the names of the filters that changed it.

    Those whose names are `switched_off` are left out.
    """
    applied = []
    for name, filter_text in FILTERS.items():
        if name in switched_off:
            continue
        changed = filter_text(text, snapshot)
        if changed != text:
            applied.append(name)
        text = changed
    return text, applied


def drop_line_below(text: str, snapshot: Snapshot) -> str:
    """Drop a last line that stands below the cursor already."""
    head, line_break, last = text.rpartition("\n")
    expected = line_below(snapshot)
    if expected is None:
        return text
    if line_break:
        return head if last.rstrip() == expected else text
    rewrites = suffix_start(snapshot)(text + "\n") == 0
    return "" if rewrites else text


def drop_rest_of_line(text: str, snapshot: Snapshot) -> str:
    """Drop the end of a text that re-types what follows the cursor on its line.

    Words count only if the whole rest of the line is repeated. Closing brackets and quotes go one by one, and
    only those that nothing before them opens: `print(max(a, |)` still needs the `)` of `b)`.
    """
    rest = snapshot.line_suffix.rstrip()
    if not rest.strip():
        return text
    stripped = text.rstrip()
    signs = next((index for index, character in enumerate(rest) if character.isalnum()), len(rest))
    ends = [rest[:size] for size in range(1, signs + 1)] + [rest]
    sizes = [0] + [len(end) for end in ends if stripped.endswith(end)]
    before = _opened_above(snapshot.line_prefix + rest) + snapshot.line_prefix
    size = min(sizes, key=lambda size: (_imbalance(before + stripped[: len(stripped) - size] + rest), -size))
    return stripped[:-size] if size else text


def _opened_above(line: str) -> str:
    """Openers for the brackets of a line that close one of a line before it."""
    return "".join(opener * (line.count(closer) - line.count(opener)) for closer, opener in _CLOSERS.items())


def _imbalance(line: str) -> int:
    """How many brackets lack a partner, and quotes that are odd."""
    brackets = sum(abs(line.count(opener) - line.count(closer)) for closer, opener in _CLOSERS.items())
    return brackets + sum(line.count(quote) % 2 for quote in _QUOTES)


def drop_trailing_space(text: str, _: Snapshot) -> str:
    """Drop blank lines and spaces at the end."""
    return text.rstrip()


def drop_blank(text: str, _: Snapshot) -> str:
    """A text of nothing but white space shows nothing."""
    return text if text.strip() else ""


FILTERS: dict[str, Filter] = {
    "drop line below": drop_line_below,
    "drop rest of line": drop_rest_of_line,
    "drop trailing space": drop_trailing_space,
    "indent as the file": indent_as_the_file,
    "drop blank": drop_blank,
}
