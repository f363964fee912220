"""Finds text that repeats what follows the cursor on its line."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable

from lsp_server.languages.balance import Delimiter
from lsp_server.languages.forms import Kind
from lsp_server.languages.lexer import lex
from lsp_server.postprocess.cursor_line import cursor_line
from lsp_server.postprocess.lines import state_at
from lsp_server.text.snapshot import Snapshot

_MAX_SIGNS = 40  # of the rest of the line that count one by one
_MAX_WORDS = 400  # characters of a rest of the line that is recognised with other blanks
_TOKEN = re.compile(r"\w+|[^\w\s]")
_BRACKETS = "(["
_LINES_TO_OPEN = 3
_MAY_DIFFER = ";, \t\n"  # signs that a text may write more or less than what follows


def repeated_rest(text: str, snapshot: Snapshot) -> int:
    """How many characters at the end of a text re-type what follows the cursor on its line.

    White space does not count, nor does a comment, a semicolon or a comma at the end. Words count only if the whole
    rest of the line is repeated. Closing brackets and quotes count one by one, if nothing before them opens them:
    `print(max(a, |)` still needs the `)` of `b)`.
    """
    line = cursor_line(snapshot)
    if not line.rest.strip():
        return 0
    stripped = text.rstrip()
    kept = {len(stripped)}
    for written in (stripped, _without_end(stripped, snapshot)):
        signs = next((i for i, character in enumerate(line.rest[:_MAX_SIGNS]) if character.isalnum()), _MAX_SIGNS)
        ends = [line.rest[:size] for size in range(1, min(signs, len(line.rest)) + 1)]
        kept |= {len(written) - len(end) for end in ends if written.endswith(end)}
        kept |= {match.start() for match in [_at_end(line.rest, snapshot).search(written)] if match}
    best = min(kept, key=lambda length: (line.imbalance(stripped[:length]), length))
    return len(stripped) - best


def closer_follows(snapshot: Snapshot, *, may_go_on: bool = False) -> Callable[[str], int | None]:
    """End before what closes a bracket, a block or a tag, and stands behind the cursor already.

    The line before the cursor may open more than the rest of the line closes. The text has to close that: in
    `print(max(a, |)` it still owes `max` its own. The next closer that nothing in the text opens is the one behind the
    cursor. If the text re-types more of the line before that closer, it ends before that.

    A line may close the bracket and open another one, which the one behind the cursor closes: `f([‸])` and `1], [2`.
    So it is judged at its end. With `may_go_on`, a text of several lines has some more lines for that.
    """
    num_lines_to_open = _LINES_TO_OPEN if may_go_on else 0

    def rule(text: str) -> int | None:
        found = _closer_again(text, snapshot)
        if found is None or found.end == len(text):  # `')` may become `')'`, and `end` a longer word
            return None
        if found.kind in _BRACKETS:
            lines = text.split("\n")
            num_lines = text.count("\n", 0, found.end) + 1 + num_lines_to_open
            if len(lines) <= num_lines or _opens_again("\n".join(lines[:num_lines]), found.kind, snapshot):
                return None
        return found.end - (repeated_rest(text[: found.end], snapshot) or found.end - found.start)

    return rule


def drop_behind_closer(text: str, snapshot: Snapshot) -> str:
    """Drop what is behind the closing bracket that stands behind the cursor, if nothing opens it again."""
    found = _closer_again(text, snapshot)
    if found is None or not text[found.end :].strip() or found.kind not in _BRACKETS:
        return text
    return text if _opens_again(text, found.kind, snapshot) else text[: found.start]


def _closer_again(text: str, snapshot: Snapshot) -> Delimiter | None:
    """The first closer of a text that stands behind the cursor already."""
    if not begins_with_closer(snapshot):
        return None
    line = cursor_line(snapshot)
    kind = line.closes[0].kind
    num_opened, num_closed = (sum(each.kind == kind for each in side) for side in (line.opens, line.closes))
    closes = [each for each in line.balance_of(text).closes if each.kind == kind]
    return next(iter(closes[max(0, num_opened - num_closed) :]), None)


def _opens_again(text: str, kind: str, snapshot: Snapshot) -> bool:
    return any(each.kind == kind for each in cursor_line(snapshot).balance_of(text).opens)


def begins_with_closer(snapshot: Snapshot) -> bool:
    """Whether what follows the cursor on its line begins with what closes a bracket, a block or a tag."""
    if not snapshot.line_suffix.strip():
        return False
    line = cursor_line(snapshot)
    return bool(line.closes) and not line.rest[: line.closes[0].start].strip()


def rest_of_line_ends(text: str, snapshot: Snapshot) -> int | None:
    """The end of the first line that re-types what follows the cursor on its line. What it re-types is left out."""
    end = text.find("\n")
    while end >= 0:
        if size := repeated_rest(text[:end], snapshot):
            return len(text[:end].rstrip()) - size
        end = text.find("\n", end + 1)
    return None


def _without_end(text: str, snapshot: Snapshot) -> str:
    """A text without a comment at its end, and without signs that may differ."""
    before = snapshot.line_prefix
    spans, _ = lex(before + text, snapshot.language_id, state_at(snapshot), len(before))
    if spans and spans[-1].kind is Kind.COMMENT and spans[-1].start > len(before):
        text = text[: spans[-1].start - len(before)]
    return text.rstrip(_MAY_DIFFER)


@functools.lru_cache(maxsize=8)
def _at_end(rest: str, snapshot: Snapshot) -> re.Pattern[str]:
    """Matches the whole rest of the line at the end of a text, with any blanks. A long rest matches nowhere."""
    if len(rest) > _MAX_WORDS:
        return re.compile("(?!)")
    code = _without_end(rest, snapshot) or rest
    tokens = _TOKEN.findall(code)
    pairs = zip(["", *tokens], tokens, strict=False)
    pattern = "".join(_blanks(*pair) + re.escape(pair[1]) for pair in pairs)
    is_word = code[0].isspace() and tokens[0][0].isalnum()
    return re.compile(rf"(?<!\w){pattern}\Z" if is_word else rf"{pattern}\Z")


def _blanks(before: str, token: str) -> str:
    """A pattern for the blanks between two tokens. None stand before the first one."""
    return (r"\s+" if before[-1].isalnum() and token[0].isalnum() else r"\s*") if before else ""
