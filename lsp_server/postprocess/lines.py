"""The lines of a text, the lines around the cursor, and how lines are compared."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from lsp_server.languages.forms import Kind
from lsp_server.languages.lexer import State, lex, state_after
from lsp_server.text.snapshot import Snapshot

_NEAR_CHARACTERS = 2000  # below the cursor's line: some lines of it tell where a text runs on
_IN_LINE = re.compile(r"[^\n]")
_TRAILING = ",;."  # signs at the end of a line that one writer sets and another leaves out


@dataclass(frozen=True, slots=True)
class Line:
    """A line, as it is compared. `essence` is what is left of it without white space, comment and trailing signs."""

    text: str
    essence: str
    is_comment: bool = False

    @property
    def indentation(self) -> int:
        """How far it is indented, in characters."""
        return indentation(self.text)

    def says(self, other: Line) -> bool:
        """Whether two lines say the same. Indentation does not count."""
        return self.text.strip() == other.text.strip() or bool(self.essence and self.essence == other.essence)


def line_of(text: str, language_id: str, *, is_comment: bool = False) -> Line:
    """A line to compare. A line of nothing but a comment keeps its words."""
    spans = lex(f"{text}\n", language_id)[0]  # a line break, for a line is no text that is still being written
    code = "".join(text[span.start : span.end] for span in spans if span.kind is not Kind.COMMENT)
    essence = "".join(code.split()) or "".join(text.split())
    return Line(text.rstrip(), essence.rstrip(_TRAILING), is_comment or not code.strip())


def kind_of_line(line: str, state: State, language_id: str) -> Kind:
    """What a line is whose indentation is asked for: comment, string or code. `state` is what is open before it."""
    if state.kind is not Kind.CODE:
        return state.kind
    spans = lex(f"{line}\n", language_id, state)[0]
    first = next(span for span in spans if line[span.start : span.end].strip())
    return Kind.COMMENT if first.kind is Kind.COMMENT else Kind.CODE


def state_at(snapshot: Snapshot) -> State:
    """What is open at the cursor. The lines above are lexed once for all that is typed on a line."""
    start = len(snapshot.prefix) - len(snapshot.line_prefix)
    above = state_after(snapshot.prefix[:start], snapshot.language_id)
    return lex(snapshot.prefix, snapshot.language_id, above, start)[1]


def near_lines_below(snapshot: Snapshot) -> list[Line]:
    """The lines near below the cursor's line that are not blank."""
    rest = len(snapshot.line_suffix)
    near = snapshot.suffix[: rest + _NEAR_CHARACTERS]
    spans = lex(near, snapshot.language_id, state_at(snapshot))[0]
    code = "".join(_words(near[span.start : span.end], span.kind) for span in spans)
    rows = list(zip(near[rest:].split("\n"), code[rest:].split("\n"), strict=True))[1:]
    if len(near) < len(snapshot.suffix):
        rows = rows[:-1] or rows  # the last one is cut
    return [line_of(row, snapshot.language_id, is_comment=not kept.strip()) for row, kept in rows if row.strip()]


def code_below(snapshot: Snapshot, count: int) -> list[Line]:
    """The first lines below the cursor's line that are neither blank nor comments."""
    return [line for line in near_lines_below(snapshot) if not line.is_comment][:count]


def _words(text: str, kind: Kind) -> str:
    """A span's text, of which a comment leaves only its line breaks."""
    return _IN_LINE.sub(" ", text) if kind is Kind.COMMENT else text


def later_lines(text: str) -> Iterator[tuple[int, int]]:
    """Start and end of each complete line of a text, without its first line."""
    start = text.find("\n") + 1
    while start and (end := text.find("\n", start)) >= 0:
        yield start, end
        start = end + 1


def line_below(snapshot: Snapshot) -> str | None:
    """The first line below the cursor's line that is not blank."""
    return next(iter(lines_below(snapshot, 1)), None)


def lines_below(snapshot: Snapshot, count: int) -> list[str]:
    """The first lines below the cursor's line that are not blank."""
    below = snapshot.suffix.partition("\n")[2]
    return list(islice((line.rstrip() for line in below.split("\n") if line.strip()), count))


def indentation(line: str) -> int:
    """How far a line is indented, in characters."""
    return len(line) - len(line.lstrip())


def first_line(text: str) -> str:
    """The first line that is not blank."""
    return next((line for line in text.split("\n") if line.strip()), "")


def line_above(text: str, indent: int) -> str | None:
    """The nearest complete line that is not blank and is indented less than `indent`."""
    end = text.rfind("\n")
    while end >= 0:
        start = text.rfind("\n", 0, end) + 1
        line = text[start:end]
        if line.strip() and indentation(line) < indent:
            return line
        end = start - 1
    return None
