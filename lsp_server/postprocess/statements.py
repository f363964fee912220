"""Splits text into statements and finds unreachable ones, for languages with Python's blocks."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain

from lsp_server.languages.forms import Kind
from lsp_server.languages.lexer import START, Span, State, lex
from lsp_server.languages.reading import read
from lsp_server.postprocess.blocks import begins_definition, continues_statement
from lsp_server.postprocess.lines import indentation, line_below, text_above
from lsp_server.text.snapshot import Snapshot

_BARE_YIELD = re.compile(r"yield\s*(#|$)")
_MAY_LEAVE = re.compile(r"\b(?:return|raise|break|continue)\b")
LEAVES = re.compile(r"(return|raise|break|continue)\b")
# A bracket, a line break that does not count, or one that does.
_SIGN = re.compile(r"(?P<opener>[(\[{])|(?P<closer>[)\]}])|\\\n|(?P<line_break>\n)")


@dataclass(frozen=True, slots=True)
class Statement:
    """A line, with the lines that brackets or strings join to it.

    `start` and `end` are offsets in the text, without the last line break.
    """

    start: int
    end: int
    text: str

    @property
    def indentation(self) -> int:
        """Of the first line, in characters."""
        return indentation(self.text.partition("\n")[0])

    @property
    def leaves(self) -> bool:
        """Whether nothing behind it in its block is reached."""
        return bool(LEAVES.match(self.text.lstrip()))


def statements(text: str, language_id: str, state: State = START) -> Iterator[Statement]:
    """The complete statements of a text, at the start of which `state` is open. Blank lines are none."""
    start = 0
    for match, depth in _signs(text, lex(text, language_id, state)[0]):
        if match["line_break"] and not depth:
            if text[start : match.start()].strip():
                yield Statement(start, match.start(), text[start : match.start()])
            start = match.end()


def _signs(text: str, spans: Iterable[Span], depth: int = 0) -> Iterator[tuple[re.Match[str], int]]:
    """The signs of a text, and how many brackets are open behind each."""
    code = (span for span in spans if span.kind is Kind.CODE)
    for match in chain.from_iterable(_SIGN.finditer(text, span.start, span.end) for span in code):
        if match["opener"]:
            depth += 1
        elif match["closer"]:
            depth = max(0, depth - 1)
        yield match, depth


@lru_cache(maxsize=4)
def open_statement(snapshot: Snapshot) -> str:
    """The unfinished statement before the cursor: what is behind the last complete one."""
    return snapshot.prefix[_open_in(text_above(snapshot), snapshot.language_id)[0] :]


@lru_cache(maxsize=64)
def _open_in(text: str, language_id: str) -> tuple[int, int]:
    """Where the unfinished statement at the end of some lines begins, and how many brackets it has open."""
    reading = read(text, language_id)
    start, above = _open_in(text[: reading.start], language_id) if reading.start else (0, 0)
    depth = above
    for match, depth in _signs(text, reading.spans, above):
        if match["line_break"] and not depth:
            start = match.end()
    return start, depth


def unreachable(snapshot: Snapshot) -> Callable[[str], int | None]:
    """End before a line of a block that `return`, `raise`, `break` or `continue` has left already.

    A bare `yield` may stand there: it makes an empty generator of a function.
    """

    def rule(text: str) -> int | None:
        before = open_statement(snapshot)
        if not _MAY_LEAVE.search(f"{before}{text}"):
            return None
        left: int | None = None
        so_far = f"{before}{text}"
        for each in statements(f"{so_far}\n", snapshot.language_id):  # an unfinished line shows that there is one
            stripped = each.text.lstrip()
            is_growing = each.end == len(so_far)
            if stripped.startswith("#"):
                continue
            if each.indentation == left and not _is_bare_yield(stripped, is_growing=is_growing):
                return each.start - len(before) - 1
            left = each.indentation if each.leaves else None
        return None

    return rule


def _is_bare_yield(statement: str, *, is_growing: bool) -> bool:
    """Whether a statement is only `yield`, or may become that."""
    may_become = is_growing and ("yield".startswith(statement) or statement.startswith("yield"))
    return may_become or bool(_BARE_YIELD.match(statement))


def is_complete(text: str, snapshot: Snapshot) -> bool:
    """Whether a text ends with `return` or the like, and the line below is reached all the same.

    It is reached if it is indented less. A text with nothing below it is complete too.
    """
    found = list(statements(f"{open_statement(snapshot)}{text}\n", snapshot.language_id))
    below = line_below(snapshot)
    return bool(found) and found[-1].leaves and (below is None or indentation(below) < found[-1].indentation)


def first_statement(text: str, snapshot: Snapshot) -> str:
    """The first statement of a text with its block, if the same block goes on below the cursor. Else the whole text.

    If the statement begins above the cursor, or does not end in the text, only its first line is kept.
    """
    before = open_statement(snapshot)
    below = line_below(snapshot)
    if below is None or snapshot.line_suffix.strip():
        return text
    found = [each for each in statements(before + text, snapshot.language_id) if each.end > len(before)]
    is_under_way = "\n" in before.lstrip()
    if is_under_way or not found:
        return _first_line(text) if is_under_way or indentation(below) > indentation(text) else text
    header, *others = found
    if header.text.lstrip().startswith("@"):
        return text[: header.end - len(before)]
    if begins_definition(below) or indentation(below) < header.indentation:
        return text
    if indentation(below) > header.indentation:  # its block stands below
        return text[: header.end - len(before)]
    end = header.end
    for each in others:
        if each.indentation <= header.indentation and not continues_statement(
            header.text, each.text, snapshot.language_id
        ):
            break
        end = each.end
    return text[: end - len(before)]


def _first_line(text: str) -> str:
    """The text up to the end of its first line that is not blank."""
    start = len(text) - len(text.lstrip())
    return text[:start] + text[start:].partition("\n")[0]
