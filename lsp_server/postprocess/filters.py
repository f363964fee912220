"""Filters that clean a finished text. Each is a small function of a text and a snapshot. `FILTERS` has their order."""

from __future__ import annotations

from collections.abc import Callable, Collection

from lsp_server.languages.syntax import language
from lsp_server.postprocess.above import drop_lines_above
from lsp_server.postprocess.below import drop_line_below
from lsp_server.postprocess.blocks import block_ends
from lsp_server.postprocess.leaks import drop_control_text, drop_opening_fence
from lsp_server.postprocess.limits import drop_open_block
from lsp_server.postprocess.loops import drop_loop
from lsp_server.postprocess.reindent import indent_as_the_file
from lsp_server.postprocess.repeats import begins_with_closer, drop_behind_closer, repeated_rest, rest_of_line_ends
from lsp_server.postprocess.statements import first_statement, is_complete
from lsp_server.postprocess.stop import ENDS_BY_OVERRUN
from lsp_server.postprocess.unfinished import drop_unfinished, drop_unsure
from lsp_server.text.snapshot import Snapshot
from lsp_server.text.window import readable

_CLINGS = ")]},;:."  # no space stands before these

Filter = Callable[[str, Snapshot], str]


def clean(
    text: str, snapshot: Snapshot, switched_off: Collection[str] = (), reason: str = "end"
) -> tuple[str, list[str]]:
    """The text to show, and the names of the filters that changed it. An empty text: show nothing.

    `reason` says why the text ended: some filters have a part only behind some reasons (`ONLY_BEHIND`). Filters named
    in `switched_off` are left out.
    """
    snapshot = readable(snapshot)
    applied = []
    for name, filter_text in FILTERS.items():
        if name in switched_off or reason not in ONLY_BEHIND.get(name, (reason,)):
            continue
        changed = filter_text(text, snapshot)
        if changed != text:
            applied.append(name)
        text = changed
    return text, applied


def drop_overrun(text: str, snapshot: Snapshot) -> str:
    """Shorten a text that missed its end: it came neither to an end nor to what stands below the cursor.

    The text ends at the first of these that it has:
    - a line that re-types what follows the cursor on its line,
    - the end of its block,
    - the end of its first statement, in a language with Python's blocks, if the block goes on below the cursor.

    In such a language, a text whose last statement leaves the block is complete, and stays.
    """
    if (length := rest_of_line_ends(text, snapshot)) is not None:
        return text[:length]
    if language(snapshot.language_id).has_python_blocks and is_complete(text, snapshot):
        return text
    length = block_ends(snapshot, may_leave=False)(text)
    if length is not None and text[:length].strip():
        return text[:length]
    return first_statement(text, snapshot) if language(snapshot.language_id).has_python_blocks else text


def drop_rest_of_line(text: str, snapshot: Snapshot) -> str:
    """Drop the end of a text that re-types what follows the cursor on its line."""
    size = repeated_rest(text, snapshot)
    return text.rstrip()[:-size] if size else text


def drop_trailing_space(text: str, snapshot: Snapshot) -> str:
    """Drop blank lines and spaces at the end.

    Keep the space before a word that follows on the line. Keep the line break before what closes a block of several
    lines, with the indentation behind it.
    """
    follows = snapshot.line_suffix
    stripped = text.rstrip()
    has_lines = "\n" in stripped or not snapshot.line_prefix.strip()
    _, line_break, indentation = text[len(stripped) :].rpartition("\n")
    if stripped and has_lines and line_break and begins_with_closer(snapshot):
        return stripped + line_break + indentation
    if not stripped or not follows.strip() or follows.strip()[0] in _CLINGS:
        return stripped
    return text.rstrip(" \t") if follows[0].isspace() else text


def drop_blank(text: str, _: Snapshot) -> str:
    """Drop a text that is only white space."""
    return text if text.strip() else ""


FILTERS: dict[str, Filter] = {
    "code fence": drop_opening_fence,
    "control text": drop_control_text,
    "drop loop": drop_loop,
    "drop unfinished": drop_unfinished,
    "drop unsure": drop_unsure,
    "drop overrun": drop_overrun,
    "closer follows": drop_behind_closer,
    "drop line below": drop_line_below,
    "repeats above": drop_lines_above,
    "drop rest of line": drop_rest_of_line,
    "single line": drop_open_block,
    "drop trailing space": drop_trailing_space,
    "indent as the file": indent_as_the_file,
    "drop blank": drop_blank,
}

# The reasons behind which a filter has a part, if not behind all.
ONLY_BEHIND: dict[str, tuple[str, ...]] = {
    "drop loop": ("length",),
    "drop unfinished": ("length", "repeated phrase"),
    "drop unsure": ("low_confidence",),
    "drop overrun": ENDS_BY_OVERRUN,
}
