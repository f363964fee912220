"""Rules that watch the stream and say where the text ends.

A rule is a function of the text so far. It returns the length to keep, or None to go on. A cut is final: it ends the
generation.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass

from lsp_server.languages.syntax import language
from lsp_server.postprocess.blocks import block_ends, indentation, later_lines, line_below, lines_below
from lsp_server.postprocess.brackets import OPENERS
from lsp_server.postprocess.leaks import broken_character, code_fence, control_text, path_header
from lsp_server.postprocess.loops import repeated_phrase, repetition
from lsp_server.postprocess.repeats import closer_follows
from lsp_server.postprocess.statements import unreachable
from lsp_server.text.snapshot import Snapshot
from lsp_server.text.window import readable

# Ends of a text that ran past its natural end: too long, unreachable, or repeating itself. `length` is the engine's.
ENDS_BY_OVERRUN = ("length", "line limit", "unreachable", "repetition", "repeated phrase")

Rule = Callable[[str], int | None]

_BLANK_LINES = re.compile(r"\n(?:[ \t]*\n)*")
_MIN_OF_A_LINE = 8  # characters. A shorter line is not recognised: `end` and `});` stand anywhere
_MIN_TO_TELL = 16  # characters. A shorter line may be written again by chance, such as `return False`


@dataclass(frozen=True, slots=True)
class Cut:
    """Where a rule ends the text, and the rule's name for the trace."""

    length: int
    rule: str


class StopRules:
    """All rules for one request."""

    def __init__(self, rules: dict[str, Rule]) -> None:
        self._rules = rules
        self._num_passed = 0  # characters with which no rule ends the text

    def check(self, text: str) -> Cut | None:
        """The earliest cut in the text so far, if any.

        A rule may look past the place where it cuts. So this bisects for the shortest text that triggers a rule: the
        result does not depend on the pieces in which the text arrives.
        """
        if self._earliest(text) is None:
            self._num_passed = len(text)
            return None
        passed, ended = min(self._num_passed, len(text) - 1), len(text)
        while ended - passed > 1:
            middle = (passed + ended) // 2
            if self._earliest(text[:middle]) is None:
                passed = middle
            else:
                ended = middle
        return self._earliest(text[:ended])

    def _earliest(self, text: str) -> Cut | None:
        cuts = [Cut(length, name) for name, rule in self._rules.items() if (length := rule(text)) is not None]
        return min(cuts, key=lambda cut: cut.length, default=None)


def rules_for(
    snapshot: Snapshot,
    multi_line: str,
    max_lines: int,
    stops: tuple[str, ...] = (),
    switched_off: Collection[str] = (),
) -> StopRules:
    """The rules for a hole. `multi_line` is the setting of that name. `stops` are plain texts that end the answer.

    Rules named in `switched_off` are left out.
    """
    snapshot = readable(snapshot)
    rules: dict[str, Rule] = {
        "suffix start": suffix_start(snapshot),
        "block ends": block_ends(snapshot),
        "repetition": repetition,
        "repeated phrase": repeated_phrase(),
        "control text": control_text(snapshot),
        "broken character": broken_character(snapshot),
        "code fence": code_fence(snapshot),
        "path header": path_header,
    }
    if stops:
        rules["end text"] = end_text(stops)
    if language(snapshot.language_id).has_python_blocks:
        rules["unreachable"] = unreachable(snapshot)
    follows = snapshot.line_suffix.strip()
    if follows[:1] in OPENERS:
        rules["closer follows"] = closer_follows(snapshot)
    if multi_line == "never" or (multi_line == "auto" and not _may_have_lines(snapshot)):
        rules["single line"] = line_limit(1)
    else:
        rules["line limit"] = line_limit(max_lines)
    return StopRules({name: rule for name, rule in rules.items() if name not in switched_off})


def _may_have_lines(snapshot: Snapshot) -> bool:
    """Whether nothing follows the cursor on its line, or only brackets that lines above opened."""
    follows = snapshot.line_suffix.strip()
    return not follows or (not snapshot.line_prefix.strip() and not follows.strip("".join(OPENERS)))


def end_text(stops: tuple[str, ...]) -> Rule:
    """End before a text that marks the end in the model's format, if no token does."""

    def rule(text: str) -> int | None:
        found = [at for stop in stops if (at := text.find(stop)) >= 0]
        return min(found, default=None)

    return rule


def line_limit(max_lines: int) -> Rule:
    """End before the line break that ends the last allowed line. Blank lines at the start do not count."""

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

    Whole lines are compared, with their indentation, to the first line below the cursor's that is not blank. The
    cursor's own line counts if the model writes all of it. What follows the cursor there is not written twice. A short
    line, or one that stands at other places too, counts only if the text goes on as the suffix does.
    """
    expected, following = (*lines_below(snapshot, 2), None, None)[:2]
    rest = snapshot.line_suffix.rstrip()
    next_line_check = _head(following) if expected and following and _is_common(expected, snapshot) else ""

    def goes_on_as_below(text: str, end: int) -> bool:
        return _BLANK_LINES.sub("", text[end:], count=1).startswith(next_line_check)

    def rule(text: str) -> int | None:
        if expected is None:
            return None
        first, line_break, _ = text.partition("\n")
        if line_break and is_line_below(first, snapshot) and goes_on_as_below(text, len(first)):
            return 0
        for start, end in later_lines(text):
            if text[start:end].rstrip() == expected and goes_on_as_below(text, end):
                above = text[: start - 1].rstrip()
                return len(above) - len(rest) if rest.strip() and above.endswith(rest) else start - 1
        return None

    return rule


def is_line_below(line: str, snapshot: Snapshot) -> bool:
    """Whether a text writes all of the cursor's line, and that line stands below."""
    before = snapshot.line_prefix
    writes_all = not before.strip() and not snapshot.line_suffix.strip()
    return writes_all and len(line.strip()) >= _MIN_OF_A_LINE and (before + line).rstrip() == line_below(snapshot)


def _is_common(line: str, snapshot: Snapshot) -> bool:
    """Whether a line is short, or stands at several places of the document."""
    document = f"{snapshot.prefix}\n{snapshot.suffix}".split("\n")
    return len(line.strip()) < _MIN_TO_TELL or sum(each.rstrip() == line for each in document) > 1


def _head(line: str) -> str:
    """As much of a line's beginning as identifies it."""
    return line[: indentation(line) + _MIN_TO_TELL]
