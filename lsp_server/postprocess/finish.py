"""Judges the end of a stream: `finish`, from what the model wrote to what is shown."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from lsp_server.postprocess.filters import clean
from lsp_server.postprocess.stop import StopRules
from lsp_server.text.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Finished:
    """The text to show, empty for nothing. Why it ended: the engine's reason, or a rule. What changed it: filters."""

    text: str
    reason: str
    filtered_by: list[str]


def finish(
    text: str, reason: str, snapshot: Snapshot, rules: StopRules, switched_off: Collection[str] = ()
) -> Finished:
    """Judge a text that has ended, and clean it.

    `reason` says why it ended: the name of the rule that cut it, or the engine's reason. If no rule has cut the text,
    the rules have not judged its last line, because it has no line break. They see it here with one. Filters named in
    `switched_off` are left out.
    """
    if reason not in rules.names:
        cut = rules.check(f"{text}\n")
        if cut and cut.length < len(text.rstrip()):
            text, reason = text[: cut.length], cut.rule
    shown, filtered_by = clean(text, snapshot, switched_off, reason)
    return Finished(shown, reason, filtered_by)
