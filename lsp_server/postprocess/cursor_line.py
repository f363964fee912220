"""The cursor's line: what it has open before the cursor, and what follows."""

from __future__ import annotations

import functools
import re
from collections import Counter
from collections.abc import Iterable

from lsp_server.languages.balance import Balance, Delimiter, balance, balance_behind
from lsp_server.languages.forms import Kind
from lsp_server.languages.lexer import State, code_in, lex
from lsp_server.languages.reading import read
from lsp_server.postprocess.lines import text_above
from lsp_server.text.snapshot import Snapshot

_NEAR = 200  # characters that a text is read with, because the lexer and the balance look back
_MAX_REST = 400  # characters
_BRACKETS = ("()", "[]", "{}", "<>")
_NO_BRACKETS = re.compile(r"[-=]>|[<>]=|<<|(?<=\s)[<>](?=\s)")  # arrows, comparisons and shifts
# Of a block: `|x|` in Ruby and Rust's closures, `x ->` in Kotlin, `x in` in Swift.
_PARAMETERS = re.compile(r"\s*(?:\|[^|\n]*\|\s*|[^{};\n]*(?:->|=>|\bin)\s*)?")
_QUOTES = '"`'  # an apostrophe may belong to a word


class CursorLine:
    """The cursor's line.

    `opens` is what the line opens before the cursor and leaves open, outermost first. `rest` follows the cursor,
    without white space at its end, and `closes` is what it closes.
    """

    def __init__(self, snapshot: Snapshot) -> None:
        prefix, self._language = snapshot.prefix, snapshot.language_id
        above = read(text_above(snapshot), self._language)
        line_start = len(prefix) - len(snapshot.line_prefix)
        spans, self._state = lex(prefix, self._language, above.state, line_start)
        self._num_open_above = _num_strings(above.state)
        opens = balance_behind(above.balance, prefix, code_in(prefix, spans), self._language, line_start).opens
        self._line = prefix[line_start:]
        self.opens = _moved([each for each in opens if each.start >= line_start], line_start)
        self._before = prefix[-_NEAR:]
        self._pieces_before = [(each.kind, prefix[each.start : each.end]) for each in spans]
        self.rest = snapshot.line_suffix.rstrip()
        self.closes = self.balance_of(self.rest[:_MAX_REST]).closes
        opened, opened_above = _kinds(self.opens), _kinds(each for each in opens if each.start < line_start)
        self._to_close = opened + ((_kinds(self.closes) - opened) & opened_above)

    def balance_of(self, text: str) -> Balance:
        """What a text at the cursor closes and opens. The offsets are those in the text."""
        shift = len(self._before)
        found = balance(self._before + text, self._language, self._state, shift)
        return Balance(_moved(found.closes, shift), _moved(found.opens, shift))

    def imbalance(self, text: str) -> int:
        """How many brackets, blocks, tags and quotes of the line lack a partner, with a text at the cursor.

        What the line closes without a text, and lines above have open, is to be closed with it too.
        """
        written = text + self.rest[:_MAX_REST]
        of_text = self.balance_of(written)
        closed = _kinds(of_text.closes)
        unpaired = (self._to_close - closed) + (closed - self._to_close)
        return unpaired.total() + len(of_text.opens) + self._unpaired_signs(written)

    def _unpaired_signs(self, written: str) -> int:
        """Signs without a partner that are no delimiters of code: those in comments and strings, `<>`, and quotes."""
        source = self._before + written
        spans, state = lex(source, self._language, self._state, len(self._before))
        pieces = list(self._pieces_before)
        for each in spans:
            piece = source[each.start : each.end]
            if pieces and pieces[-1][0] is each.kind and each.start == len(self._before):
                pieces[-1] = each.kind, pieces[-1][1] + piece
            else:
                pieces.append((each.kind, piece))
        found = max(0, _num_strings(state) - self._num_open_above)
        code = _NO_BRACKETS.sub("", "".join(piece for kind, piece in pieces if kind is Kind.CODE))
        found += abs(code.count("<") - code.count(">"))
        found += sum(code.count(quote) % 2 for quote in _QUOTES)
        for kind, piece in pieces:
            if kind is not Kind.CODE:
                found += sum(abs(piece.count(pair[0]) - piece.count(pair[1])) for pair in _BRACKETS)
            if kind is Kind.COMMENT:
                found += sum(piece.count(quote) % 2 for quote in _QUOTES)
        return found

    @property
    def is_block(self) -> bool:
        """Whether the cursor is between what opens a block and what closes it, as in `{‸}` and `do |x| ‸ end`."""
        if not (self.opens and self.closes) or self.rest[: self.closes[0].start].strip():
            return False
        opener = self.opens[-1]
        return opener.kind == self.closes[0].kind and _PARAMETERS.fullmatch(self._line[opener.end :]) is not None


@functools.lru_cache(maxsize=8)
def cursor_line(snapshot: Snapshot) -> CursorLine:
    """The cursor's line. It is read once."""
    return CursorLine(snapshot)


def _num_strings(state: State) -> int:
    return sum(frame.form.kind is Kind.STRING for frame in state.frames)


def _kinds(delimiters: Iterable[Delimiter]) -> Counter[str]:
    return Counter(each.kind for each in delimiters)


def _moved(delimiters: Iterable[Delimiter], shift: int) -> tuple[Delimiter, ...]:
    return tuple(Delimiter(each.kind, each.text, each.start - shift, each.end - shift) for each in delimiters)
