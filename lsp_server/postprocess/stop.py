"""Rules that watch the stream and say where the text ends.

A rule is a function of the text so far. It returns the length to keep, or None to go on. A cut is final: it ends the
generation.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import cache, lru_cache

from lsp_server.languages.syntax import language
from lsp_server.postprocess.below import suffix_start
from lsp_server.postprocess.blocks import block_ends
from lsp_server.postprocess.leaks import broken_character, code_fence, control_text, opening_fence, path_header
from lsp_server.postprocess.limits import line_limit, may_have_lines, single_line
from lsp_server.postprocess.loops import endless_phrase, repetition
from lsp_server.postprocess.repeats import begins_with_closer, closer_follows
from lsp_server.postprocess.statements import unreachable
from lsp_server.text.snapshot import Snapshot
from lsp_server.text.window import readable

# Ends of a text that ran past its natural end: too long, unreachable, or repeating itself. `length` is the engine's.
ENDS_BY_OVERRUN = ("length", "line limit", "unreachable", "repetition", "repeated phrase")

Rule = Callable[[str], int | None]


@dataclass(frozen=True, slots=True)
class Cut:
    """Where a rule ends the text, and the rule's name for the trace."""

    length: int
    rule: str


class StopRules:
    """All rules for one request."""

    def __init__(self, rules: dict[str, Rule], num_dropped: Callable[[str], int] = lambda _: 0) -> None:
        self._rules = rules
        self._num_dropped = num_dropped  # characters at the start of a text, which filters drop
        self._num_passed = 0  # characters with which no rule ends the text

    @property
    def names(self) -> Collection[str]:
        """The names of the rules."""
        return self._rules.keys()

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
        start = self._num_dropped(text)
        judged = text[start:]
        cuts = [Cut(start + length, name) for name, rule in self._rules.items() if (length := rule(judged)) is not None]
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
        "suffix start": of_lines(suffix_start, snapshot),
        "repetition": of_lines(repetition, snapshot),
        "repeated phrase": endless_phrase(),
        "control text": control_text(snapshot),
        "broken character": broken_character(snapshot),
        "code fence": code_fence(snapshot),
        "path header": of_lines(path_header, snapshot),
    }
    if stops:
        rules["end text"] = end_text(stops)
    if language(snapshot.language_id).has_python_blocks:
        rules["unreachable"] = unreachable(snapshot)
    if not snapshot.line_suffix.strip(")]};, \t"):  # else the text ends inside a line, whose block is known already
        rules["block ends"] = of_lines(block_ends, snapshot)
    if begins_with_closer(snapshot):
        rules["closer follows"] = closer_follows(snapshot, may_go_on=multi_line == "always")
    if multi_line == "always" or (multi_line == "auto" and may_have_lines(snapshot)):
        rules["line limit"] = line_limit(max_lines)
    elif snapshot.line_suffix.strip():
        rules["single line"] = single_line(snapshot, max_lines if multi_line == "auto" else 1)
    else:
        rules["single line"] = line_limit(1)
    num_dropped = (lambda _: 0) if "code fence" in switched_off else opening_fence(snapshot)
    return StopRules({name: rule for name, rule in rules.items() if name not in switched_off}, num_dropped)


def of_lines(make: Callable[[Snapshot], Rule], snapshot: Snapshot) -> Rule:
    """A rule that looks at whole lines only. It is made when the first line is complete, and asked once a line.

    So a key that is overtaken by the next one costs none of the reading that such rules do.
    """
    made = cache(lambda: make(snapshot))
    judge = lru_cache(maxsize=4)(lambda lines: made()(lines))

    def rule(text: str) -> int | None:
        end = text.rfind("\n") + 1
        return judge(text[:end]) if end else None

    return rule


def end_text(stops: tuple[str, ...]) -> Rule:
    """End before a text that marks the end in the model's format, if no token does."""

    def rule(text: str) -> int | None:
        found = [at for stop in stops if (at := text.find(stop)) >= 0]
        return min(found, default=None)

    return rule
