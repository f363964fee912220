"""Rules that watch the stream and say where the hole is filled.

Each rule is a function of the text so far that returns the length to keep, or None to go on. They see the text
grow; what they cut never reappears.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from lsp_server.snapshot import Snapshot

Rule = Callable[[str], int | None]


@dataclass(frozen=True, slots=True)
class Cut:
    """Where a rule ends the text, and its name for the trace."""

    length: int
    rule: str


class StopRules:
    """All rules for one request."""

    def __init__(self, rules: dict[str, Rule]) -> None:
        self._rules = rules

    def check(self, text: str) -> Cut | None:
        """The earliest cut in the text so far, if any."""
        cuts = [Cut(length, name) for name, rule in self._rules.items() if (length := rule(text)) is not None]
        return min(cuts, key=lambda cut: cut.length, default=None)


def rules_for(snapshot: Snapshot, multi_line: str, max_lines: int) -> StopRules:
    """The rules for a hole. `multi_line` is the setting of that name."""
    rules: dict[str, Rule] = {"suffix start": suffix_start(snapshot)}
    follows = snapshot.line_suffix.strip()
    if multi_line == "never" or (multi_line == "auto" and follows):
        rules["single line"] = line_limit(1)
    else:
        rules["line limit"] = line_limit(max_lines)
    return StopRules(rules)


def line_limit(max_lines: int) -> Rule:
    """End before the line break that ends the last allowed line; lines before the first text do not count."""

    def rule(text: str) -> int | None:
        start = len(text) - len(text.lstrip())
        position = start - 1
        for _ in range(max_lines):
            position = text.find("\n", position + 1)
            if position < 0 or (position < start):
                return None
        return position

    return rule


def suffix_start(snapshot: Snapshot) -> Rule:
    """End before a line that stands below the cursor already: the model has run on into the suffix.

    Compared are whole lines with their indentation, with the first line after the cursor's that is not blank.
    """
    below = snapshot.suffix.partition("\n")[2]
    expected = next((line.rstrip() for line in below.split("\n") if line.strip()), None)

    def rule(text: str) -> int | None:
        position = text.find("\n")
        while expected is not None and position >= 0:
            end = text.find("\n", position + 1)
            if end < 0:
                return None
            if text[position + 1 : end].rstrip() == expected:
                return position
            position = end
        return None

    return rule
