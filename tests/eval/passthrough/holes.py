"""Holes of the kinds that users have, in files of any language. The choice is seeded: it depends on the files only.

A block is told by indentation here, and its end by its first character or word. That is less than post-processing
knows, so that a fault in its rules does not hide holes. A block whose end cannot be told this way is left out.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from lsp_server.text.snapshot import Snapshot
from tests.eval.infilling.oracle import pieces
from tests.eval.passthrough.corpus import SEED, SourceFile

Kind = Literal["rest of a line", "whole lines", "a block to its end", "inside a line", "at the end"]
# How the holes in the middle of files are shared out.
_SHARES: tuple[Kind, ...] = ("rest of a line", "whole lines", "a block to its end", "inside a line", "whole lines")
MAX_LINES = 8  # of a hole of whole lines
MAX_BLOCK = 30  # lines
_MAX_PIECES = 400  # of the oracle: fewer than the tokens that a text may have
_TRIES = 40  # of a kind of hole in a file

_QUOTES = "\"'`"
_PAIRS = (("(", ")"), ("[", "]"), ("{", "}"))
# Nobody can tell where in a row of equal characters a hole is. Characters outside of ASCII may belong together.
_TOKEN = re.compile(r"(?:\w|[^\x00-\x7f])+|([^\w\s])\1*|\s+")
_CLOSING_SIGN = re.compile(r"[\])}]|</|/>|\{%-?\s*end|\\end\b|\*/|-->|;;$")
_CLOSING_WORD = re.compile(r"(?:end\w*|fi|done|esac|until)\b(?!\s*[:=])", re.IGNORECASE)
# What may stand below a block and belong to the same statement, or tell nothing of where the block ends.
_GOES_ON = re.compile(
    r"(?:else|el?s?e?if|elif|except|finally|catch|rescue|ensure|when|case|default|in|then|do|begin|is|as|and|or|with|where|"
    r"after|of|public|private|protected|signals)\b|[{.?:&|+*=<,#%@\\-]|\w+:$",
    re.IGNORECASE,
)
# A comment: what it heads is no block of the language.
_COMMENT = re.compile(r"/\*|\*|//|--|<!--|\{-|\(\*|;|#(?:\s|$)|\"\"\"|'''")
# Languages whose blocks need not have a line that closes them.
_LAYOUT = frozenset(
    [
        "python",
        "yaml",
        "haskell",
        "ocaml",
        "makefile",
        "ini",
        "toml",
        "markdown",
        "clojure",
        "emacs-lisp",
        "erlang",
        "dockerfile",
        "scala",
        "sql",
        "latex",
    ]
)
# Languages in which a paragraph is a block.
_FLAT = frozenset(["ini", "toml", "dockerfile", "markdown", "latex"])
# Languages whose words are text.
_MARKUP = frozenset(["html", "xml", "vue", "svelte", "markdown", "latex"])
# Languages without functions.
_DATA = frozenset(["json", "yaml", "xml", "html", "css", "scss", "proto", "graphql", "terraform"])
# What begins a type or a module: what stands in it are definitions, no statements.
_HOLDS_DEFINITIONS = re.compile(
    r"\b(?:class|struct|interface|namespace|impl|trait|module|object|enum|extension|protocol|union|mixin|record|defmodule)\b"
)

_IN_BRACKETS = re.compile(r"\([^()]*\)")  # parameters, whose types say nothing of the header: `func f(a interface{}) {`


@dataclass(frozen=True, slots=True)
class Hole:
    """A hole between `before` and `after`. `follows` is what the file goes on with behind it.

    In the middle of a file, `after` is what `follows`. At an end nothing stands below the cursor, and `after` is empty.
    `may_go_on`: the block may be a statement in a function, so that a longer text is as right (`_may_go_on`).
    """

    file: SourceFile
    kind: Kind
    before: str
    expected: str
    follows: str
    may_go_on: bool = False

    @property
    def after(self) -> str:
        """The text below the cursor."""
        return "" if self.kind == "at the end" else self.follows

    @property
    def name(self) -> str:
        """The file, the cursor's line and its character, as in an editor."""
        character = len(self.before) - self.before.rfind("\n")
        return f"{self.file.path}:{self.before.count(chr(10)) + 1}:{character}"

    def snapshot(self) -> Snapshot:
        """The document without the expected text, and the cursor in its place."""
        line, character = self.before.count("\n"), len(self.before) - self.before.rfind("\n") - 1
        uri = f"file:///{self.name}"
        return Snapshot(uri, 1, self.file.language, self.file.path, self.before, self.after, line, character)


def middle_holes(files: Sequence[SourceFile], count: int) -> list[Hole]:
    """So many holes with text below them, fewer if the files have no more."""
    return _take(files, count, _SHARES)


def end_holes(files: Sequence[SourceFile], count: int) -> list[Hole]:
    """So many holes with nothing below them, where a block to its own end is expected."""
    return _take(files, count, ("at the end",))


def _take(files: Sequence[SourceFile], count: int, kinds: Sequence[Kind]) -> list[Hole]:
    """Holes of the kinds in turn, and of the files in turn."""
    made: dict[tuple[str, str], Hole] = {}
    num_rounds = 2 * count // max(1, len(files)) + 2
    for round_number in range(num_rounds):
        for number, file in enumerate(files):
            kind = kinds[(number + round_number) % len(kinds)]
            chooser = random.Random(f"{SEED} {file.path} {kind} {round_number}")
            if hole := _hole(file, kind, chooser):
                made.setdefault((hole.name, hole.expected), hole)
            if len(made) == count:
                return list(made.values())
    return list(made.values())


def _hole(file: SourceFile, kind: Kind, chooser: random.Random) -> Hole | None:
    lines = file.text.split("\n")
    attempt = _MAKERS[kind]
    for _ in range(_TRIES):
        hole = attempt(file, lines, chooser)
        if hole and hole.expected.strip() and _has_both_sides(hole) and _num_pieces(hole) <= _MAX_PIECES:
            return hole
    return None


def _has_both_sides(hole: Hole) -> bool:
    """Whether text stands above, and below too in the middle of a file."""
    return bool(hole.before.strip() and (hole.kind == "at the end" or hole.after.partition("\n")[2].strip()))


def _num_pieces(hole: Hole) -> int:
    return sum(1 for _ in pieces(hole.expected))


def _rest_of_line(file: SourceFile, lines: list[str], chooser: random.Random) -> Hole | None:
    row = chooser.randrange(len(lines))
    places = _boundaries(lines[row])
    if len(places) < 2:
        return None
    return _cut(file, lines, "rest of a line", (row, chooser.choice(places)), (row, len(lines[row])))


def _inside_line(file: SourceFile, lines: list[str], chooser: random.Random) -> Hole | None:
    row = chooser.randrange(len(lines))
    places = _boundaries(lines[row])
    if len(places) < 4:
        return None
    start, end = sorted(chooser.sample(places, 2))
    span = lines[row][start:end]
    if span != span.strip() or not _is_balanced(span) or any(span.count(quote) % 2 for quote in _QUOTES):
        return None
    return _cut(file, lines, "inside a line", (row, start), (row, end))


def _boundaries(line: str) -> list[int]:
    """Where a token begins, behind the first one of the line."""
    indent = len(line) - len(line.lstrip())
    return [match.start() for match in _TOKEN.finditer(line.rstrip(), indent)][1:]


def _whole_lines(file: SourceFile, lines: list[str], chooser: random.Random) -> Hole | None:
    first = chooser.randrange(len(lines))
    last = first + chooser.randint(1, MAX_LINES) - 1
    if last >= len(lines) or not _belong_together(lines, first, last, file.language):
        return None
    start = _start_of(lines, first, chooser)
    if start[0] < first and _indentation(lines[start[0]]) > _indentation(lines[first]) and file.language in _LAYOUT:
        return None  # the cursor's block ends there
    return _cut(file, lines, "whole lines", start, (last, len(lines[last])))


def _belong_together(lines: list[str], first: int, last: int, language: str) -> bool:
    """Whether somebody writes these lines at once.

    They stay in their block or close it, and open none that goes on. The last line is not the one below: nobody could
    tell it from a text that runs on.
    """
    if not lines[first].strip() or not lines[last].strip():
        return False
    outer = _indentation(lines[first])
    closes = _closes(lines[last], language)
    below = next((line for line in lines[last + 1 :] if line.strip()), "")
    if (
        any(line.strip() and _indentation(line) < outer for line in lines[first:last])
        or (_indentation(lines[last]) < outer and not closes)
        or (first < last and _closes(lines[first], language))
        or (below.rstrip() == lines[last].rstrip() and not closes)
        or _indentation(below) > _indentation(lines[last])
    ):
        return False
    text = "\n".join(lines[first : last + 1])
    return all(text.count(opener) <= text.count(closer) for opener, closer in _PAIRS)


def _block(file: SourceFile, lines: list[str], chooser: random.Random) -> Hole | None:
    row = chooser.randrange(len(lines))
    end = _end_of_block(lines, row, file.language)
    if end is None:
        return None
    start = _start_of(lines, row + 1, chooser)
    return _cut(file, lines, "a block to its end", start, (end, len(lines[end])))


def _block_at_end(file: SourceFile, lines: list[str], chooser: random.Random) -> Hole | None:
    row = chooser.randrange(len(lines))
    is_flat = file.language in _FLAT
    end = _end_of_block(lines, row, file.language)
    if end is None and is_flat:
        end = _end_of_paragraph(lines, row)
    if end is None:
        return None
    start = _start_of(lines, row + 1, chooser)
    hole = _cut(file, lines, "at the end", start, (end, len(lines[end])))
    return replace(hole, may_go_on=is_flat or _may_go_on(lines, row, end, file.language))


def _may_go_on(lines: list[str], header: int, end: int, language: str) -> bool:
    """Whether a text that goes on behind a block may be as right as one that ends with it.

    It is wrong to begin the next definition, or the next thing on the top level. In a function the next statement may
    belong to what the user wants. So may what closes blocks further out, which nothing below the cursor closes.
    """
    outer = _indentation(lines[header])
    below = next((line for line in lines[end + 1 :] if line.strip()), "")
    if not below or _indentation(below) != outer:
        return True
    if not outer or language in _DATA:
        return False
    above = (line for line in reversed(lines[:header]) if line.strip() and _indentation(line) < outer)
    around = next((line for line in above if line.strip() != "{"), "")
    return not _HOLDS_DEFINITIONS.search(_IN_BRACKETS.sub("", around))


def _end_of_paragraph(lines: list[str], first: int) -> int | None:
    """The last line before a blank one, if there are several from `first` on, and none is indented otherwise."""
    end = first
    while end + 1 < len(lines) and lines[end + 1].strip():
        end += 1
    is_even = len({_indentation(line) for line in lines[first : end + 1]}) == 1
    return end if lines[first].strip() and is_even and first < end <= first + MAX_BLOCK else None


def _start_of(lines: list[str], row: int, chooser: random.Random) -> tuple[int, int]:
    """Where the cursor is before a line: at the end of the line above, or behind the indentation, or before it."""
    above = (row - 1, len(lines[row - 1])) if row else (0, 0)
    return chooser.choice((above, (row, _indentation(lines[row])), (row, 0)))


def _end_of_block(lines: list[str], header: int, language: str) -> int | None:
    """The last line of the block that a line heads. None: it heads none, or the end cannot be told."""
    if header + 1 >= len(lines) or not lines[header].strip() or _COMMENT.match(lines[header].strip()):
        return None
    outer = _indentation(lines[header])
    if not lines[header + 1].strip() or _indentation(lines[header + 1]) <= outer:
        return None
    last = header + 1
    row = header + 2
    while row < len(lines) and row <= header + MAX_BLOCK:
        line = lines[row]
        if line.strip():
            if _indentation(line) <= outer:
                break
            last = row
        row += 1
    else:
        return None
    is_closed = _indentation(line) == outer and _closes(line, language)
    if is_closed:
        last = row
        if row + 1 < len(lines) and lines[row + 1].strip() and _indentation(lines[row + 1]) > outer:
            return None  # `} else {`
        line = next((each for each in lines[row + 1 :] if each.strip()), "")
    if (
        (not is_closed and language not in _LAYOUT)
        or (_indentation(line) == outer and _GOES_ON.match(line.strip()))
        or not _is_balanced("\n".join(lines[header : last + 1]))
    ):
        return None
    return last


def _closes(line: str, language: str) -> bool:
    """Whether a line closes a block."""
    stripped = line.strip()
    return bool(_CLOSING_SIGN.match(stripped) or (language not in _MARKUP and _CLOSING_WORD.match(stripped)))


def _is_balanced(text: str) -> bool:
    return all(text.count(opener) == text.count(closer) for opener, closer in _PAIRS)


def _cut(file: SourceFile, lines: list[str], kind: Kind, start: tuple[int, int], end: tuple[int, int]) -> Hole:
    (first, first_at), (last, last_at) = start, end
    before = "\n".join([*lines[:first], lines[first][:first_at]])
    follows = "\n".join([lines[last][last_at:], *lines[last + 1 :]])
    return Hole(file, kind, before, file.text[len(before) : len(file.text) - len(follows)], follows)


def _indentation(line: str) -> int:
    return len(line) - len(line.lstrip())


_MAKERS: dict[Kind, Callable[[SourceFile, list[str], random.Random], Hole | None]] = {
    "rest of a line": _rest_of_line,
    "inside a line": _inside_line,
    "whole lines": _whole_lines,
    "a block to its end": _block,
    "at the end": _block_at_end,
}
