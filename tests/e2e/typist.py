"""A person at an editor, as chance has it: documents of the client's own making, edits, and what is asked meanwhile.

Nothing of the server is imported: what a document is, and where things are in it, is worked out here anew.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

LINE_BREAK = re.compile(r"\r\n|\r|\n")
BYTES_OF_A_UNIT = {"utf-8": 1, "utf-16": 2, "utf-32": 4}
CODEC = {"utf-8": "utf-8", "utf-16": "utf-16-le", "utf-32": "utf-32-le"}
CLOSERS = {"(": ")", "[": "]", "{": "}", '"': '"'}
LETTERS = "abefnrst_01 .,:=#\té…漢😀\u2028\f"
WORDS = ("self.", "return ", "if ", "value", "for ", "naïve", "名前", "'👩‍👩‍👧'", "None", " = ", "len(")
PASTED = (
    "if value is None:\n    return 0\n",
    "# Größe → 📏\n",
    "x = {'é': '😀😀', 'b': [1, 2]}\ny = x\n",
    "def area(width, height):\n    return width * height\n\n",
    "one",
)


@dataclass(frozen=True)
class Place:
    """A document at one moment and the cursor in it, as an index into its text."""

    uri: str
    text: str
    cursor: int

    @property
    def before(self) -> str:
        return self.text[: self.cursor]

    @property
    def after(self) -> str:
        return self.text[self.cursor :]


@dataclass
class File:
    """An open document. Edits are kept to be undone: where, what was inserted, and what that replaced."""

    uri: str
    text: str
    encoding: str
    cursor: int = 0
    done: list[tuple[int, str, str]] = field(default_factory=list)

    @property
    def line_break(self) -> str:
        return LINE_BREAK.search(self.text)[0]

    @property
    def start(self) -> int:
        """The first line is left as it is: it says what line breaks the document has."""
        return LINE_BREAK.search(self.text).end()

    def place(self) -> Place:
        return Place(self.uri, self.text, self.cursor)

    def position(self, index: int) -> dict[str, int]:
        """Where a character is, in the units agreed on."""
        line_start, line = 0, 0
        for match in LINE_BREAK.finditer(self.text, 0, index):
            line_start, line = match.end(), line + 1
        encoded = self.text[line_start:index].encode(CODEC[self.encoding])
        return {"line": line, "character": len(encoded) // BYTES_OF_A_UNIT[self.encoding]}

    def index(self, position: dict[str, int]) -> int:
        """The character at a place, which must be one: not inside a character, and not past its line's end."""
        starts = [0, *(match.end() for match in LINE_BREAK.finditer(self.text))]
        line = LINE_BREAK.split(self.text[starts[position["line"]] :], maxsplit=1)[0]
        encoded = line.encode(CODEC[self.encoding])
        num_bytes = position["character"] * BYTES_OF_A_UNIT[self.encoding]
        assert num_bytes <= len(encoded), "past the end of the line"
        return starts[position["line"]] + len(encoded[:num_bytes].decode(CODEC[self.encoding]))

    def edit(self, start: int, end: int, inserted: str, *, is_undo: bool = False) -> dict[str, object]:
        """Replace what is between two places; the change as the server is told of it."""
        change = {"range": {"start": self.position(start), "end": self.position(end)}, "text": inserted}
        if not is_undo:
            self.done.append((start, inserted, self.text[start:end]))
        self.text = self.text[:start] + inserted + self.text[end:]
        self.cursor = start + len(inserted)
        return change


class Typist:
    """Makes edits in one document after another. `ghost` is what is shown at the cursor, empty for nothing."""

    def __init__(self, files: list[File], seed: int) -> None:
        self.random = random.Random(seed)
        self.files = files
        self.file = files[0]
        self.ghost = ""

    def changes(self) -> Iterator[dict[str, object]]:
        """The changes of the next thing done: each is to be sent before the next is made.

        Where they insert what is shown, the rest stays shown.
        """
        deeds = {
            self._agree: 30 if self.ghost else 0,
            self._accept: 12 if self.ghost else 0,
            self._letters: 14,
            self._word: 8,
            self._bracket: 4,
            self._line: 10,
            self._paste: 4,
            self._backspace: 10,
            self._delete_lines: 3,
            self._undo: 6,
            self._move: 6,
            self._other_file: 3,
        }
        (deed,) = self.random.choices(list(deeds), list(deeds.values()))
        shown, self.ghost = self.ghost, ""
        return deed(shown)

    def _insert(self, text: str) -> dict[str, object]:
        return self.file.edit(self.file.cursor, self.file.cursor, text)

    def _agree(self, shown: str) -> Iterator[dict[str, object]]:
        """Type what is shown, letter by letter; a line break is one key."""
        self.ghost = shown
        for _ in range(self.random.randint(1, 4)):
            if self.ghost:
                key = "\r\n" if self.ghost.startswith("\r\n") else self.ghost[0]
                self.ghost = self.ghost[len(key) :]
                yield self._insert(key)

    def _accept(self, shown: str) -> Iterator[dict[str, object]]:
        """All of it, a word or a line."""
        first = re.match(self.random.choice([r".*", r"\s*(\w+|\W)", r"\s*[^\r\n]*"]), shown, re.DOTALL)
        self.ghost = shown[first.end() :]
        yield self._insert(first[0])

    def _letters(self, _: str) -> Iterator[dict[str, object]]:
        for letter in self.random.choices(LETTERS, k=self.random.randint(1, 3)):
            yield self._insert(letter)

    def _word(self, _: str) -> Iterator[dict[str, object]]:
        yield self._insert(self.random.choice(WORDS))

    def _bracket(self, _: str) -> Iterator[dict[str, object]]:
        """A bracket is opened, and the editor closes it."""
        opener = self.random.choice(list(CLOSERS))
        yield self._insert(opener + CLOSERS[opener])
        self.file.cursor -= 1

    def _line(self, _: str) -> Iterator[dict[str, object]]:
        """Enter, with the line's indentation, at the end of a line as a rule."""
        if self.random.random() < 0.8:
            end = LINE_BREAK.search(self.file.text, self.file.cursor)
            self.file.cursor = end.start() if end else len(self.file.text)
        line = LINE_BREAK.split(self.file.text[: self.file.cursor])[-1]
        yield self._insert(self.file.line_break + re.match("[ \t]*", line)[0])

    def _paste(self, _: str) -> Iterator[dict[str, object]]:
        yield self._insert(self.random.choice(PASTED).replace("\n", self.file.line_break))

    def _backspace(self, _: str) -> Iterator[dict[str, object]]:
        for _ in range(self.random.randint(1, 6)):
            end = self.file.cursor
            size = 2 if self.file.text.endswith("\r\n", 0, end) else 1
            if end - size >= self.file.start:
                yield self.file.edit(end - size, end, "")

    def _delete_lines(self, _: str) -> Iterator[dict[str, object]]:
        start, end = sorted((self._somewhere(), self._somewhere()))
        yield self.file.edit(start, min(end, self._whole(start + 60)), "")

    def _undo(self, _: str) -> Iterator[dict[str, object]]:
        for _ in range(self.random.randint(1, 3)):
            if self.file.done:
                start, inserted, replaced = self.file.done.pop()
                yield self.file.edit(start, start + len(inserted), replaced, is_undo=True)

    def _move(self, _: str) -> Iterator[dict[str, object]]:
        """To another place, which is no edit."""
        self.file.cursor = self._somewhere()
        yield from ()

    def _other_file(self, _: str) -> Iterator[dict[str, object]]:
        self.file = self.random.choice(self.files)
        yield from ()

    def _somewhere(self) -> int:
        """A place between two characters, often the end of a line."""
        index = self.random.randint(self.file.start, len(self.file.text))
        end = LINE_BREAK.search(self.file.text, index)
        return end.start() if end and self.random.random() < 0.6 and end.start() >= index else self._whole(index)

    def _whole(self, index: int) -> int:
        """A place that is not inside a line break."""
        index = min(index, len(self.file.text))
        return index + (self.file.text[index - 1 : index + 1] == "\r\n")
