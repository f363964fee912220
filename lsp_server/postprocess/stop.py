"""Rules that watch the stream and say where the hole is filled.

Each rule is a function of the text so far that returns the length to keep, or None to go on. They see the text
grow; what they cut never reappears.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from lsp_server.snapshot import Snapshot

Rule = Callable[[str], int | None]

_OPENERS = {")": "(", "]": "[", "}": "{"}
_QUOTES = "\"'`"


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


def rules_for(snapshot: Snapshot, multi_line: str, max_lines: int, stops: tuple[str, ...] = ()) -> StopRules:
    """The rules for a hole. `multi_line` is the setting of that name; `stops` are texts that the model ends by."""
    rules: dict[str, Rule] = {
        "suffix start": suffix_start(snapshot),
        "block ends": block_ends(snapshot),
        "repetition": repetition,
    }
    if stops:
        rules["end text"] = end_text(stops)
    follows = snapshot.line_suffix.strip()
    if follows[:1] in _OPENERS:
        rules["closer follows"] = closer_follows(snapshot)
    if multi_line == "never" or (multi_line == "auto" and follows):
        rules["single line"] = line_limit(1)
    else:
        rules["line limit"] = line_limit(max_lines)
    return StopRules(rules)


def end_text(stops: tuple[str, ...]) -> Rule:
    """End before a text that stands for the end in the model's format, where no token does."""

    def rule(text: str) -> int | None:
        found = [at for stop in stops if (at := text.find(stop)) >= 0]
        return min(found, default=None)

    return rule


def block_ends(snapshot: Snapshot) -> Rule:
    """End before a line that is indented less than the one being written: its block is over.

    That line is the cursor's, or on a line still blank the first that the text writes. A line that begins with a
    closing bracket still belongs to the block, if it does not stand below already.
    """
    before = snapshot.line_prefix
    expected = line_below(snapshot)

    def rule(text: str) -> int | None:
        indent = _first_indent(before + text)
        for start, end in _later_lines(text):
            row = text[start:end]
            stripped = row.strip()
            if not stripped or len(row) - len(row.lstrip()) >= indent:
                continue
            closes = stripped[0] in _OPENERS and row.rstrip() != expected
            return end if closes else start - 1
        return None

    return rule


def _first_indent(text: str) -> int:
    """The indentation of the first line that is not blank, in characters."""
    stripped = text.lstrip()
    return len(text) - len(stripped) - (text.rfind("\n", 0, len(text) - len(stripped)) + 1)


def repetition(text: str) -> int | None:
    """End after the first of three lines in a row that are the same: the model is caught in a loop."""
    rows = [(start, end) for start, end in _later_lines("\n" + text) if text[start - 1 : end - 1].strip()]
    for (first, first_end), second, third in zip(rows, rows[1:], rows[2:], strict=False):
        same = {text[start - 1 : end - 1].strip() for start, end in ((first, first_end), second, third)}
        if len(same) == 1 and any(character.isalnum() for character in same.pop()):
            return first_end - 1
    return None


def _later_lines(text: str) -> Iterator[tuple[int, int]]:
    """Start and end of each complete line of a text after its first."""
    start = text.find("\n") + 1
    while start and (end := text.find("\n", start)) >= 0:
        yield start, end
        start = end + 1


def line_below(snapshot: Snapshot) -> str | None:
    """The first line below the cursor's that is not blank."""
    below = snapshot.suffix.partition("\n")[2]
    return next((line.rstrip() for line in below.split("\n") if line.strip()), None)


def closer_follows(snapshot: Snapshot) -> Rule:
    """End before the closing bracket that stands behind the cursor already.

    It is the first closer of its kind that nothing in the text opens, once those are spent that the line before the
    cursor opens beyond what follows: in `print(max(a, |)` the text still owes `max` its own.
    """
    rest = snapshot.line_suffix.strip()
    closer = rest[0]
    scan = BracketScan(_OPENERS[closer], closer)
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


class BracketScan:
    """How deep a text is in brackets of one kind, those in quotes not counted.

    An apostrophe in prose looks like a quote; brackets behind it are then missed, never counted wrongly.
    """

    def __init__(self, opener: str, closer: str) -> None:
        self.depth = 0
        self._steps = {opener: 1, closer: -1}
        self._quote = ""
        self._escaped = False

    def take(self, character: str) -> None:
        """Read the next character."""
        if self._escaped:
            self._escaped = False
        elif character == "\\":
            self._escaped = True
        elif self._quote:
            self._quote = "" if character in (self._quote, "\n") else self._quote
        elif character in _QUOTES:
            self._quote = character
        else:
            self.depth += self._steps.get(character, 0)


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
    expected = line_below(snapshot)

    def rule(text: str) -> int | None:
        rows = _later_lines(text) if expected is not None else ()
        return next((start - 1 for start, end in rows if text[start:end].rstrip() == expected), None)

    return rule
