"""A document at one moment, frozen: what every stage after the server works on."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

_WORD_CHARACTER = re.compile(r"\w")
LINE_BREAK = re.compile(r"\r\n|\r|\n")  # LSP 3.18, "Text Documents"; form feed and U+2028 are ordinary text


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The text around a cursor.

    `prefix` and `suffix` are the text before and after the cursor, in code points, lines ending in `\\n` whatever
    the document uses (`line_break`). For very large documents they hold the part near the cursor.
    `path` is relative to the workspace, with forward slashes, for people and prompts; `uri` identifies.
    `project` is the name of the workspace folder, empty outside of all. `line` and `character` are the cursor,
    0-based, in code points.
    """

    uri: str
    version: int
    language_id: str
    path: str
    prefix: str
    suffix: str
    line: int
    character: int
    line_break: str = "\n"
    project: str = ""

    @property
    def line_prefix(self) -> str:
        """The text of the cursor's line before the cursor."""
        return self.prefix[self.prefix.rfind("\n") + 1 :]

    @property
    def line_suffix(self) -> str:
        """The text of the cursor's line after the cursor."""
        return self.suffix.partition("\n")[0]

    @property
    def is_inside_word(self) -> bool:
        """Whether the cursor has letters, digits or underscores on both sides."""
        return bool(_WORD_CHARACTER.match(self.prefix[-1:]) and _WORD_CHARACTER.match(self.suffix[:1]))

    def with_word(self, start: int, text: str) -> Snapshot:
        """As if `text` stood between character `start` of the cursor's line and the cursor, which is then behind it."""
        num_replaced = self.character - start
        prefix = self.prefix[: len(self.prefix) - num_replaced] + text
        return replace(self, prefix=prefix, character=start + len(text))

    def accepting(self, text: str) -> Snapshot:
        """The document with `text` inserted at the cursor, which is then behind it."""
        last_line = text.rpartition("\n")[2]
        line = self.line + text.count("\n")
        character = len(last_line) + (self.character if line == self.line else 0)
        return replace(self, prefix=self.prefix + text, line=line, character=character)


def normalize(text: str) -> str:
    """Text as prompts want it: `\\n` for every line break, and no lone surrogates, which no encoding can carry."""
    if "\r" in text:
        text = LINE_BREAK.sub("\n", text)
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text
