"""Counts the bracket depth of a text."""

from __future__ import annotations

from lsp_server.languages.syntax import language

OPENERS = {")": "(", "]": "[", "}": "{"}
_QUOTES = "\"'`"
_BEFORE_AN_EXPRESSION = "(,=:[!&|?{};"


class BracketScan:
    """How deep a text is in brackets of one kind. Brackets in quotes and regular expressions do not count.

    An apostrophe in prose looks like a quote. Brackets behind it are then missed, but never counted wrongly.
    """

    def __init__(self, opener: str, closer: str, language_id: str = "") -> None:
        self.depth = 0
        self._steps = {opener: 1, closer: -1}
        self._has_regex_literals = language(language_id).has_regex_literals
        self._quote = ""
        self._escaped = False
        self._in_class = False
        self._last = ""

    def take(self, character: str) -> None:
        """Read the next character."""
        if self._escaped:
            self._escaped = False
        elif character == "\\":
            self._escaped = True
        elif self._quote == "/":
            self._take_in_regular_expression(character)
        elif self._quote:
            self._quote = "" if character in (self._quote, "\n") else self._quote
        elif character in _QUOTES or self._begins_regular_expression(character):
            self._quote = character
        else:
            self.depth += self._steps.get(character, 0)
        if not character.isspace():
            self._last = character

    def _begins_regular_expression(self, character: str) -> bool:
        return character == "/" and self._has_regex_literals and (self._last or "(") in _BEFORE_AN_EXPRESSION

    def _take_in_regular_expression(self, character: str) -> None:
        if character == "\n" or (character == "/" and not self._in_class):
            self._quote, self._in_class = "", False
        elif character in "[]":
            self._in_class = character == "["
