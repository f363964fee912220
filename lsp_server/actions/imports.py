"""Finds names that a line uses but nothing binds, and the import lines that would bind them.

The patterns are in `languages/bindings.py`. A name that might be bound is not offered.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Iterable

from lsp_server.actions.source import ReplaceRange, Source
from lsp_server.languages.bindings import Bindings, pattern_for
from lsp_server.languages.syntax import language
from lsp_server.text.document import Position

_MAX_CHARACTERS = 200_000  # a longer document is not read at every move of the cursor
_MAX_PLACES, _CHARACTERS_BEFORE, _CHARACTERS_BEHIND = 200, 400, 200
_HEAD = re.compile(
    r"""(?:\s*(?:\#[^\n]*|//[^\n]*|/\*.*?\*/|[rR]?"{3}.*?"{3}|['"]use strict['"];?)[ \t]*(?:\n|$))*""", re.DOTALL
)


def unbound_names(source: Source, line: int) -> list[str]:
    """Names that a line uses and nothing in the document binds, in the order they come.

    None in a language whose bindings are not known.
    """
    bindings = language(source.language_id).bindings
    if bindings is None or re.match(bindings.line, source.text(line)):
        return []
    text = "\n".join(source.lines)
    if len(text) > _MAX_CHARACTERS:
        return []
    bare = re.sub(bindings.not_code, _blank, text)
    lines = bare.split("\n")
    names = dict.fromkeys(re.findall(bindings.used, lines[line]))
    return [name for name in names if name not in bindings.known and not _is_bound(bindings, bare, name)]


def import_hole(source: Source) -> ReplaceRange:
    """Where another import line goes: behind the last import line, or above the code if there is none."""
    bindings = _bindings_of(source)
    found = [number for number, text in enumerate(source.lines) if text and re.match(bindings.line, text)]
    if not found:
        start = Position(_first_code(source), 0)
        return ReplaceRange(start, start, trail="\n", max_lines=1)
    last = _statement_end(source, found[-1])
    end = Position(last, len(source.lines[last]))
    return ReplaceRange(end, end, lead="\n", max_lines=1)


def known_import(source: Source, name: str, others: Iterable[str]) -> str:
    """The import line for a name without asking a model: what most other files write, or that of a standard module.

    Empty if there is neither. A relative import of another file does not count: it means something else here.
    """
    bindings = _bindings_of(source)
    lines = Counter(line for text in others for line in _importing_lines(bindings, name, text))
    if lines:
        return lines.most_common(1)[0][0]
    return f"import {name}" if name in bindings.standard_modules else ""


def beginnings(source: Source) -> tuple[str, ...]:
    """How an import line may begin. A model writes the rest of it."""
    return _bindings_of(source).beginnings


def imports_name(source: Source, line: str, name: str) -> bool:
    """Whether a line binds a name by importing it."""
    return bool(re.match(pattern_for(_bindings_of(source).importing, name), line))


def _bindings_of(source: Source) -> Bindings:
    """The bindings of a source in which `unbound_names` has found a name."""
    bindings = language(source.language_id).bindings
    assert bindings is not None, f"names of {source.language_id} are not offered"
    return bindings


def _importing_lines(bindings: Bindings, name: str, text: str) -> Iterable[str]:
    """The lines of a text that import a name. A line `from … import …` is cut to that name."""
    for line in text.split("\n"):
        if not line.startswith((" ", "\t")) and re.match(pattern_for(bindings.importing, name), line):
            if re.search(r"from\s+['\"]?\.", line):
                continue
            if line.startswith("from"):
                yield f"{line.split(' import ')[0]} import {name}" if f"as {name}" not in line else line.rstrip()
            else:
                yield line.rstrip()


def _is_bound(bindings: Bindings, bare: str, name: str) -> bool:
    """Whether one of a name's places binds it. Only the lines around each place are read: that is quicker."""
    ways = [re.compile(pattern_for(way, name), re.MULTILINE) for way in bindings.bound]
    places = itertools.islice(re.finditer(pattern_for("NAME", name), bare), _MAX_PLACES)
    return any(way.search(_around(bare, place.start())) for place in places for way in ways)


def _around(text: str, at: int) -> str:
    """Some of the text around a place, from a line's start."""
    start = text.rfind("\n", 0, max(0, at - _CHARACTERS_BEFORE)) + 1
    return text[start : at + _CHARACTERS_BEHIND]


def _blank(match: re.Match[str]) -> str:
    """White space in place of a match. Line breaks stay."""
    return re.sub(r"[^\n]", " ", match[0])


def _statement_end(source: Source, line: int) -> int:
    """The last line of an import statement, which may go over several lines."""
    depth = 0
    for number in range(line, len(source.lines)):
        text = source.lines[number]
        depth += sum(text.count(opener) for opener in "({") - sum(text.count(closer) for closer in ")}")
        if depth <= 0 and not text.endswith("\\"):
            return number
    return line


def _first_code(source: Source) -> int:
    """The line behind the comments and the docstring at the head of a file."""
    head = _HEAD.match("\n".join(source.lines))
    line = head[0].count("\n") if head else 0
    return line + 1 if 0 < line < len(source.lines) - 1 and not source.text(line) else line
