"""Tracks strings of several lines. Indentation inside them says nothing about blocks."""

from __future__ import annotations

import re

from lsp_server.languages.syntax import language

_HERE_DOCUMENT = re.compile(r"<<[-~<]?\s*(['\"]?)([A-Z_a-z]\w*)\1")


class LineStrings:
    """Follows a text line by line. `before` is the document's text before it: a string may begin there."""

    def __init__(self, language_id: str, before: str) -> None:
        syntax = language(language_id)
        self._quotes = syntax.multi_line_strings
        self._has_here_documents = syntax.has_here_documents
        # A quote before the cursor that nothing closes. Comments are taken for code, which is rarely wrong.
        self._open = next((quote for quote in self._quotes if before.count(quote) % 2), "")
        self._terminator = ""

    @property
    def is_inside(self) -> bool:
        """Whether the next line begins inside a string."""
        return bool(self._open or self._terminator)

    def take(self, line: str) -> None:
        """Read a line."""
        if self._terminator:
            self._terminator = "" if line.strip() == self._terminator else self._terminator
            return
        position = 0
        while True:
            quotes = (self._open,) if self._open else self._quotes
            found = [(at, quote) for quote in quotes if (at := line.find(quote, position)) >= 0]
            if not found:
                break
            at, quote = min(found)
            self._open = "" if self._open else quote
            position = at + len(quote)
        if self._has_here_documents and not self._open and (match := _HERE_DOCUMENT.search(line)):
            self._terminator = match[2]
