"""Which actions apply at a place: each a kind, a title, and the range that it is about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from lsp_server.actions.bodies import find_body, header_end
from lsp_server.actions.documentation import find_documentation, is_definition
from lsp_server.actions.imports import unbound_names
from lsp_server.actions.selection import find_selection, trimmed
from lsp_server.actions.source import Hole, Source
from lsp_server.text.document import Position

FillKind = Literal["fill", "rewrite", "document", "import"]
ChatKind = Literal["fix", "explain", "test", "edit"]
Kind = FillKind | ChatKind

_MAX_IMPORTS = 3
_TITLES: dict[Kind, str] = {
    "fill": "infill: write this body",
    "rewrite": "infill: rewrite the selection",
    "document": "infill: document this",
    "import": "infill: import `{name}`",
    "fix": "infill: fix {name}",
    "explain": "infill: explain this",
    "test": "infill: write tests for this",
    "edit": "infill: edit by instruction",
}


@dataclass(frozen=True, slots=True)
class Offer:
    """An action that applies. `name` is what is imported, or the problem that is mended."""

    kind: Kind
    start: Position
    end: Position
    name: str = ""

    @property
    def title(self) -> str:
        """What a menu says."""
        return _TITLES[self.kind].format(name=self.name)


def fill_offers(source: Source, start: Position, end: Position) -> list[Offer]:
    """What a base model can do at a cursor or with a selection."""
    offers = []
    if find_body(source, start.line):
        offers.append(Offer("fill", start, end))
    if find_documentation(source, start.line):
        offers.append(Offer("document", start, end))
    if start != end and find_selection(source, start, end):
        offers.append(Offer("rewrite", start, end))
    return offers


def import_offers(source: Source, line: int) -> list[Offer]:
    """Imports for the names of a line that nothing binds."""
    place = Position(line, 0)
    return [Offer("import", place, place, name) for name in unbound_names(source, line)[:_MAX_IMPORTS]]


def chat_offers(source: Source, start: Position, end: Position, problems: Sequence[str]) -> list[Offer]:
    """What an instruct model can do. `problems` are the diagnostics that the client sent with its request."""
    offers = []
    if problems:
        name = f"“{problems[0]}”" if len(problems) == 1 else f"{len(problems)} problems"
        offers.append(Offer("fix", start, end, name))
    first, last = trimmed(source, start, end)
    if first != last:
        offers.append(Offer("explain", first, last))
    if found := definition_at(source, start.line):
        offers.append(Offer("test", *found))
    return offers


def definition_at(source: Source, line: int) -> tuple[Position, Position] | None:
    """The range of the definition whose header begins at a line."""
    if not is_definition(source, line):
        return None
    last = header_end(source, line)
    last = line if last is None else last
    for each in range(last + 1, len(source.lines)):
        text = source.text(each)
        if text and not source.is_deeper(each, line):
            if text[0] in "})]" or text == "end":
                last = each
            break
        if text:
            last = each
    return Position(line, 0), Position(last, len(source.lines[last]))


def hole_of(source: Source, offer: Offer) -> Hole | None:
    """The hole of an action by infilling; None where it no longer applies."""
    match offer.kind:
        case "fill":
            return find_body(source, offer.start.line)
        case "document":
            return find_documentation(source, offer.start.line)
        case "rewrite":
            return find_selection(source, offer.start, offer.end)
        case _:
            return None


def whole_lines(source: Source, start: Position, end: Position) -> tuple[Position, Position]:
    """A range widened to whole lines; a selection that ends at a line's start does not mean that line."""
    last = end.line - (end.character == 0 and end.line > start.line)
    return Position(start.line, 0), Position(last, len(source.lines[last]))
