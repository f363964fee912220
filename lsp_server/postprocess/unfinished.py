"""Shortens texts that the engine cut: at the token limit, or where the model was unsure of the next token."""

from __future__ import annotations

import re
from bisect import bisect_left

from lsp_server.languages.balance import balance, begins_close
from lsp_server.languages.forms import Kind
from lsp_server.languages.headers import opens_block
from lsp_server.languages.lexer import blanked, lex
from lsp_server.languages.line_patterns import BLOCK_START, CASE, CONNECTS, CONTROL, DEFINITION
from lsp_server.languages.reading import state_after
from lsp_server.postprocess.lines import indentation, line_below
from lsp_server.text.snapshot import Snapshot

_TOKEN = re.compile(r"\w+|[^\w\s]")
_WORD = re.compile(r"\w+$")
_NEAR = 20_000  # characters around the cursor in which a word is looked for
_WHOLE_WORDS = ("break", "continue", "end", "false", "nil", "null", "pass", "return", "self", "this", "true")
# What code may end with: a word, a closing bracket, tag or quote, the end of a statement, or a sign behind its operand.
_END = re.compile(r"(?:[\w)\]}\"'`;]|\w[?!%>]|\)\?|\+\+|--|(?<!\.)\.\.\.|<[/\w!][^<>]*>|\*/)$")
_MAX_LINE = 400  # characters of a line that are looked at before a place where it may end
_QUOTES = "\"'`"
_PROSE_END = re.compile(r"[\w.!?:;)\]\"'`]")


def drop_unfinished(text: str, snapshot: Snapshot) -> str:
    """Drop what the token limit left unfinished.

    Of several lines, the last one goes unless it is a whole statement. A single line goes back to its natural end. A
    line that is the beginning of the one below goes, too.
    """
    return _shorten(text, snapshot, may_open=True)


def drop_unsure(text: str, snapshot: Snapshot) -> str:
    """Drop what was left unfinished where the model was unsure: the same, and brackets that the text does not close."""
    return _shorten(text, snapshot, may_open=False)


def _shorten(text: str, snapshot: Snapshot, *, may_open: bool) -> str:
    head, line_break, last = text.rpartition("\n")
    if _begins_line_below(last if line_break else snapshot.line_prefix + last, snapshot):
        text = head + line_break
    end = _Ends(text, snapshot, may_open=may_open).last()
    start = text.rfind("\n", 0, end) + 1
    if not text[:start].strip():
        return text[:end]
    if not text[end:].partition("\n")[0].strip() and _is_statement(text[start:end], text[:start], snapshot):
        return text[:end]
    kept = f"{_drop_headers(text[:start])}\n"
    ends_well = _Ends(kept, snapshot, may_open=may_open).last() == len(kept) - 1
    return kept[:-1] if ends_well else _shorten(kept, snapshot, may_open=may_open)


def _begins_line_below(line: str, snapshot: Snapshot) -> bool:
    """Whether a line is a beginning of the line below the cursor. What closes something may stand there twice."""
    below = line_below(snapshot)
    is_begun = below is not None and bool(line.strip()) and below.startswith(line.rstrip())
    return is_begun and not snapshot.line_suffix.strip() and not begins_close(line, snapshot.language_id)


def _is_statement(line: str, above: str, snapshot: Snapshot) -> bool:
    """Whether a line is a statement with its end, and no header whose block is missing."""
    stripped = line.strip()
    if BLOCK_START.search(stripped):
        return False
    if stripped.endswith((";", "}", ",")):
        return True
    if CONTROL.match(stripped) or DEFINITION.match(stripped):
        return ": " in stripped  # a block of one line, as in Python
    return not any(row.rstrip().endswith(";") for row in (*above.split("\n"), line_below(snapshot) or ""))


def _drop_headers(text: str) -> str:
    """Drop the headers at the end of a text whose blocks went. The first line stays."""
    text = text.rstrip()
    while (start := text.rfind("\n") + 1) and text[:start].strip():
        line = text[start:].strip()
        if not (BLOCK_START.search(line) or (DEFINITION.match(line) and line.startswith("@"))):
            break
        text = text[:start].rstrip()
    return text


class _Ends:
    """Where a text may end: where it leaves nothing open that it opens, and nothing half written.

    With `may_open`, a bracket at the end of a line may stay open. Without it only the brace of a block may.
    """

    def __init__(self, text: str, snapshot: Snapshot, *, may_open: bool) -> None:
        self._snapshot = snapshot
        self._language = snapshot.language_id
        self._may_open = may_open
        self._cursor = len(snapshot.line_prefix)
        self._lines = snapshot.line_prefix + text
        self._above = snapshot.prefix[: len(snapshot.prefix) - self._cursor]
        self._state = state_after(self._above, self._language)
        self._spans, self._state_at_end = lex(self._lines, self._language, self._state)
        self._code = blanked(self._lines, self._language, self._state)
        self._state_at_cursor = lex(snapshot.line_prefix, self._language, self._state)[1]

    def last(self) -> int:
        """The length of the longest beginning of the text that ends well."""
        limit = len(self._lines)
        for token in reversed(list(_TOKEN.finditer(self._lines, self._cursor))):
            end = token.end()
            if end > limit or not self._is_end(end):
                continue
            opener = self._open_bracket(end)
            if opener is None and not self._opens_text(end):
                return end - self._cursor
            limit = limit if opener is None else opener
        return 0

    def _is_end(self, end: int) -> bool:
        """Whether a line may end at an offset, brackets aside."""
        if end == len(self._lines) and not self._ends_with_known_word():
            return False
        span = self._spans[bisect_left(self._spans, end, key=lambda each: each.end)]
        following = self._lines[end : end + 1]
        is_closed = end == span.end and not (end == len(self._lines) and self._state_at_end.kind is span.kind)
        if span.kind is Kind.CODE or (span.kind is Kind.STRING and is_closed):
            return self._ends_code(end, following)
        is_begun_above = span.start < self._cursor or (
            span.start == self._cursor and self._state_at_cursor.kind is span.kind
        )
        is_own_string = span.kind is Kind.STRING and not is_begun_above
        return not is_own_string and not following.strip() and bool(_PROSE_END.match(self._lines[end - 1]))

    def _ends_code(self, end: int, following: str) -> bool:
        near = max(0, end - _MAX_LINE)
        line = self._lines[max(near, self._lines.rfind("\n", near, end) + 1) : end].strip()
        if line.endswith(","):
            return following in ("", "\n") and self._is_item(end)
        if line.endswith(":"):
            return bool(CONTROL.match(line) or DEFINITION.match(line) or CASE.match(line))
        is_prefix = following in _QUOTES if line[-1].isalnum() else following in ".=" and line[-1] in "?!"
        return bool(_END.search(line)) and not CONNECTS.search(line) and not (following and is_prefix)

    def _is_item(self, end: int) -> bool:
        """Whether a line that ends with a comma is an item among others: the comma belongs to it."""
        *above, line = self._lines[:end].split("\n")
        line_above = above[-1] if above else self._above
        below = line_below(self._snapshot)
        if below is not None and indentation(below) == indentation(line):
            return not begins_close(below, self._language)
        return self._may_open and line_above.rstrip().endswith((",", "(", "[", "{"))

    def _ends_with_known_word(self) -> bool:
        """Whether the text ends behind a word, or in one that is whole: it stands in the document, too."""
        word = _WORD.search(self._lines)
        if word is None or word[0].isdecimal() or word[0].lower() in _WHOLE_WORDS:
            return True
        above = self._above[-_NEAR:]
        around = f"{above} {self._lines[: word.start()]} {self._snapshot.suffix[:_NEAR]}"
        return bool(re.search(rf"(?<!\w){word[0]}(?!\w)", around))

    def _open_bracket(self, end: int) -> int | None:
        """The first bracket of the text that it has to close, and does not up to an offset."""
        opens = balance(self._lines[:end], self._language, self._state_at_cursor, self._cursor).opens
        found = (each.start for each in opens if each.kind in "([{" and not self._may_stay_open(each.start))
        return next(found, None)

    def _may_stay_open(self, opener: int) -> bool:
        start = self._code.rfind("\n", 0, opener) + 1
        rest, line_break, _ = self._code[opener + 1 :].partition("\n")
        is_at_end = bool(line_break) and not rest.strip()
        header = self._code[start:opener].strip()
        return is_at_end and (self._may_open or (self._code[opener] == "{" and opens_block(header, self._language)))

    def _opens_text(self, end: int) -> bool:
        """Whether the text opens a string, a comment or a here-document of several lines, and goes on in it."""
        return len(self._open(end)) > len(self._open(self._cursor))

    def _open(self, end: int) -> tuple[object, ...]:
        return lex(f"{self._lines[:end]}\n", self._language, self._state)[1].frames
