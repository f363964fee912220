"""An open document: its lines, its edits, and positions in the client's encoding.

pygls' own `TextDocument` is not used. It splits lines as `str.splitlines` does, so a form feed or U+2028 shifts every
later line and corrupts incremental sync.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

from lsp_server.text.place import Place
from lsp_server.text.snapshot import LINE_BREAK, Snapshot, normalize

Encoding = Literal["utf-8", "utf-16", "utf-32"]

# The text on each side of the cursor that a snapshot carries, in lines and code points. It exceeds any model's context
# length, and it keeps a keystroke in a huge file as cheap as in a small one.
SNAPSHOT_LINES = 4000
SNAPSHOT_CHARACTERS = 200_000
# The start of that text moves in steps. So anchors last while text is typed, and the prompt's head stays the same while
# the cursor moves.
SNAPSHOT_STEP_LINES = 1000
SNAPSHOT_STEP_CHARACTERS = 50_000
EXCERPT_CHARACTERS = 900  # only a part of what `context.max_tokens` allows


@dataclass(frozen=True, slots=True)
class Position:
    """A 0-based line, and a character in the client's units or in code points."""

    line: int
    character: int


def num_units(text: str, encoding: Encoding) -> int:
    """The length of `text` in code units of `encoding`."""
    if encoding == "utf-32" or text.isascii():
        return len(text)
    if encoding == "utf-16":
        return len(text.encode("utf-16-le", "surrogatepass")) // 2
    return len(text.encode("utf-8", "surrogatepass"))


def units_to_code_points(line: str, units: int, encoding: Encoding) -> int:
    """The index of the character at `units`. Inside a character it is the start; past the end it is the end."""
    if encoding == "utf-32" or line.isascii():
        return max(0, min(units, len(line)))
    remaining = units
    for index, character in enumerate(line):
        remaining -= num_units(character, encoding)
        if remaining < 0:
            return index
    return len(line)


def split_lines(text: str) -> list[str]:
    """The lines with their line breaks. The last line has none, and may be empty."""
    lines = []
    start = 0
    for match in LINE_BREAK.finditer(text):
        lines.append(text[start : match.end()])
        start = match.end()
    lines.append(text[start:])
    return lines


def _content(line: str) -> str:
    """A line without its line break."""
    return line.rstrip("\r\n")


class _Readable:
    """What a document can be asked, open or frozen."""

    uri: str
    language_id: str
    version: int
    _lines: Sequence[str]

    @property
    def place(self) -> Place:
        """Where the document is."""
        raise NotImplementedError

    @property
    def path(self) -> str:
        """The path for prompts."""
        return self.place.path

    @property
    def num_lines(self) -> int:
        """The number of lines, the one after the last line break included."""
        return len(self._lines)

    def line(self, index: int) -> str:
        """One line without its line break."""
        return _content(self._lines[index])

    def snapshot(self, line: int, character: int) -> Snapshot:
        """Freeze the text around a cursor, given in code points. A cursor outside the text is moved into it."""
        line = max(0, min(line, len(self._lines) - 1))
        content = _content(self._lines[line])
        character = max(0, min(character, len(content)))
        current = self._lines[line]
        first = max(0, line - SNAPSHOT_LINES) // SNAPSHOT_STEP_LINES * SNAPSHOT_STEP_LINES
        before = "".join(self._lines[first:line]) + current[:character]
        start = -(-max(0, len(before) - SNAPSHOT_CHARACTERS) // SNAPSHOT_STEP_CHARACTERS) * SNAPSHOT_STEP_CHARACTERS
        after = self._lines[line + 1 : line + 1 + SNAPSHOT_LINES]
        place = self.place
        return Snapshot(
            uri=self.uri,
            version=self.version,
            language_id=self.language_id,
            path=place.path,
            prefix=normalize(before[start:]),
            suffix=normalize((current[character:] + "".join(after))[:SNAPSHOT_CHARACTERS]),
            line=line,
            character=character,
            line_break=self.line_break,
            project=place.project,
            root=place.root,
            names=place.names,
        )

    @property
    def line_break(self) -> str:
        """The document's line break, by its first line."""
        first = self._lines[0]
        return first[len(_content(first)) :] or "\n"

    def code_points(self, position: Position, encoding: Encoding) -> Position:
        """A client's position, converted to code points and moved into the text."""
        line, index = self._locate(position, encoding)
        return Position(line, index)

    def units(self, position: Position, encoding: Encoding) -> Position:
        """A position in code points, converted to the client's units."""
        line = self.line(position.line)
        return Position(position.line, num_units(line[: position.character], encoding))

    def _locate(self, position: Position, encoding: Encoding) -> tuple[int, int]:
        """The line, and the index in it. Past the end of a line is its end; past the last line is the text's end."""
        if position.line < 0:
            return 0, 0
        if position.line >= len(self._lines):
            return len(self._lines) - 1, len(self._lines[-1])
        content = _content(self._lines[position.line])
        return position.line, units_to_code_points(content, position.character, encoding)


@dataclass(frozen=True)
class FrozenDocument(_Readable):
    """A document at one moment: what a code action works on. Two are equal if everything in them is.

    `_lines` have their line breaks.
    """

    uri: str
    language_id: str
    version: int
    _place: Place
    _lines: tuple[str, ...]

    @property
    def place(self) -> Place:
        """Where the document was."""
        return self._place

    @property
    def root(self) -> Path | None:
        """Its workspace folder, or None."""
        return Path(self._place.root) if self._place.root else None

    @functools.cached_property
    def lines(self) -> tuple[str, ...]:
        """The lines without line breaks and without lone surrogates."""
        return tuple(normalize("".join(self._lines)).split("\n"))


class Document(_Readable):
    """A document that the client has open. Edits mutate it; `snapshot` and `frozen` freeze it.

    `edited_at` is the time of the client's last edit in seconds of `time.monotonic`, or 0 before the first. The
    workspace folders may change while a document is open. So the workspace gives a function for `path`, and the place
    is computed whenever it is needed.
    """

    def __init__(
        self,
        uri: str,
        path: str | Callable[[], Place],
        language_id: str,
        version: int,
        text: str,
        project: str = "",
    ) -> None:
        self.uri = uri
        self._find_place = path if callable(path) else partial(Place, path, project)
        self.language_id = language_id
        self.version = version
        self.last_edited_line = 0
        self.edited_at = 0.0
        self._lines: list[str] = split_lines(text)
        self.is_saved = True  # whether the file has this text, as far as the client has told
        self._excerpt: tuple[int, str] | None = None
        self._normalized: str | None = None
        self._frozen: FrozenDocument | None = None

    @property
    def place(self) -> Place:
        """Where the document is now."""
        return self._find_place()

    @property
    def text(self) -> str:
        """The whole text, as the client has it, with its own line breaks."""
        return "".join(self._lines)

    @property
    def normalized(self) -> str:
        """The whole text, lines ending in `\\n`. It is computed once a version."""
        if self._normalized is None:
            self._normalized = normalize(self.text)
        return self._normalized

    def replace(self, text: str) -> None:
        """Replace the whole text."""
        self._forget()
        self._lines = split_lines(text)

    def edit(self, start: Position, end: Position, text: str, encoding: Encoding) -> None:
        """Replace a range given in the client's units."""
        first, first_index = self._locate(start, encoding)
        last, last_index = self._locate(end, encoding)
        if (last, last_index) < (first, first_index):
            first, first_index, last, last_index = last, last_index, first, first_index
        tail = self._lines[last][last_index:]
        head = self._lines[first][:first_index]
        if not head and first > 0 and self._lines[first - 1].endswith("\r"):
            # The edit may put a `\n` behind the `\r` of the line above. The two are one line break then.
            first -= 1
            head = self._lines[first]
        joined = _join_surrogates(head + text + tail)
        new_lines = split_lines(joined)
        if last + 1 < len(self._lines):
            # The tail ended in a line break. So the last new line is empty, and the next old line takes its place.
            last_text = new_lines.pop()
            assert not last_text
        self._lines[first : last + 1] = new_lines
        self.last_edited_line = first
        self._forget()

    def frozen(self) -> FrozenDocument:
        """The document as it is now. The lines are copied once an edit."""
        last = self._frozen
        lines = last._lines if last else tuple(self._lines)
        new = FrozenDocument(self.uri, self.language_id, self.version, self.place, lines)
        if last is None or last != new:
            self._frozen = last = new
        return last

    def _forget(self) -> None:
        """Drop what was computed from the lines."""
        self._excerpt = self._normalized = self._frozen = None

    @property
    def excerpt(self) -> str:
        """The whole lines around the last edit, at most `EXCERPT_CHARACTERS`. Prompts of other files show them."""
        return self.excerpt_at[1]

    @property
    def excerpt_at(self) -> tuple[int, str]:
        """The excerpt's first line, and the excerpt."""
        if self._excerpt is None:
            self._excerpt = excerpt_around(self._lines, self.last_edited_line)
        return self._excerpt


def excerpt_around(lines: Sequence[str], middle: int) -> tuple[int, str]:
    """The first line of an excerpt, and the excerpt: whole lines around `middle`, at most `EXCERPT_CHARACTERS`."""
    middle = min(middle, len(lines) - 1)
    above = _whole_lines(reversed(lines[:middle]), EXCERPT_CHARACTERS // 2)
    first = middle - above
    room = EXCERPT_CHARACTERS - sum(map(len, lines[first:middle]))
    last = middle + _whole_lines(lines[middle:], room)
    return first, normalize("".join(lines[first:last]))


def _whole_lines(lines: Iterable[str], room: int) -> int:
    """The number of leading lines that fit into `room` characters."""
    count = 0
    for line in lines:
        room -= len(line)
        if room < 0:
            break
        count += 1
    return count


def _join_surrogates(text: str) -> str:
    """Join the surrogate halves of a character that arrived in different edits."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
    return text
