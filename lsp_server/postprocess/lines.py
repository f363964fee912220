"""The lines of a text, the lines around the cursor, and how lines are compared."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

from lsp_server.languages.forms import Kind
from lsp_server.languages.lexer import START, State, lex
from lsp_server.languages.reading import state_after
from lsp_server.text.snapshot import Snapshot

_NEAR_CHARACTERS = 2000  # below the cursor's line: some lines of it tell where a text runs on
_TRAILING = ",;."  # signs at the end of a line that one writer sets and another leaves out


@dataclass(frozen=True, slots=True)
class Line:
    """A line, as it is compared.

    `essence` is what is left of it without white space, comment and trailing signs. In a line of nothing but a comment
    the white space says something: it is kept. `kind` is that of its beginning: a
    string has begun on a line before.
    """

    text: str
    essence: str
    kind: Kind

    @property
    def indentation(self) -> int:
        """How far it is indented, in characters."""
        return indentation(self.text)

    def says(self, other: Line) -> bool:
        """Whether two lines say the same. Indentation does not count."""
        return self.text.strip() == other.text.strip() or bool(self.essence and self.essence == other.essence)


def line_of(text: str, language_id: str, state: State = START) -> Line:
    """A line to compare. `state` is what is open before it."""
    spans = lex(f"{text}\n", language_id, state)[0]  # with its line break, for nobody is still writing it
    kind = state.kind
    if kind is Kind.CODE and text.strip():
        first = next(span for span in spans if text[span.start : span.end].strip())
        kind = Kind.COMMENT if first.kind is Kind.COMMENT else Kind.CODE
    if kind is Kind.COMMENT:
        essence = text.strip()
    else:
        words = [text[span.start : span.end] for span in spans if span.kind is not Kind.COMMENT]
        essence = "".join("".join(words).split())
    return Line(text.rstrip(), essence.rstrip(_TRAILING), kind)


@lru_cache(maxsize=4)
def text_above(snapshot: Snapshot) -> str:
    """The lines above the cursor's line. They stay the same while a line is typed."""
    return snapshot.prefix[: len(snapshot.prefix) - len(snapshot.line_prefix)]


def text_below(snapshot: Snapshot) -> str:
    """The lines below the cursor's line. They stay the same while lines are typed."""
    return snapshot.suffix[len(snapshot.line_suffix) + 1 :]


def state_below(snapshot: Snapshot) -> State:
    """What is open at the start of the line below the cursor's."""
    line = f"{snapshot.line_prefix}{snapshot.line_suffix}\n"
    return lex(line, snapshot.language_id, state_after(text_above(snapshot), snapshot.language_id))[1]


def state_at(snapshot: Snapshot) -> State:
    """What is open at the cursor. The lines above are lexed once for all that is typed on a line."""
    above = text_above(snapshot)
    return lex(snapshot.prefix, snapshot.language_id, state_after(above, snapshot.language_id), len(above))[1]


def lines_near_below(snapshot: Snapshot) -> tuple[Line, ...]:
    """The lines near below the cursor's line that are not blank."""
    near = text_below(snapshot)[:_NEAR_CHARACTERS]
    if len(snapshot.line_suffix) + 1 + len(near) < len(snapshot.suffix):
        near = near.rpartition("\n")[0]  # the last line is cut
    return _lines_in(near, snapshot.language_id, state_below(snapshot))


@lru_cache(maxsize=4)
def _lines_in(text: str, language_id: str, state: State) -> tuple[Line, ...]:
    """The lines of a text that are not blank. What is below the cursor stays the same while lines are typed."""
    found = []
    for row in text.split("\n"):
        if row.strip():
            found.append(line_of(row, language_id, state))
        state = lex(f"{row}\n", language_id, state)[1]
    return tuple(found)


def code_below(snapshot: Snapshot, count: int) -> list[Line]:
    """The first lines below the cursor's line that are neither blank nor comments."""
    return [line for line in lines_near_below(snapshot) if line.kind is not Kind.COMMENT][:count]


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
    end = text.rfind("\n") if indent > 0 else -1
    while end >= 0:
        start = text.rfind("\n", 0, end) + 1
        line = text[start:end]
        if line.strip() and indentation(line) < indent:
            return line
        end = start - 1
    return None
