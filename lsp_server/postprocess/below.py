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
_MAX_TO_TELL = 4  # lines behind a common one
_MIN_TO_TELL = 16  # characters. A shorter line may be written again by chance, such as `return False`
# Lines that begin like many others: annotations, attributes, and what opens a doc comment.
_BEGINS_LIKE_MANY = re.compile(r"@|#\[|/\*\*|/{3}|\"{3}|'{3}|--\[\[|<!--|\{-|\(\*")


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A line below that a text may write again, and the runs of lines that follow it: with comments, and without.

    `is_common`: a line that says the same may stand in the text by chance.
    """

    line: Line
    runs: tuple[tuple[Line, ...], ...]
    is_common: bool
    language_id: str

    @property
    def has_to_agree(self) -> bool:
        """Whether even an equal line counts only if the line behind it agrees."""
        return self.is_common and bool(self.runs)

    @property
    def tells_alone(self) -> bool:
        """Whether the line is long enough to be recognised where the text holds nothing else."""
        return len(self.line.text.strip()) >= _MIN_OF_A_LINE

    def is_meant(self, row: Line, behind: str) -> bool:
        """Whether a line of a text that says the same is this one: it is equal, or the lines behind it agree.

        An unfinished line does not agree yet. A common line at the end of the file counts only at its depth.
        """
        if not self.runs:
            return not self.is_common or row.text == self.line.text
        if not self.is_common and row.text.strip() == self.line.text.strip():
            return True
        rows = [behind[first:last] for first, last in later_lines(behind)]
        following = [line_of(each, self.language_id) for each in rows if each.strip()]
        return any(
            len(following) >= len(run) and all(one.says(other) for one, other in zip(following, run, strict=False))
            for run in self.runs
        )


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
        line that is short, stands at several places or begins like many counts only if the next lines agree.
        """
        for start, end in _rows(text):
            row = self._closers.line(text[:end], start)
            if any(self._is(text[:end], start, each) and each.is_meant(row, text[end:]) for each in self._candidates):
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
        if not start and not (self._ends_its_line and (candidate.has_to_agree or candidate.tells_alone)):
            return False
        row = self._closers.line(text, start)
        if not row.says(candidate.line) or not self._is_as_deep(text[:start], row, candidate.line):
            return False
        if row.kind is not Kind.CODE or not begins_close(row.text, self._language_id):
            return True
        if self._closers.closes_own(text, start):
            return self._closers.lacks_opener() and row.indentation == candidate.line.indentation
        return begins_branch(row.text, self._language_id) or self._closers.stays_inside(text, start)

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
        is_common = _is_common(line, snapshot)
        count = _num_to_tell(line, following, snapshot) if is_common else 1
        code = tuple(each for each in following if each.kind is not Kind.COMMENT)
        runs = tuple(run[:count] for run in (following, code) if run)
        yield _Candidate(line, runs, is_common, snapshot.language_id)


def _num_to_tell(line: Line, following: tuple[Line, ...], snapshot: Snapshot) -> int:
    """How many of the following lines tell a line from others: with them it stands once in the document."""
    document = [row for row in _document(snapshot) if row]
    places = [at for at, row in enumerate(document, start=1) if row == line.text.strip()]
    for count, each in enumerate(following[:_MAX_TO_TELL]):
        if len(places) <= 1:
            return max(1, count)
        places = [at for at in places if document[at + count : at + count + 1] == [each.text.strip()]]
    return min(len(following), _MAX_TO_TELL)


def _document(snapshot: Snapshot) -> list[str]:
    """The lines of the document, without the white space around them."""
    return [row.strip() for row in f"{snapshot.prefix}\n{snapshot.suffix}".split("\n")]


def _is_common(line: Line, snapshot: Snapshot) -> bool:
    """Whether a line is short, begins like many others or their blocks, or stands at several places of the document."""
    stripped = line.text.strip()
    is_header = BLOCK_START.search(stripped) and not DEFINITION.match(stripped)  # a definition has a name
    begins_like_many = _BEGINS_LIKE_MANY.match(stripped) or is_header
    begins_or_ends = begins_branch(stripped, snapshot.language_id) or begins_close(stripped, snapshot.language_id)
    if len(stripped) < _MIN_TO_TELL or begins_like_many or begins_or_ends:
        return True
    return _document(snapshot).count(stripped) > 1


def _rows(text: str) -> Iterator[tuple[int, int]]:
    """Start and end of each complete line of a text."""
    return ((start - 1, end - 1) for start, end in later_lines("\n" + text))
