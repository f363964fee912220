"""Brackets: how deep a text is in them, and when it closes one that stands behind the cursor already."""

from __future__ import annotations

from collections.abc import Callable

from lsp_server.snapshot import Snapshot

OPENERS = {")": "(", "]": "[", "}": "{"}
_QUOTES = "\"'`"
_HAS_REGULAR_EXPRESSIONS = {
    *("javascript", "typescript", "javascriptreact", "typescriptreact", "vue", "svelte", "ruby", "perl"),
}
_BEFORE_AN_EXPRESSION = "(,=:[!&|?{};"


class BracketScan:
    """How deep a text is in brackets of one kind, those in quotes and regular expressions not counted.

    An apostrophe in prose looks like a quote; brackets behind it are then missed, never counted wrongly.
    """

    def __init__(self, opener: str, closer: str, language_id: str = "") -> None:
        self.depth = 0
        self._steps = {opener: 1, closer: -1}
        self._has_regular_expressions = language_id in _HAS_REGULAR_EXPRESSIONS
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
        return character == "/" and self._has_regular_expressions and (self._last or "(") in _BEFORE_AN_EXPRESSION

    def _take_in_regular_expression(self, character: str) -> None:
        if character == "\n" or (character == "/" and not self._in_class):
            self._quote, self._in_class = "", False
        elif character in "[]":
            self._in_class = character == "["


def closer_follows(snapshot: Snapshot) -> Callable[[str], int | None]:
    """End before the closing bracket that stands behind the cursor already.

    It is the first closer of its kind that nothing in the text opens, once those are spent that the line before the
    cursor opens beyond what follows: in `print(max(a, |)` the text still owes `max` its own.
    """
    rest = snapshot.line_suffix.strip()
    closer = rest[0]
    scan = BracketScan(OPENERS[closer], closer, snapshot.language_id)
    for character in snapshot.line_prefix:
        scan.take(character)
    num_following = len(rest) - len(rest.lstrip(closer))
    scan.depth = max(0, scan.depth - num_following)
    num_scanned, found = 0, None

    def rule(text: str) -> int | None:
        nonlocal num_scanned, found
        while found is None and num_scanned < len(text):
            scan.take(text[num_scanned])
            if scan.depth < 0:
                found = num_scanned
            num_scanned += 1
        return found

    return rule
