"""The code actions that apply at a place, each with a kind, a title and a range."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from lsp_server.actions.bodies import find_body, header_end
from lsp_server.actions.documentation import find_documentation, is_definition
from lsp_server.actions.imports import may_be_module, unbound_names
from lsp_server.actions.selection import find_selection, trimmed
from lsp_server.actions.source import ReplaceRange, Source
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
class CodeActionCandidate:
    """A code action that applies. `name` is the name to import, or the problem to fix."""

    kind: Kind
    start: Position
    end: Position
    name: str = ""

    @property
    def title(self) -> str:
        """The text in the editor's menu."""
        return _TITLES[self.kind].format(name=self.name)


def fill_candidates(source: Source, start: Position, end: Position) -> list[CodeActionCandidate]:
    """Actions by infilling, at a cursor or for a selection."""
    found = []
    if find_body(source, start.line):
        found.append(CodeActionCandidate("fill", start, end))
    if find_documentation(source, start.line):
        found.append(CodeActionCandidate("document", start, end))
    if start != end and find_selection(source, start, end):
        found.append(CodeActionCandidate("rewrite", start, end))
    return found


def import_candidates(source: Source, line: int) -> list[CodeActionCandidate]:
    """Imports of the names in a line that the document does not bind."""
    place = Position(line, 0)
    names = [name for name in unbound_names(source, line) if may_be_module(source, name)]
    return [CodeActionCandidate("import", place, place, name) for name in names[:_MAX_IMPORTS]]


def chat_candidates(
    source: Source, start: Position, end: Position, problems: Sequence[str]
) -> list[CodeActionCandidate]:
    """Actions of an instruct model. `problems` are the diagnostics that the client sent with its request."""
    found = []
    if problems:
        name = f"“{problems[0]}”" if len(problems) == 1 else f"{len(problems)} problems"
        found.append(CodeActionCandidate("fix", start, end, name))
    first, last = trimmed(source, start, end)
    if first != last:
        found.append(CodeActionCandidate("explain", first, last))
    if definition := definition_at(source, start.line):
        found.append(CodeActionCandidate("test", *definition))
    return found


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


def replace_range_of(source: Source, candidate: CodeActionCandidate) -> ReplaceRange | None:
    """The range that an action by infilling replaces; None where it no longer applies."""
    match candidate.kind:
        case "fill":
            return find_body(source, candidate.start.line)
        case "document":
            return find_documentation(source, candidate.start.line)
        case "rewrite":
            return find_selection(source, candidate.start, candidate.end)
        case _:
            return None


def whole_lines(source: Source, start: Position, end: Position) -> tuple[Position, Position]:
    """Widen a range to whole lines. If a selection ends at a line's start, that line does not belong to it."""
    last = end.line - (end.character == 0 and end.line > start.line)
    return Position(start.line, 0), Position(last, len(source.lines[last]))
