"""The surroundings of a cursor: imports, names nearby, the enclosing class and function."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

from lsp_server.index.symbols import Outline, Symbol, outline
from lsp_server.index.words import identifiers, line_words, parts, words
from lsp_server.languages.forms import Kind
from lsp_server.languages.imports import Import
from lsp_server.languages.lexer import lex
from lsp_server.languages.line_patterns import CLASS_LINE, INDENTED_DEFINITION, TOP_LINE
from lsp_server.languages.reading import state_after
from lsp_server.languages.syntax import language
from lsp_server.text.snapshot import Snapshot

NEAR_LINES = 40
HALF_LIFE_LINES = 12
OFTEN = 20  # uses in a file that count as frequency 1
# The text that is parsed for each request: the text around the cursor, and likely imports above it. A text above the
# cursor of up to ALL_CHARACTERS is parsed whole.
ALL_CHARACTERS, BEFORE_CHARACTERS, AFTER_CHARACTERS = 8_000, 6_000, 1_500
_STEP = 1_000
_MAX_LEXED = 500_000  # in a longer document, strings and comments are not looked for
FEW_LINES = 500
COUNTED_LINES = 150  # before and after the cursor, in which names are counted

_NAME = re.compile(r"[^\W\d]\w*")
_CHAIN = re.compile(r"[^\W\d]\w*(?:(?:\.|->|::|\?\.|\()\)?[^\W\d]\w*)*")
_IN_CHAIN = re.compile(r"[^\W\d]\w*")


@dataclass(frozen=True)
class Scope:
    """A parsed snapshot. Distances are in lines from the cursor's line.

    `saved` is the index's outline of the file as it was last saved. It covers what is too far away to be parsed again.
    """

    snapshot: Snapshot
    outline: Outline
    saved: Outline = field(default_factory=Outline)

    @staticmethod
    def of(snapshot: Snapshot, saved: Outline | None = None) -> Scope:
        """Parse the parts of a snapshot that matter."""
        prefix, suffix = snapshot.prefix, snapshot.suffix
        near = _start_of_parsed(snapshot.language_id, prefix)
        after = suffix[: suffix.rfind("\n", 0, AFTER_CHARACTERS) + 1] or suffix[:AFTER_CHARACTERS]
        text = _only_imports(snapshot.language_id, prefix[:near]) + prefix[near:] + after
        return Scope(snapshot, outline(snapshot.language_id, text, with_inner_imports=True), saved or Outline())

    @cached_property
    def imports(self) -> list[Import]:
        """The text's imports, and the saved imports that the text still uses, because a long text is parsed in part.

        If the snapshot begins behind the head of its file, all saved imports count.
        """
        saved = self.saved.imports
        if self.snapshot.line == self.cursor_line:
            known = {each.alias for each in self.outline.imports}
            saved = [each for each in saved if each.alias in self._used and each.alias not in known]
        return list(dict.fromkeys((*self.outline.imports, *saved)))

    @cached_property
    def own_names(self) -> frozenset[str]:
        """The text's top-level definitions, parsed or saved."""
        return frozenset(each.name for each in (*self.outline.symbols, *self.saved.symbols) if not each.container)

    @cached_property
    def cursor_line(self) -> int:
        """The cursor's line, counted in the snapshot's text."""
        return self.snapshot.prefix.count("\n")

    @cached_property
    def lines(self) -> list[str]:
        """The snapshot's lines."""
        return (self.snapshot.prefix + self.snapshot.suffix).split("\n")

    @cached_property
    def distances(self) -> dict[str, int]:
        """The distance from the cursor to the nearest use of each identifier. Imports are no uses."""
        found: dict[str, int] = {}
        cursor = self.cursor_line
        for name, lines in self._uses.items():
            after = bisect_left(lines, cursor)
            found[name] = min(abs(line - cursor) for line in lines[max(0, after - 1) : after + 1])
        return found

    @cached_property
    def _uses(self) -> dict[str, list[int]]:
        """The lines of each identifier near the cursor, without import lines."""
        found: dict[str, list[int]] = {}
        first = max(0, self.cursor_line - COUNTED_LINES)
        near = self.lines[first : self.cursor_line + COUNTED_LINES]
        for index, names in enumerate(line_words("\n".join(near)), first):
            if index in self.outline.import_lines:
                continue
            for name in names:
                lines = found.get(name)
                if lines is None:
                    if not name[0].isdigit():
                        found[name] = [index]
                elif lines[-1] != index:
                    lines.append(index)
        return found

    @cached_property
    def identifiers_present(self) -> frozenset[str]:
        """Every identifier of the text."""
        imports = (self.lines[index] for index in self.outline.import_lines)
        return self._used.union(words("\n".join(imports)))

    @cached_property
    def _used(self) -> frozenset[str]:
        """Every identifier of the text outside of import lines."""
        lines = list(self.lines)
        for index in self.outline.import_lines:
            lines[index] = ""
        found: set[str] = set()
        for start in range(0, len(lines), FEW_LINES):  # in steps, so that other threads can run
            found.update(words("\n".join(lines[start : start + FEW_LINES])))
        return frozenset(found)

    @cached_property
    def near_words(self) -> frozenset[str]:
        """The word parts of the identifiers in the lines around the cursor."""
        near = "\n".join(self.lines[max(0, self.cursor_line - 10) : self.cursor_line + 5])
        return frozenset(part for name in identifiers(near) for part in parts(name))

    @cached_property
    def enclosing(self) -> list[Symbol]:
        """The definitions around the cursor, the innermost first."""
        line = self.cursor_line
        around = [s for s in self.outline.symbols if s.line < line <= s.last and s.kind != "field"]
        if not around:  # an unfinished definition is found by indentation
            around = self._above_with_less_indentation()
        return sorted(around, key=lambda symbol: symbol.line, reverse=True)

    def _above_with_less_indentation(self) -> list[Symbol]:
        column = len(self.snapshot.line_prefix) - len(self.snapshot.line_prefix.lstrip())
        if not self.snapshot.line_prefix.strip():
            column = len(self.snapshot.line_prefix)
        found = []
        for symbol in reversed(self.outline.symbols):
            indent = len(symbol.text) - len(symbol.text.lstrip())
            if symbol.line < self.cursor_line and indent < column and symbol.kind != "field":
                found.append(symbol)
                column = indent
        return found

    @cached_property
    def enclosing_class(self) -> Symbol | None:
        """The class around the cursor. If it begins above the parsed text, the symbol holds only its first line."""
        classes = [symbol for symbol in self.outline.symbols if symbol.kind == "class"]
        for symbol in self.enclosing:
            if symbol.kind == "class":
                return symbol
            if symbol.container:
                found = next((each for each in classes if each.name == symbol.container), None)
                return found or self._class_above()
        return self._class_above()

    def _class_above(self) -> Symbol | None:
        indent = len(self.snapshot.line_prefix) - len(self.snapshot.line_prefix.lstrip())
        for index in range(self.cursor_line - 1, -1, -1):
            line = self.lines[index]
            own = len(line) - len(line.lstrip())
            if line.strip() and own < indent:
                indent = own
                if match := CLASS_LINE.match(line):
                    return Symbol(match[1], "class", "", index, index, line)
                if own == 0:
                    return None
        return None

    def own_member(self, name: str) -> Symbol | None:
        """A member of the class around the cursor, by name."""
        if self.enclosing_class is None:
            return None
        symbols = (*self.outline.symbols, *self.saved.symbols)
        own = (s for s in symbols if s.name == name and s.container == self.enclosing_class.name)
        return next(own, None)

    @cached_property
    def function_text(self) -> str:
        """The enclosing function from its signature to its end; without one, the lines near the cursor."""
        for symbol in self.enclosing:
            if symbol.kind in ("function", "method"):
                return "\n".join(self.lines[symbol.line : max(symbol.last, self.cursor_line) + 1])
        return self.near_text

    @cached_property
    def near_text(self) -> str:
        """The lines around the cursor."""
        return "\n".join(self.lines[max(0, self.cursor_line - NEAR_LINES) : self.cursor_line + NEAR_LINES // 4])

    @cached_property
    def chains(self) -> list[tuple[str, ...]]:
        """Names joined by dots, in the enclosing function: `self.client.get` is `self`, `client`, `get`."""
        found = (tuple(_IN_CHAIN.findall(match[0])) for match in _CHAIN.finditer(self.function_text))
        return list(dict.fromkeys(chain for chain in found if chain))

    def nearness(self, name: str) -> float:
        """How near a name is used: 1 on the cursor's line, less with distance, 0 for an absent name."""
        distance = self.distances.get(name)
        return 0.0 if distance is None else HALF_LIFE_LINES / (HALF_LIFE_LINES + distance)

    def frequency(self, name: str) -> float:
        """How often a name is used in this file, from 0 to 1. A frequent name is likely at any distance."""
        return min(1.0, len(self._uses.get(name, ())) / OFTEN)

    def is_unused(self, what: Import) -> bool:
        """Whether an import has no use yet. Its first use is still to come."""
        return what.alias.rpartition(".")[2] not in self._used

    def similarity(self, name: str) -> float:
        """The share of a name's word parts that occur near the cursor."""
        own = parts(name)
        return 0.0 if self.near_words.isdisjoint(own) else len(self.near_words.intersection(own)) / len(own)


def _start_of_parsed(language_id: str, prefix: str) -> int:
    """Where to cut a long text: before a line that is most likely outside of strings, comments and brackets."""
    if len(prefix) <= ALL_CHARACTERS:
        return 0
    first = _behind_open_literal(language_id, prefix, len(prefix) - BEFORE_CHARACTERS)
    for pattern in (TOP_LINE, INDENTED_DEFINITION):
        if match := pattern.search(prefix, first, first + BEFORE_CHARACTERS // 2):
            return match.start()
    return prefix.find("\n", first) + 1 or first


def _behind_open_literal(language_id: str, text: str, place: int) -> int:
    """A line's start at a place or little above it, or the end of the comment or string around it.

    The place moves in steps, so that its lexer's state is remembered while a line is typed.
    """
    place = text.rfind("\n", 0, place - place % _STEP) + 1
    if place > _MAX_LEXED:
        return place
    state = state_after(text[:place], language_id)
    if state.kind is Kind.CODE:
        return place
    return lex(text, language_id, state, place)[0][0].end


def _only_imports(language_id: str, text: str) -> str:
    """The same number of lines, with only the likely imports kept.

    Imports lose their indentation, because those inside of functions also hold below them.
    """
    imports = language(language_id).imports
    if imports is None or not text:
        return "\n" * text.count("\n")
    found = []
    last = 0
    for match in re.finditer(imports.statement, text):
        found.append("\n" * text.count("\n", last, match.start()) + match[0].lstrip())
        last = match.end()
    return "".join(found) + "\n" * text.count("\n", last)


def type_names(text: str) -> Iterable[str]:
    """The identifiers of a signature or line that may name types or constructors."""
    return dict.fromkeys(_NAME.findall(text))
