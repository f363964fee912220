"""Finds names that a line uses but nothing binds, and the import lines that would bind them.

The patterns are in `languages/bindings.py`. A name that might be bound is not offered.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from lsp_server.actions.source import ReplaceRange, Source
from lsp_server.languages.bindings import ANY_NAME, STAND_IN, Bindings, bound_patterns, pattern_for
from lsp_server.languages.forms import Kind
from lsp_server.languages.lexer import blanked, lex
from lsp_server.languages.standard_library import has_attribute
from lsp_server.languages.syntax import language
from lsp_server.text.document import Position

_MAX_CHARACTERS = 200_000  # a longer document is not read at every move of the cursor
_FROM_BELOW = re.compile(r"\s+from\b")
_MAX_NAMES = 100  # of a line
_MAX_PLACES, _CHARACTERS_BEFORE, _CHARACTERS_BEHIND = 200, 400, 200
_MAX_BEFORE = 2000  # in a line that is longer


def unbound_names(source: Source, line: int, most: int = _MAX_NAMES) -> list[str]:
    """Names that a line uses and nothing in the document binds, in the order they come, at most `most`.

    None in a language whose bindings are not known.
    """
    bindings = language(source.language_id).bindings
    if bindings is None or re.match(bindings.line, source.text(line)):
        return []
    text = "\n".join(source.lines)
    if len(text) > _MAX_CHARACTERS:
        return []
    bare = blanked(text, source.language_id)
    names = _used_names(bindings, re.sub(bindings.not_used, _blank_behind, bare).split("\n")[line])
    places = _places(bare, names)
    return list(itertools.islice((name for name in names if not _is_bound(bindings, bare, name, places[name])), most))


def may_be_module(source: Source, name: str) -> bool:
    """Whether an unbound name may be imported.

    Modules such as `code`, `token` and `types` are called as variables are. One is meant where the document reads an
    attribute that the module has. Other names may always be imported.
    """
    if name not in _bindings_of(source).standard_modules:
        return True
    reads = re.compile(rf"(?<![\w.]){re.escape(name)}\s*\.\s*(\w+)")
    return any(has_attribute(name, attribute) for attribute in set(reads.findall("\n".join(source.lines))))


def _used_names(bindings: Bindings, line: str) -> list[str]:
    """The names that a line uses. Words that stand side by side without a keyword are text, not names."""
    known = bindings.known
    words = [(match.start(), match.end(), match[0]) for match in ANY_NAME.finditer(line)]
    pairs = [(one, other) for one, other in itertools.pairwise(words) if line[one[1] : other[0]].isspace()]
    is_text = {word[0] for pair in pairs if pair[0][2] not in known and pair[1][2] not in known for word in pair}
    is_text -= {start for start, _, _ in words if line[:start].endswith("<")}  # a tag and its attribute
    used = [match[0] for match in re.finditer(bindings.used, line) if match.start() not in is_text]
    return [name for name in dict.fromkeys(used) if name not in known][:_MAX_NAMES]


def _places(bare: str, names: Sequence[str]) -> dict[str, list[int]]:
    """Where each of the names stands in a text, at most `_MAX_PLACES` of each."""
    places: dict[str, list[int]] = {name: [] for name in names}
    for match in ANY_NAME.finditer(bare):
        found = places.get(match[0])
        if found is not None and len(found) < _MAX_PLACES:
            found.append(match.start())
    return places


def import_hole(source: Source, name: str = "") -> ReplaceRange:
    """Where another import line goes: behind the first group of imports, or above the code if there is none.

    Imports that stand below a use of the name are no place for it: in Python it would be unbound there.
    """
    code = _read(source)
    last = _first_imports_end(_bindings_of(source), source, code)
    uses = re.compile(rf"(?<![\w$.]){re.escape(name)}(?![\w$])")
    if last is None or (name and uses.search("\n".join(code.lines[:last]))):
        start = Position(_head_end(source, code), 0)
        return ReplaceRange(start, start, trail="\n", max_lines=1)
    end = Position(last, len(source.lines[last]))
    return ReplaceRange(end, end, lead="\n", max_lines=1)


def known_import(source: Source, name: str, others: Iterable[str]) -> str:
    """The import line for a name without asking a model: what most other files write, or that of a standard module.

    Empty if there is neither. A relative import of another file does not count: it means something else here.
    """
    lines = Counter(line for text in others for line in _importing_lines(source, name, text))
    if lines:
        return lines.most_common(1)[0][0]
    return f"import {name}" if name in _bindings_of(source).standard_modules else ""


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


def _importing_lines(source: Source, name: str, text: str) -> Iterable[str]:
    """The lines of a text that import a name. A line `from … import …` is cut to that name."""
    if name not in text:
        return
    importing = re.compile(pattern_for(_bindings_of(source).importing, name))
    bare = blanked(text, source.language_id)
    for line, code in zip(text.split("\n"), bare.split("\n"), strict=True):
        if not importing.match(code) or re.search(r"from\s+['\"]?\.", line):
            continue
        if line.startswith("from"):
            yield f"{line.split(' import ')[0]} import {name}" if f"as {name}" not in line else line.rstrip()
        else:
            yield line.rstrip()


def _is_bound(bindings: Bindings, bare: str, name: str, places: Iterable[int]) -> bool:
    """Whether one of a name's places binds it. Only the lines around each place are read: that is quicker."""
    ways = bound_patterns(bindings)
    return any(way.search(_around(bare, place, len(name))) for place in places for way in ways)


def _around(text: str, at: int, length: int) -> str:
    """Some of the text around a place, from a line's start, with `STAND_IN` for what has that length there."""
    start = text.rfind("\n", 0, max(0, at - _CHARACTERS_BEFORE)) + 1
    start = max(start, at - _MAX_BEFORE)
    return text[start:at] + STAND_IN + text[at + length : at + length + _CHARACTERS_BEHIND]


def _blank_behind(match: re.Match[str]) -> str:
    """White space in place of what follows the group `kept`."""
    kept = match["kept"] or ""
    return kept + re.sub(r"[^\n]", " ", match[0][len(kept) :])


@dataclass(frozen=True, slots=True)
class _Code:
    """A document's lines with white space in place of strings and comments.

    `strings` and `comments` are the first and the last line of each.
    """

    lines: list[str]
    strings: list[tuple[int, int]]
    comments: list[tuple[int, int]]

    def is_code(self, line: int) -> bool:
        """Whether a line has more than comments and strings that stand alone, such as docstrings and directives."""
        text = self.lines[line]
        return bool(text.strip("; \t\f\ufeff")) and not (line == 0 and text.startswith("#!"))


def _read(source: Source) -> _Code:
    text = "\n".join(source.lines)
    found: dict[Kind, list[tuple[int, int]]] = {kind: [] for kind in Kind}
    line = at = 0
    for span in lex(text, source.language_id)[0]:
        line += text.count("\n", at, span.start)
        at = span.start
        found[span.kind].append((line, line + text.count("\n", span.start, span.end)))
    return _Code(blanked(text, source.language_id).split("\n"), found[Kind.STRING], found[Kind.COMMENT])


def _first_imports_end(bindings: Bindings, source: Source, code: _Code) -> int | None:
    """The last line of the first imports with no other code between them. None if nothing is imported."""
    last, number = None, 0
    while number < len(code.lines):
        if re.match(bindings.line, code.lines[number]):
            last = number = _line_end(code, _statement_end(source, code.lines, number))
        elif last is not None and code.is_code(number):
            break
        number += 1
    return last


def _line_end(code: _Code, line: int) -> int:
    """The last line of the strings and comments that go on behind a line."""
    for begins, ends in sorted(code.strings + code.comments):
        if begins <= line < ends:
            line = ends
    return line


def _statement_end(source: Source, lines: Sequence[str], line: int) -> int:
    """The last line of an import statement, which may go over several lines."""
    depth = 0
    for number in range(line, len(lines)):
        text = lines[number].rstrip()
        depth += sum(text.count(opener) for opener in "({") - sum(text.count(closer) for closer in ")}")
        below = lines[number + 1] if number + 1 < len(lines) else ""
        goes_on = text.endswith(("\\", ",")) or source.text(number).endswith("from") or _FROM_BELOW.match(below)
        if depth <= 0 and not goes_on:
            return number
    return line


def _head_end(source: Source, code: _Code) -> int:
    """The line above which the first import goes.

    The docstring, the directives and the comments at the head of a file stay ahead. A comment that is not the first
    thing in the file belongs to the code right below it.
    """
    first = next((line for line in range(len(code.lines)) if code.is_code(line)), len(code.lines) - 1)
    first = min([first, *(begins for begins, ends in code.strings if begins < first <= ends)])
    strings = [ends for _, ends in code.strings if ends < first]
    end = strings[-1] + 1 if strings else first
    if not strings:
        comment = first
        while comment > 0 and source.text(comment - 1):
            comment -= 1
        end = next((line + 1 for line in reversed(range(comment)) if source.text(line)), first if comment == 0 else 0)
    return end + 1 if 0 < end < len(source.lines) - 1 and not source.text(end) else end
