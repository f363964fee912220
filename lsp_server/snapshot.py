"""A document at one moment, frozen: what every stage after the server works on."""

from __future__ import annotations

import re
from dataclasses import dataclass

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


def normalize(text: str) -> str:
    """Text as prompts want it: `\\n` for every line break, and no lone surrogates, which no encoding can carry."""
    if "\r" in text:
        text = LINE_BREAK.sub("\n", text)
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text
