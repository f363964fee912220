"""Rules that watch the stream and say where the hole is filled.

Each rule is a function of the text so far that returns the length to keep, or None to go on. They see the text
grow; what they cut never reappears.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass

from lsp_server.postprocess.blocks import block_ends, later_lines, line_below
from lsp_server.postprocess.brackets import OPENERS, closer_follows
from lsp_server.postprocess.leaks import broken_character, code_fence, control_text, path_header
from lsp_server.snapshot import Snapshot

Rule = Callable[[str], int | None]

# Lines in a row that are looked at for a loop.
_MOST_LOOPING_LINES = 4
_NUM_LOOPS = 3
_LEAST_OF_A_LINE = 8  # characters that make a line one of its own: `end` and `});` stand anywhere


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


def rules_for(
    snapshot: Snapshot,
    multi_line: str,
    max_lines: int,
    stops: tuple[str, ...] = (),
    switched_off: Collection[str] = (),
) -> StopRules:
    """The rules for a hole. `multi_line` is the setting of that name; `stops` are texts that the model ends by.

    Those whose names are `switched_off` are left out.
    """
    rules: dict[str, Rule] = {
        "suffix start": suffix_start(snapshot),
        "block ends": block_ends(snapshot),
        "repetition": repetition,
        "control text": control_text(snapshot),
        "broken character": broken_character(snapshot),
        "code fence": code_fence(snapshot),
        "path header": path_header,
    }
    if stops:
        rules["end text"] = end_text(stops)
    follows = snapshot.line_suffix.strip()
    if follows[:1] in OPENERS:
        rules["closer follows"] = closer_follows(snapshot)
    if multi_line == "never" or (multi_line == "auto" and not _may_have_lines(snapshot)):
        rules["single line"] = line_limit(1)
    else:
        rules["line limit"] = line_limit(max_lines)
    return StopRules({name: rule for name, rule in rules.items() if name not in switched_off})


def _may_have_lines(snapshot: Snapshot) -> bool:
    """Whether nothing follows the cursor on its line, or only brackets that lines above have opened."""
    follows = snapshot.line_suffix.strip()
    return not follows or (not snapshot.line_prefix.strip() and not follows.strip("".join(OPENERS)))


def end_text(stops: tuple[str, ...]) -> Rule:
    """End before a text that stands for the end in the model's format, where no token does."""

    def rule(text: str) -> int | None:
        found = [at for stop in stops if (at := text.find(stop)) >= 0]
        return min(found, default=None)

    return rule


def repetition(text: str) -> int | None:
    """End after the first of three equal lines in a row, or of three equal groups of lines: the model loops.

    Lines without letters and digits repeat in good code.
    """
    rows = [(start - 1, end - 1) for start, end in later_lines("\n" + text) if text[start - 1 : end - 1].strip()]
    stripped = [text[start:end].strip() for start, end in rows]
    for first in range(len(rows)):
        for size in range(1, _MOST_LOOPING_LINES + 1):
            group = stripped[first : first + size]
            groups = [stripped[first + size * n : first + size * (n + 1)] for n in range(_NUM_LOOPS)]
            if all(each == group for each in groups) and re.search(r"\w", "".join(group)):
                return rows[first + size - 1][1]
    return None


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

    Compared are whole lines with their indentation, with the first line after the cursor's that is not blank. The
    cursor's own line counts where the model writes all of it.
    """
    expected = line_below(snapshot)
    before = snapshot.line_prefix
    is_blank = not before.strip() and not snapshot.line_suffix.strip()

    def rule(text: str) -> int | None:
        if expected is None:
            return None
        first, line_break, _ = text.partition("\n")
        if (
            line_break
            and is_blank
            and len(expected.strip()) >= _LEAST_OF_A_LINE
            and (before + first).rstrip() == expected
        ):
            return 0
        return next((start - 1 for start, end in later_lines(text) if text[start:end].rstrip() == expected), None)

    return rule
