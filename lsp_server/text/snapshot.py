"""A document at one moment, frozen. Every stage behind the server works on it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from lsp_server.text.words import is_joined

_LONGEST_CHARACTER = 32  # a letter with its marks


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The text around a cursor.

    `prefix` and `suffix` are the text before and after the cursor, in code points. Their lines end in `\\n`;
    `line_break` is the document's own. In a very large document they hold only the part near the cursor. `path` is
    relative to the workspace, with forward slashes; people and prompts see it. `uri` identifies the document.
    `root` is the workspace folder and `project` its name; they are empty outside of all. `names` are the absolute paths
    (`Place`). `line` and `character` are the cursor's place, 0-based, in code points.
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
    root: str = ""
    names: tuple[str, ...] = ()

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
        """Whether the cursor is inside a word (`text.words`)."""
        before = self.prefix[-_LONGEST_CHARACTER:]
        return is_joined(before + self.suffix[:1], len(before))

    def with_word(self, start: int, text: str) -> Snapshot:
        """The document with `text` in place of the characters from `start` to the cursor. The cursor is behind it."""
        num_replaced = self.character - start
        before = replace(self, prefix=self.prefix[: len(self.prefix) - num_replaced], character=start)
        return before.accepting(text)

    def accepting(self, text: str) -> Snapshot:
        """The document with `text` inserted at the cursor. The cursor is behind `text`."""
        last_line = text.rpartition("\n")[2]
        line = self.line + text.count("\n")
        character = len(last_line) + (self.character if line == self.line else 0)
        return replace(self, prefix=self.prefix + text, line=line, character=character)


def normalize(text: str) -> str:
    """Text for prompts: `\\n` for every line break, and no lone surrogates, because no encoding can carry those."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text
