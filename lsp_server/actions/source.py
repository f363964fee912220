"""A document as lines, and the hole that an action makes in it."""

from __future__ import annotations

from dataclasses import dataclass

from lsp_server.languages.indentation import lines_of, unit_of
from lsp_server.text.document import Position

_NUM_LINES = 1000  # of a document are read for its unit of indentation
_DEFAULT_UNIT = "    "


@dataclass(frozen=True, slots=True)
class Source:
    """The lines of a document, without line breaks."""

    language_id: str
    lines: tuple[str, ...]

    def indentation(self, line: int) -> str:
        """The white space that a line begins with."""
        text = self.lines[line]
        return text[: len(text) - len(text.lstrip())]

    def text(self, line: int) -> str:
        """A line without the white space around it. Empty outside of the document."""
        return self.lines[line].strip() if 0 <= line < len(self.lines) else ""

    def next_text(self, line: int) -> int | None:
        """The first line below `line` that is not blank. None if there is none."""
        return next((each for each in range(line + 1, len(self.lines)) if self.text(each)), None)

    def is_deeper(self, line: int, than: int) -> bool:
        """Whether a line is indented more than the line `than`."""
        return len(self.indentation(line).expandtabs()) > len(self.indentation(than).expandtabs())

    @property
    def unit(self) -> str:
        """One level of indentation, as most lines of the document have it."""
        return unit_of(lines_of("\n".join(self.lines[:_NUM_LINES]), self.language_id)) or _DEFAULT_UNIT


@dataclass(frozen=True, slots=True)
class ReplaceRange:
    """A range that an action replaces, in code points.

    The model writes the text between `lead` and `trail`, and sees both. The text has at most `max_lines` lines and ends
    before any of `stops`. Each line after its first begins with `each_line`. If the text has several lines, a non-empty
    `closing` replaces `trail`.
    """

    start: Position
    end: Position
    lead: str = ""
    trail: str = ""
    max_lines: int = 40
    stops: tuple[str, ...] = ()
    each_line: str = ""
    closing: str = ""

    def filled(self, text: str) -> str:
        """What to put into the range: the written text between `lead` and `trail`; empty if nothing was written."""
        first, *others = text.split("\n")
        kept = [first]
        for line in others:
            if not line.startswith(self.each_line) and (line.strip() or self.each_line.strip()):
                break
            kept.append(line)
        inside = "\n".join(kept).rstrip()
        if not inside:
            return ""
        trail = self.closing if self.closing and "\n" in inside else self.trail
        return self.lead + inside + trail
