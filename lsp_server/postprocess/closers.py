"""Tells which closers of a text close something that is closed below the cursor already.

Closers are brackets, words and tags. Balance decides, and not equality: `}` is the `}` below only if nothing in the
text opened it. Then it is also the one in `});`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import takewhile

from lsp_server.languages.balance import Balance, Delimiter, balance, begins_close
from lsp_server.languages.forms import Kind
from lsp_server.languages.lexer import State, lex
from lsp_server.languages.reading import read
from lsp_server.postprocess.lines import Line, code_below, indentation, line_of, text_above, text_below
from lsp_server.text.snapshot import Snapshot

_ON_CURSOR_LINE = 1 << 30  # the indentation of a closer there: it closes whatever is open
_NUM_REMEMBERED = 256  # lines of texts


@dataclass(frozen=True, slots=True)
class _Mark:
    """A delimiter without its partner, and the indentation of its line."""

    kind: str
    indentation: int


@lru_cache(maxsize=4)
def closers_of(snapshot: Snapshot) -> Closers:
    """The closers of a document. The last documents are remembered: several rules ask."""
    return Closers(snapshot)


class Closers:
    """The closers of a text that is written at the cursor. The cursor's line is read from its beginning."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._language_id = language_id = snapshot.language_id
        self._before = snapshot.line_prefix
        self._is_complete_above = snapshot.prefix.count("\n") == snapshot.line
        above = text_above(snapshot)
        self._state = read(above, language_id).state
        self.begins_in_code = self._state.kind is Kind.CODE  # else the cursor's line has no indentation to go by
        self._on_line = balance(self._before, language_id, self._state)
        here = [_Mark(each.kind, indentation(self._before)) for each in self._on_line.opens]
        opened_above = _opened_in(above, language_id)
        self._open = [*here, *_without(opened_above, self._on_line.closes)]
        self._joins_lines = {kind: [each.indentation for each in opened_above if each.kind == kind] for kind in "(["}
        self._closed = _closed_behind(snapshot, self._state)
        self._first_below = [_first_closed(line, language_id) for line in code_below(snapshot, 2)]
        self._balance_of = lru_cache(_NUM_REMEMBERED)(self._balance)
        self._closes_of_line = lru_cache(_NUM_REMEMBERED)(self._closes)
        self.line = lru_cache(_NUM_REMEMBERED)(self._line)

    def is_balanced(self, text: str) -> bool:
        """Whether a text closes what it opens, and nothing else."""
        kinds = {each.kind for each in (*self._balance_of(text).opens, *self._balance_of(text).closes)}
        return not any(self._net(text, kind) for kind in kinds)

    def leaves_open(self, text: str) -> bool:
        """Whether a text leaves open what it or the cursor's line opened."""
        return bool(self._balance_of(text).opens)

    def closes_own(self, text: str, start: int) -> bool:
        """Whether the text itself opened what its last line, from `start` on, closes."""
        closes = self._closes_of_line(text, start)
        return bool(closes) and self._net(text[:start], closes[0][0]) > 0

    def stays_inside(self, text: str, start: int) -> bool:
        """Whether the last line, from `start` on, closes only what the text opened, or opens as much again."""
        closes = self._closes_of_line(text, start)
        return bool(closes) and all(self._net(text, kind) >= 0 for kind, _ in closes)

    def again(self, text: str, start: int, num_below: int = 1) -> int | None:
        """Where the last line of a text, from `start` on, closes what one of the first lines below closes."""
        closes = self._closes_of_line(text, start)
        for mark in filter(None, self._first_below[:num_below]):
            same = [at for kind, at in closes if kind == mark.kind]
            if same and (too_many := -self._net(text, mark.kind) - max(0, self._num_missing(mark))) > 0:
                return same[-min(too_many, len(same))]
        return None

    def lacks_opener(self) -> bool:
        """Whether the line below closes a block that has no beginning yet: the text has to open it."""
        mark = self._first_below[0] if self._first_below else None
        return mark is not None and self._is_complete_above and self._num_missing(mark) < 0

    def statement_indentation(self, text: str) -> int:
        """The indentation of the line on which the statement began whose brackets a text closes, or of the cursor's."""
        found = indentation(self._before) if self._before.strip() else _ON_CURSOR_LINE
        for kind, opened in self._joins_lines.items():
            num_closed = sum(each.kind == kind for each in self._balance_of(text).closes)
            found = min([found, *opened[:num_closed]])
        return found

    def _line(self, text: str, start: int) -> Line:
        """The last line of a text, from `start` on. The first one is the cursor's, whole."""
        if not start:
            return line_of(self._before + text, self._language_id, self._state)
        state = lex(self._before + text[:start], self._language_id, self._state)[1]
        return line_of(text[start:], self._language_id, state)

    def _closes(self, text: str, start: int) -> list[tuple[str, int]]:
        """The kinds and places of what the last line of a text closes, and has not opened itself."""
        whole = f"{self._before}{text}\n"
        offset = len(self._before)
        state = lex(whole[: offset + start], self._language_id, self._state)[1]
        found = balance(whole, self._language_id, state, offset + start)
        return [(each.kind, each.start - offset) for each in found.closes]

    def _balance(self, text: str) -> Balance:
        return balance(f"{self._before}{text}\n", self._language_id, self._state)

    def _net(self, text: str, kind: str) -> int:
        """How many of a kind the text opens more than it closes. A tag may have begun before the cursor."""
        return _num_opened(self._balance_of(text), kind) - _num_opened(self._on_line, kind)

    def _num_missing(self, mark: _Mark) -> int:
        """How many closers of a kind the document lacks: the text owes them. Less than none, if openers lack.

        Blocks count that are as deep as a line below, or deeper.
        """
        return _num_until_lower(self._open, mark) - _num_until_lower(self._closed, mark)


def _first_closed(line: Line, language_id: str) -> _Mark | None:
    """What a line of code closes first. None: it does not begin so."""
    if line.kind is not Kind.CODE or not begins_close(line.text, language_id):
        return None
    closes = balance(f"{line.text}\n", language_id).closes
    return _Mark(closes[0].kind, line.indentation) if closes else None


@lru_cache(maxsize=4)
def _opened_in(text: str, language_id: str) -> tuple[_Mark, ...]:
    """What a text leaves open, innermost first. The last texts are remembered: pass the lines above the cursor's."""
    found = reversed(read(text, language_id).opens)
    return tuple(_Mark(each.kind, _indentation_at(text, each.start)) for each in found)


def _closed_behind(snapshot: Snapshot, state: State) -> list[_Mark]:
    """What the document closes behind the cursor and has not opened there."""
    language_id = snapshot.language_id
    line = f"{snapshot.line_prefix}{snapshot.line_suffix}\n"
    start = len(snapshot.line_prefix)
    at_cursor = lex(line[:start], language_id, state)[1]
    rest = balance(line, language_id, at_cursor, start)
    marks = _closed_in(text_below(snapshot), language_id, lex(line, language_id, state)[1])
    return [*(_Mark(each.kind, _ON_CURSOR_LINE) for each in rest.closes), *_without(marks, rest.opens)]


@lru_cache(maxsize=4)
def _closed_in(text: str, language_id: str, state: State) -> tuple[_Mark, ...]:
    """What a text closes and has not opened. The last texts are remembered: pass the lines below the cursor's."""
    found = balance(text, language_id, state).closes
    return tuple(_Mark(each.kind, _indentation_at(text, each.start)) for each in found)


def _without(marks: Iterable[_Mark], partners: Iterable[Delimiter]) -> list[_Mark]:
    """The marks that stay when each partner takes the first one of its kind."""
    taken = Counter(each.kind for each in partners)
    left = []
    for mark in marks:
        if taken[mark.kind]:
            taken[mark.kind] -= 1
        else:
            left.append(mark)
    return left


def _num_opened(found: Balance, kind: str) -> int:
    return sum(each.kind == kind for each in found.opens) - sum(each.kind == kind for each in found.closes)


def _num_until_lower(marks: Iterable[_Mark], limit: _Mark) -> int:
    """How many marks are of a kind, up to the first one whose line is indented less."""
    as_deep = takewhile(lambda mark: mark.indentation >= limit.indentation, marks)
    return sum(mark.kind == limit.kind for mark in as_deep)


def _indentation_at(text: str, position: int) -> int:
    """The indentation of the line that holds a position."""
    return indentation(text[text.rfind("\n", 0, position) + 1 : position + 1])
