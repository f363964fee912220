"""Tells which closers of a text close something that is closed below the cursor already.

Closers are brackets, words and tags. Balance decides, and not equality: `}` is the `}` below only if nothing in the
text opened it. Then it is also the one in `});`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, lru_cache

from lsp_server.languages.balance import Balance, balance, begins_close
from lsp_server.languages.lexer import State, lex
from lsp_server.postprocess.lines import code_below, indentation, state_at
from lsp_server.text.snapshot import Snapshot

_ON_CURSOR_LINE = 1 << 30  # the indentation of a closer there: it closes whatever is open


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
    """The closers of a text that is written at the cursor."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._language_id = snapshot.language_id
        self._before = snapshot.line_prefix
        self._state = state_at(snapshot)
        self._balance_of = cache(self._balance)
        prefix, suffix = snapshot.prefix, snapshot.suffix
        opens = balance(prefix, self._language_id).opens
        closes = balance(suffix, self._language_id, self._state).closes
        rest = len(snapshot.line_suffix)
        self._open = [_Mark(each.kind, _indentation_at(prefix, each.start)) for each in reversed(opens)]
        self._closed = [
            _Mark(each.kind, _ON_CURSOR_LINE if each.start < rest else _indentation_at(suffix, each.start))
            for each in closes
        ]
        self._first_below = [
            _Mark(found[0].kind, line.indentation)
            for line in code_below(snapshot, 2)
            if begins_close(line.text, self._language_id)
            and (found := balance(f"{line.text}\n", self._language_id).closes)
        ]

    def is_balanced(self, text: str) -> bool:
        """Whether a text closes what it opens, and nothing else."""
        found = self._balance_of(text)
        return not found.opens and not found.closes

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
        for mark in self._first_below[:num_below]:
            same = [at for kind, at in closes if kind == mark.kind]
            too_many = -self._net(text, mark.kind) - self._num_owed(mark)
            if same and too_many > 0:
                return same[-min(too_many, len(same))]
        return None

    def _closes_of_line(self, text: str, start: int) -> list[tuple[str, int]]:
        """The kinds and places of what the last line closes, and has not opened itself."""
        offset = len(self._before)
        whole = f"{self._before}{text}\n"
        found = balance(whole, self._language_id, self._state_before(whole, offset + start), offset + start)
        return [(each.kind, each.start - offset) for each in found.closes]

    def _state_before(self, whole: str, end: int) -> State:
        return lex(whole[:end], self._language_id, self._state, len(self._before))[1]

    def _balance(self, text: str) -> Balance:
        return balance(f"{self._before}{text}\n", self._language_id, self._state, len(self._before))

    def _net(self, text: str, kind: str) -> int:
        """How many of a kind the text opens more than it closes."""
        found = self._balance_of(text)
        return sum(each.kind == kind for each in found.opens) - sum(each.kind == kind for each in found.closes)

    def _num_owed(self, mark: _Mark) -> int:
        """How many closers of a kind the document lacks, as deep as the line below or deeper: the text owes them."""
        return max(0, _num_until_lower(self._open, mark) - _num_until_lower(self._closed, mark))


def _num_until_lower(marks: list[_Mark], limit: _Mark) -> int:
    """How many marks are of a kind, up to the first one whose line is indented less."""
    num = 0
    for each in marks:
        if each.indentation < limit.indentation:
            break
        num += each.kind == limit.kind
    return num


def _indentation_at(text: str, position: int) -> int:
    """The indentation of the line that holds a position."""
    return indentation(text[text.rfind("\n", 0, position) + 1 : position + 1])
