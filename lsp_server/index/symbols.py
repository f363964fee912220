"""A file's definitions and imports, from its syntax tree. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import msgspec
from tree_sitter import Node

from lsp_server.languages.grammars import (
    COMMENTS,
    GRAMMARS,
    IDENTIFIERS,
    NAMELESS_FIELDS,
    NAMELESS_NODES,
    PATTERNS,
    PIECE_BYTES,
    WRAPPERS,
    parser_of,
)
from lsp_server.languages.imports import Import
from lsp_server.languages.record import Language
from lsp_server.languages.syntax import language

MAX_SIGNATURE_LINES = 8
MAX_SIGNATURE_CHARACTERS = 400
MAX_DOC_CHARACTERS = 100
MAX_DEPTH = 12
MAX_SYMBOLS = 4000

_WITH_MEMBERS = frozenset({"class", "module", "extension"})


class Symbol(msgspec.Struct, frozen=True, gc=False):
    """A definition: its place, its signature's lines verbatim, and its documentation's first line.

    `container` is the last name of the class or module that holds the definition. `line` and `last` are its first and
    last line, 0-based.
    """

    name: str
    kind: str
    container: str
    line: int
    last: int
    text: str
    doc: str = ""


@dataclass(frozen=True, slots=True)
class Outline:
    """A file's definitions and imports, and the lines of the imports."""

    symbols: list[Symbol] = field(default_factory=list)
    imports: list[Import] = field(default_factory=list)
    import_lines: set[int] = field(default_factory=set)


def outline(language_id: str, text: str, *, with_inner_imports: bool = False) -> Outline:
    """The definitions and imports of a text; none in a language without a grammar.

    `with_inner_imports` adds imports inside of functions.
    """
    syntax = language(language_id)
    if not syntax.grammar:
        return Outline()
    content = text.encode("utf-8", "replace")
    # The parser gets the text in pieces. Parsing a whole text would let no other Python thread run meanwhile.
    tree = parser_of(syntax.grammar).parse(lambda offset, _: content[offset : offset + PIECE_BYTES])
    reader = _Reader(syntax, content, with_inner_imports)
    reader.visit(tree.root_node, "", 0)
    return Outline(reader.symbols, reader.imports, reader.import_lines)


class _Reader:
    """Walks a tree. It enters function bodies only for imports, and only if those are wanted."""

    def __init__(self, syntax: Language, content: bytes, with_inner_imports: bool) -> None:
        self._grammar = grammar = GRAMMARS[syntax.grammar]
        self._with_inner_imports = with_inner_imports
        self._content = content
        self._lines = content.split(b"\n")
        self._import_syntax = syntax.imports
        self._own_field = _own_field(grammar.self_name) if grammar.self_name else None
        self._fields: dict[str, set[str]] = {}
        self.symbols: list[Symbol] = []
        self.imports: list[Import] = []
        self.import_lines: set[int] = set()

    def visit(self, node: Node, container: str, depth: int) -> None:
        """Collect the definitions and imports among a node's children."""
        if depth > MAX_DEPTH or len(self.symbols) > MAX_SYMBOLS:
            return
        grammar = self._grammar
        for child in node.named_children:
            kind = child.type
            if kind in grammar.imports:
                self._import(child)
                self._declared_attributes(child, container)
            if kind in grammar.kinds:
                self._define(child, grammar.kinds[kind], container, depth)
            elif kind in grammar.transparent or kind == "ERROR":
                self.visit(child, container, depth + 1)

    def _read_imports(self, node: Node) -> list[Import]:
        return self._import_syntax.read(_text(self._content, node)) if self._import_syntax else []

    def _import(self, node: Node) -> None:
        if found := self._read_imports(node):
            self.imports += found
            self.import_lines.update(range(node.start_point.row, node.end_point.row + 1))

    def _inner_imports(self, node: Node) -> None:
        pending = [node]
        while pending:
            for child in pending.pop().named_children:
                if child.type in self._grammar.imports:
                    self._import(child)
                else:
                    pending.append(child)

    def _define(self, node: Node, kind: str, container: str, depth: int) -> None:
        names = list(_names(self._content, node))
        if kind == "method":
            container = _receiver(self._content, node) or container
        if kind == "function" and node.type == "function_definition" and names and "::" in names[0]:
            container, names = _qualified(names[0])
        if kind == "extension":
            container = _last_name(self._content, node.child_by_field_name("type"))
        elif names or kind == "class":
            body = _body(node)
            text = self._signature(node, body)
            doc = self._doc(node, body)
            plain = "field" if container and kind == "variable" else kind
            lines = (node.start_point.row, node.end_point.row)
            self.symbols += [Symbol(name, plain, container, *lines, text, doc) for name in names]
        if kind in _WITH_MEMBERS:
            inner = container if kind == "extension" else (names or [container])[0].split("::")[-1]
            self.visit(_body(node) or node, inner, depth + 1)
        elif kind == "function" and container and self._own_field:
            self._own_fields(node, container)
        elif kind == "variable":
            self._read_required(node)
            self._unpack(node, container, depth)
        if (
            self._with_inner_imports
            and kind in ("function", "method")
            and _IMPORTING.search(self._content, node.start_byte, node.end_byte)
        ):
            self._inner_imports(node)

    def _unpack(self, node: Node, container: str, depth: int) -> None:
        """Collect the further names of an assignment: `A, B = 1, 2` and `a = b = 1`."""
        left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
        if right is not None and right.type == node.type and depth < MAX_DEPTH:
            self._define(right, "variable", container, depth + 1)
        pending = [left] if left is not None and left.type in PATTERNS else []
        while pending:
            for child in pending.pop().named_children:
                if child.type in PATTERNS:
                    pending.append(child)
                elif child.type in ("identifier", "constant"):
                    line = child.start_point.row
                    written = self._lines[line].decode("utf-8", "replace").rstrip()[:MAX_SIGNATURE_CHARACTERS]
                    kind = "field" if container else "variable"
                    self.symbols.append(Symbol(_text(self._content, child), kind, container, line, line, written))

    def _signature(self, node: Node, body: Node | None) -> str:
        """The whole lines from a definition's first line to the beginning of its body."""
        first = node.start_point.row
        last = node.end_point.row
        if body is not None:
            last = body.start_point.row
            begins_line = not self._lines[last][: body.start_point.column].strip()
            last -= begins_line and last > first
        elif node.type not in ("declaration", "field_declaration"):
            last = min(last, first + 2) if last - first <= 2 else first
        last = min(last, first + MAX_SIGNATURE_LINES - 1)
        text = b"\n".join(self._lines[first : last + 1]).decode("utf-8", "replace")
        return text[:MAX_SIGNATURE_CHARACTERS].rstrip()

    def _doc(self, node: Node, body: Node | None) -> str:
        """The first line of a definition's documentation, without comment marks."""
        if node.type in ("class_definition", "function_definition") and body is not None and body.named_children:
            first = body.named_children[0]
            inner = first.named_children[0] if first.named_children else first
            if inner.type == "string":
                return _first_words(_text(self._content, inner))
        outer = node.parent if node.parent and node.parent.type in WRAPPERS else node
        before = outer.prev_named_sibling
        if before is not None and before.type in COMMENTS and before.end_point.row >= outer.start_point.row - 1:
            return _first_words(_text(self._content, before))
        return ""

    def _own_fields(self, node: Node, container: str) -> None:
        """Collect the fields that a method assigns on its object."""
        assert self._own_field
        if container not in self._fields:
            self._fields[container] = {symbol.name for symbol in self.symbols if symbol.container == container}
        known = self._fields[container]
        text = _text(self._content, node)
        for match in self._own_field.finditer(text):
            if match[1] not in known:
                known.add(match[1])
                line = node.start_point.row + text.count("\n", 0, match.start(1))
                written = self._lines[line].decode("utf-8", "replace").rstrip()[:MAX_SIGNATURE_CHARACTERS]
                self.symbols.append(Symbol(match[1], "field", container, line, line, written))

    def _declared_attributes(self, node: Node, container: str) -> None:
        """Collect the fields that a Ruby class declares by a call such as `attr_reader`."""
        text = _text(self._content, node)
        if node.type == "call" and text.startswith("attr_"):
            line = node.start_point.row
            written = self._lines[line].decode("utf-8", "replace")
            names = re.findall(r":(\w+)", text)
            self.symbols += [Symbol(name, "field", container, line, line, written) for name in names]

    def _read_required(self, node: Node) -> None:
        if (
            node.type == "variable_declarator"
            and b"require(" in self._content[node.start_byte : min(node.end_byte, node.start_byte + 200)]
        ):
            self.imports += self._read_imports(node)


def _own_field(self_name: str) -> re.Pattern[str]:
    """The pattern of field assignments on a method's own object."""
    name = re.escape(self_name)
    return re.compile(rf"(?:^|[{{;])\s*{name}\.?(\w+)\s*(?::[^=]+)?=(?!=)", re.MULTILINE)


_IMPORTING = re.compile(rb"^\s*(import|from|use|using)\b", re.MULTILINE)


def _text(content: bytes, node: Node) -> str:
    return content[node.start_byte : node.end_byte].decode("utf-8", "replace")


def _body(node: Node) -> Node | None:
    """A definition's body: the part between its braces, or indented below it."""
    if (body := node.child_by_field_name("body")) is not None:
        return body
    for child in node.named_children:
        if child.type.endswith(("_body", "_list")) and child.type != "parameter_list":
            return child
        if child.type in ("struct_type", "interface_type", "struct_specifier", "enum_specifier", "accessor_list"):
            return _body(child) or child
    return None


def _names(content: bytes, node: Node) -> Iterator[str]:
    """The names that a node defines."""
    if named := node.children_by_field_name("name"):
        yield from (_text(content, each).lstrip("$") for each in named if not each.type.endswith("_pattern"))
        return
    left = node.child_by_field_name("left")
    if left is not None:
        if left.type in ("identifier", "constant"):
            yield _text(content, left)
        return
    if node.type == "type_definition" and (declarator := node.child_by_field_name("declarator")) is not None:
        if name := _first_identifier(content, declarator):
            yield name
    elif name := _first_identifier(content, node):
        yield name


def _first_identifier(content: bytes, node: Node, depth: int = 0) -> str:
    if node.type in IDENTIFIERS or node.type == "qualified_identifier":
        return _text(content, node).lstrip("$")
    if depth > MAX_DEPTH:
        return ""
    for index, child in enumerate(node.children):
        if child.is_named and child.type not in NAMELESS_NODES:
            if node.field_name_for_child(index) in NAMELESS_FIELDS:
                continue
            if found := _first_identifier(content, child, depth + 1):
                return found
    return ""


def _qualified(name: str) -> tuple[str, list[str]]:
    *containers, last = name.split("::")
    return containers[-1], [last]


def _receiver(content: bytes, node: Node) -> str:
    """The receiver type of a Go method."""
    receiver = node.child_by_field_name("receiver")
    found = re.findall(r"\w+", _text(content, receiver).partition("[")[0]) if receiver is not None else []
    return found[-1] if found else ""


def _last_name(content: bytes, node: Node | None) -> str:
    found = re.findall(r"\w+", _text(content, node).partition("<")[0]) if node is not None else []
    return found[-1] if found else ""


_MARKS = re.compile(r"^[\s/*#!]+|[rRbBuUfF]{0,2}(\"\"\"|'''|\"|')|\s*\*/\s*$")


def _first_words(text: str) -> str:
    for line in text.split("\n"):
        if words := _MARKS.sub("", line).strip():
            return words[:MAX_DOC_CHARACTERS]
    return ""
