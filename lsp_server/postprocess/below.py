"""Ends a text where it writes again what stands below the cursor.

A line is compared with the first lines below. White space, comments and trailing signs do not count. Whether a line
that closes something stands below is told by balance (`closers.py`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from lsp_server.languages.balance import begins_branch, begins_close
from lsp_server.languages.forms import Kind
from lsp_server.languages.line_patterns import BLOCK_START, DEFINITION
from lsp_server.languages.syntax import language
from lsp_server.postprocess.closers import closers_of
from lsp_server.postprocess.lines import Line, later_lines, line_of, lines_near_below
from lsp_server.text.snapshot import Snapshot

_MIN_OF_A_LINE = 8  # characters. A shorter line is not recognised: `end` and `});` stand anywhere
_MIN_TO_TELL = 16  # characters. A shorter line may be written again by chance, such as `return False`
# Lines that begin like many others: annotations, attributes, and what opens a doc comment.
_BEGINS_LIKE_MANY = re.compile(r"@|#\[|/\*\*|/{3}|\"{3}|'{3}|--\[\[|<!--|\{-|\(\*")


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A line below that a text may write again. One of `witnesses` must follow it, if there are any."""

    line: Line
    witnesses: tuple[Line, ...]
    language_id: str

    @property
    def tells_alone(self) -> bool:
        """Whether the line is long enough to be recognised where the text holds nothing else."""
        return len(self.line.text.strip()) >= _MIN_OF_A_LINE

    def agrees(self, text: str, end: int) -> bool:
        """Whether the line that follows in the text agrees. An unfinished one does not yet."""
        if not self.witnesses:
            return True
        behind = text[end:]
        rows = (behind[start:stop] for start, stop in later_lines(behind))
        following = next((row for row in rows if row.strip()), None)
        return following is not None and any(line_of(following, self.language_id).says(each) for each in self.witnesses)


def suffix_start(snapshot: Snapshot) -> Callable[[str], int | None]:
    """End before what stands below already: the model has run on into the suffix."""
    return _below(snapshot).suffix_start


def drop_line_below(text: str, snapshot: Snapshot) -> str:
    """Drop the last line, or the closers at its end, if they stand below the cursor already."""
    return _below(snapshot).drop_last_line(text)


@lru_cache(maxsize=4)
def _below(snapshot: Snapshot) -> Below:
    return Below(snapshot)


class Below:
    """The lines below the cursor of one document, and whether a text writes them again."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._language_id = snapshot.language_id
        self._ends_its_line = not snapshot.line_suffix.strip()
        self._closers = closers_of(snapshot)
        self._candidates = list(_candidates(lines_near_below(snapshot), snapshot))

    def suffix_start(self, text: str) -> int | None:
        """End before a line that stands below already: the model has run on into the suffix.

        The cursor's own line counts if the text completes it. What follows the cursor there is not written twice. A
        line that is short, stands at several places or begins like many counts only if the next line agrees.
        """
        for start, end in _rows(text):
            if any(self._is(text[:end], start, each) and each.agrees(text, end) for each in self._candidates):
                return self._without_rest(text, start)
            if (closer := self._closers.again(text[:end], start)) is not None:
                return self._without_rest(text, closer)
        return None

    def drop_last_line(self, text: str) -> str:
        """The text without a last line that stands below. No other line has to agree."""
        whole = text.rstrip()
        if (length := self.suffix_start(f"{whole}\n")) is not None:
            return text[:length]
        start = whole.rfind("\n") + 1
        for each in self._candidates:
            is_below = (start or each.tells_alone) and self._is(whole, start, each)
            if is_below and not self._closers.closes_own(whole, start):
                return text[: max(0, start - 1)]
        closer = self._closers.again(whole, start)
        return text if closer is None else text[:closer].rstrip()

    def _is(self, text: str, start: int, candidate: _Candidate) -> bool:
        """Whether the last line of a text, from `start` on, is a line below."""
        if not start and not (self._ends_its_line and (candidate.witnesses or candidate.tells_alone)):
            return False
        row = self._closers.line(text, start)
        if not row.says(candidate.line) or not self._is_as_deep(text[:start], row, candidate.line):
            return False
        if row.kind is not Kind.CODE or not begins_close(row.text, self._language_id):
            return True
        if self._closers.closes_own(text, start):
            return self._closers.lacks_opener() and row.indentation == candidate.line.indentation
        return begins_branch(row.text, self._language_id)

    def _is_as_deep(self, above: str, row: Line, line: Line) -> bool:
        """Whether a line is as deep in blocks as a line below. Where brackets tell that, indentation need not."""
        if row.indentation == line.indentation:
            return True
        return not language(self._language_id).indentation_nests and self._closers.is_balanced(above)

    def _without_rest(self, text: str, end: int) -> int:
        """Where to end before a place: before the line break, and before what follows the cursor on its line."""
        above = text[:end].rstrip(" \t").removesuffix("\n")
        rest = self._snapshot.line_suffix.rstrip()
        stripped = above.rstrip()
        return len(stripped) - len(rest) if rest.strip() and stripped.endswith(rest) else len(above)


def _candidates(lines: tuple[Line, ...], snapshot: Snapshot) -> Iterator[_Candidate]:
    """The lines below that a text may write again: the first one, and the first one of code.

    Of equal lines in a row none counts: such a list may grow.
    """
    first_code = next((index for index, line in enumerate(lines) if line.kind is not Kind.COMMENT), 0)
    for index in sorted({0, first_code}) if lines else ():
        line, following = lines[index], lines[index + 1 :]
        if following and following[0].says(line):
            return
        code = next((each for each in following if each.kind is not Kind.COMMENT), None)
        witnesses = (*following[:1], *([code] if code else []))
        yield _Candidate(line, witnesses if _is_common(line, snapshot) else (), snapshot.language_id)


def _is_common(line: Line, snapshot: Snapshot) -> bool:
    """Whether a line is short, begins like many others or their blocks, or stands at several places of the document."""
    stripped = line.text.strip()
    is_header = BLOCK_START.search(stripped) and not DEFINITION.match(stripped)  # a definition has a name
    begins_like_many = _BEGINS_LIKE_MANY.match(stripped) or is_header
    begins_or_ends = begins_branch(stripped, snapshot.language_id) or begins_close(stripped, snapshot.language_id)
    if len(stripped) < _MIN_TO_TELL or begins_like_many or begins_or_ends:
        return True
    document = f"{snapshot.prefix}\n{snapshot.suffix}".split("\n")
    return sum(each.rstrip() == line.text for each in document) > 1


def _rows(text: str) -> Iterator[tuple[int, int]]:
    """Start and end of each complete line of a text."""
    return ((start - 1, end - 1) for start, end in later_lines("\n" + text))
