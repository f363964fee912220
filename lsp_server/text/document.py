"""An open document: its lines, its edits, and positions in the client's encoding.

pygls' own `TextDocument` is not used. It splits lines as `str.splitlines` does, so a form feed or U+2028 shifts every
later line and corrupts incremental sync.
"""

from __future__ import annotations

import functools
import io
import itertools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import NamedTuple

from lsp_server.text.long_line import LONG_CHARACTERS, LongLine
from lsp_server.text.place import Place
from lsp_server.text.snapshot import Snapshot, normalize
from lsp_server.text.units import START, Encoding, Mark, mark_at_index, mark_at_units

# The text on each side of the cursor that a snapshot carries, in lines and code points. It exceeds any model's context
# length, and it keeps a keystroke in a huge file as cheap as in a small one.
SNAPSHOT_LINES = 4000
SNAPSHOT_CHARACTERS = 200_000
# The start of that text moves in steps. So anchors last while text is typed, and the prompt's head stays the same while
# the cursor moves.
SNAPSHOT_STEP_LINES = 1000
SNAPSHOT_STEP_CHARACTERS = 50_000
EXCERPT_CHARACTERS = 900  # only a part of what `context.max_tokens` allows


SOME_EDITS = 4  # so many in turn on a huge line are worth its pieces


@dataclass(frozen=True, slots=True)
class Position:
    """A 0-based line, and a character in the client's units or in code points."""

    line: int
    character: int


class Edit(NamedTuple):
    """A range in the client's units, and what takes its place."""

    start: Position
    end: Position
    text: str


def split_lines(text: str) -> list[str]:
    """The lines with their line breaks. The last line has none, and may be empty.

    LSP 3.18, "Text Documents": a line ends in `\\n`, `\\r` or `\\r\\n`; form feed and U+2028 are ordinary text.
    """
    lines = io.StringIO(text, newline="").readlines()
    if not lines or lines[-1].endswith(("\n", "\r")):
        lines.append("")
    return lines


def _length(line: str) -> int:
    """The length of a line without its line break."""
    if line.endswith("\r\n"):
        return len(line) - 2
    return len(line) - line.endswith(("\n", "\r"))


class _Readable:
    """What a document can be asked, open or frozen."""

    uri: str
    language_id: str
    version: int
    _lines: Sequence[str]
    _mark: _LineMark | None

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
        line = self._lines[index]
        return line[: _length(line)]

    def snapshot(self, line: int, character: int) -> Snapshot:
        """Freeze the text around a cursor, given in code points. A cursor outside the text is moved into it.

        The work is bounded too: no line is read farther than the snapshot holds of it.
        """
        line = max(0, min(line, len(self._lines) - 1))
        current = self._lines[line]
        character = max(0, min(character, _length(current)))
        first = max(0, line - SNAPSHOT_LINES) // SNAPSHOT_STEP_LINES * SNAPSHOT_STEP_LINES
        above = self._lines[first:line]
        num_before = sum(map(len, above)) + character
        start = -(-max(0, num_before - SNAPSHOT_CHARACTERS) // SNAPSHOT_STEP_CHARACTERS) * SNAPSHOT_STEP_CHARACTERS
        here = current[max(0, character - (num_before - start)) : character]
        before = _last_characters(above, num_before - start - len(here)) + here
        after = current[character : character + SNAPSHOT_CHARACTERS]
        below = self._lines[line + 1 : line + 1 + SNAPSHOT_LINES]
        after += _first_characters(below, SNAPSHOT_CHARACTERS - len(after))
        place = self.place
        return Snapshot(
            uri=self.uri,
            version=self.version,
            language_id=self.language_id,
            path=place.path,
            prefix=normalize(before),
            suffix=normalize(after),
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
        return first[_length(first) :] or "\n"

    def code_points(self, position: Position, encoding: Encoding) -> Position:
        """A client's position, converted to code points and moved into the text."""
        line, index = self._locate(position, encoding)
        return Position(line, index)

    def units(self, position: Position, encoding: Encoding) -> Position:
        """A position in code points, converted to the client's units."""
        line = self._lines[position.line]
        index = min(position.character, _length(line))
        return Position(position.line, mark_at_index(line, index, encoding, self._near(position.line, encoding)).units)

    def _near(self, line: int, encoding: Encoding) -> Mark:
        """A place in a line whose units are known."""
        known = self._mark
        return known.mark if known is not None and (known.line, known.encoding) == (line, encoding) else START

    def _locate(self, position: Position, encoding: Encoding) -> tuple[int, int]:
        """The line, and the index in it. Past the end of a line is its end; past the last line is the text's end."""
        if position.line < 0:
            return 0, 0
        if position.line >= len(self._lines):
            return len(self._lines) - 1, len(self._lines[-1])
        line = self._lines[position.line]
        mark = mark_at_units(line, position.character, encoding, self._near(position.line, encoding))
        if mark.index > _length(line):
            return position.line, _length(line)
        self._remember(_LineMark(position.line, encoding, mark))
        return position.line, mark.index

    def _remember(self, mark: _LineMark) -> None:
        """Keep a mark, because the next place is near."""


class _LineMark(NamedTuple):
    """A place in a line whose units are known in an encoding."""

    line: int
    encoding: Encoding
    mark: Mark


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
    _mark: _LineMark | None = field(default=None, compare=False)

    @property
    def place(self) -> Place:
        """Where the document was."""
        return self._place

    @property
    def root(self) -> Path | None:
        """Its workspace folder, or None."""
        return Path(self._place.root) if self._place.root else None

    @functools.cached_property
    def text(self) -> str:
        """The whole text, lines ending in `\\n`, without lone surrogates. In a huge document this takes time."""
        return normalize("".join(self._lines))

    def whole(self) -> str:
        """`text`, as a function for a thread to call."""
        return self.text

    @functools.cached_property
    def lines(self) -> tuple[str, ...]:
        """The lines without line breaks and without lone surrogates."""
        return tuple(self.text.split("\n"))


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
        self._mark: _LineMark | None = None
        self.is_saved = True  # whether the file has this text, as far as the client has told
        self._excerpt: tuple[int, str] | None = None
        self._frozen: FrozenDocument | None = None

    @property
    def place(self) -> Place:
        """Where the document is now."""
        return self._find_place()

    @property
    def text(self) -> str:
        """The whole text, as the client has it, with its own line breaks."""
        return "".join(self._lines)

    def replace(self, text: str) -> None:
        """Replace the whole text."""
        self._forget()
        self._mark = None
        self._lines = split_lines(text)

    def edit(self, start: Position, end: Position, text: str, encoding: Encoding) -> None:
        """Replace a range given in the client's units."""
        last, last_index = self._locate(end, encoding)
        first, first_index = self._locate(start, encoding)  # last, because this place stays known after the edit
        if (last, last_index) < (first, first_index):
            first, first_index, last, last_index = last, last_index, first, first_index
        if first_index == 0 and first > 0 and self._lines[first - 1].endswith("\r"):
            # The edit may put a `\n` behind the `\r` of the line above. The two are one line break then.
            first -= 1
            first_index = len(self._lines[first])
        head, tail = self._lines[first], self._lines[last]
        # The new text with its neighbours, which it may join: halves of a character, halves of a line break.
        before, after = max(0, first_index - 1), last_index + 1 if last_index < _length(tail) else len(tail)
        parted = head[before:first_index] + text + tail[last_index:after]
        joined = _join_surrogates(parted)
        known = self._mark
        if known and (len(joined) < len(parted) or (known.line, known.mark.index) > (first, first_index)):
            self._mark = None
        new_lines = split_lines(joined)
        new_lines[-1] += tail[after:]
        new_lines[0] = head[:before] + new_lines[0]
        if last + 1 < len(self._lines) and not new_lines[-1]:
            new_lines.pop()  # the new text ended in a line break, so the next old line takes the place of the last
        self._lines[first : last + 1] = new_lines
        self.last_edited_line = first
        self._forget()

    def edit_all(self, edits: Iterable[Edit], encoding: Encoding) -> None:
        """Edit many times in turn. Each range is one of the text that the edits before it left."""
        for line, run in itertools.groupby(edits, self._huge_line_of):
            in_line = [] if line is None else list(run)
            if line is None or len(in_line) < SOME_EDITS:
                for each in in_line or run:
                    self.edit(*each, encoding)
                continue
            old = self._lines[line]
            edited = LongLine(old[: _length(old)], encoding)
            for start, end, text in in_line:
                edited.replace(start.character, end.character, text)
            self._lines[line] = _join_surrogates(edited.text) + old[_length(old) :]
            self.last_edited_line = line
            self._mark = None
            self._forget()

    def _huge_line_of(self, edit: Edit) -> int | None:
        """The line that an edit stays in, if it is huge."""
        line = edit.start.line
        if edit.end.line != line or not 0 <= line < len(self._lines) or "\n" in edit.text or "\r" in edit.text:
            return None
        return line if len(self._lines[line]) > LONG_CHARACTERS else None

    def is_still(self, frozen: FrozenDocument) -> bool:
        """Whether the document is as it was frozen. Nothing is copied to tell."""
        return self._frozen is not None and self.frozen() == frozen

    def frozen(self) -> FrozenDocument:
        """The document as it is now. The lines are copied once an edit."""
        last = self._frozen
        lines = last._lines if last else tuple(self._lines)
        new = FrozenDocument(self.uri, self.language_id, self.version, self.place, lines, self._mark)
        if last is None or last != new:
            self._frozen = last = new
        return last

    def _remember(self, mark: _LineMark) -> None:
        self._mark = mark

    def _forget(self) -> None:
        """Drop what was computed from the lines."""
        self._excerpt = self._frozen = None

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
    above = _whole_lines(map(lines.__getitem__, range(middle - 1, -1, -1)), EXCERPT_CHARACTERS // 2)
    first = middle - above
    room = EXCERPT_CHARACTERS - sum(map(len, lines[first:middle]))
    last = middle + _whole_lines(map(lines.__getitem__, range(middle, len(lines))), room)
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


def _first_characters(lines: Iterable[str], room: int) -> str:
    """The first characters of some lines."""
    found = []
    for line in lines:
        if room <= 0:
            break
        found.append(line[:room])
        room -= len(line)
    return "".join(found)


def _last_characters(lines: Sequence[str], room: int) -> str:
    """The last characters of some lines."""
    found = []
    for line in reversed(lines):
        if room <= 0:
            break
        found.append(line[-room:])
        room -= len(line)
    return "".join(reversed(found))


def _join_surrogates(text: str) -> str:
    """Join the surrogate halves of a character that arrived in different edits."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
    return text
