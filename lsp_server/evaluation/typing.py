"""`infill eval typing`: held-out text typed letter by letter, ghost text asked for behind each, as an editor does.

Time stands still: every request is answered before the next letter, and nobody pauses, so that nothing is prepared or
written ahead. Nothing is accepted while typing; what accepting would have saved is worked out afterwards.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import msgspec

from lsp_server.base.common_prefix import common_prefix
from lsp_server.base.errors import EngineError
from lsp_server.bench.text import keystrokes
from lsp_server.completion.pipeline import Pipeline
from lsp_server.completion.request import CompletionRequest
from lsp_server.engine.client.interface import EngineClient
from lsp_server.evaluation.intervals import mean_interval
from lsp_server.evaluation.stretches import Stretch
from lsp_server.evaluation.written_once import WrittenOnce
from lsp_server.settings.model import Settings
from lsp_server.text.document import Document, Position

THRESHOLDS = (0.0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7)
# What a wrong text costs whom it is shown to, in keys that could be typed meanwhile: a glance of a quarter of a second.
WRONG_KEYS = 1.0
# Shorter texts save nothing: accepting takes a key too.
MIN_ACCEPTED_KEYS = 2

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Shown:
    """What was shown behind a key, empty for nothing: whether that needed no model, and whether it was new on screen.

    It is not new if it is what the key left of the text before.
    """

    text: str
    is_known: bool
    is_new: bool


@dataclass(frozen=True, slots=True)
class Row:
    """A threshold. Shares run from 0 to 1.

    `known` of the requests were answered without the model, and at `shown` of them something was on screen. At
    `right_line` of those its first line was the rest of the true line; `agreeing` of its characters were typed later.

    Somebody looks at each text that is new on screen and accepts its first line where all of it is what comes next:
    `num_accepted`, which is `coverage` of the keys. The others, `num_wrong`, cost `WRONG_KEYS` each. `saved` is what
    that gains of a hundred keys: (mean, low, high) of 95 percent; `saved_by_lines` where only whole rests of lines are
    accepted, and the beginnings of such gain and cost nothing.
    """

    confidence: float
    num_keys: int
    known: float
    shown: float
    right_line: float
    agreeing: float
    num_accepted: int
    num_wrong: int
    precision: float
    coverage: float
    saved: tuple[float, float, float]
    saved_by_lines: tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class TypingResult:
    """Rows by threshold, the stretches that were typed, and how often the model was asked for a text."""

    rows: list[Row]
    wrong_keys: float
    modules: list[str]
    num_asked: int


async def measure(
    engine: EngineClient, settings: Settings, stretches: Sequence[Stretch], thresholds: Sequence[float], say: Say
) -> TypingResult:
    """Type all stretches once for each threshold. Raises the error that keeps the engine from answering."""
    once = WrittenOnce(engine)
    rows = []
    for confidence in sorted(thresholds):
        pipeline = Pipeline(once, at_rest(settings, confidence))
        typed: list[list[Shown]] = []
        for number, stretch in enumerate(stretches, 1):
            say(f"confidence {confidence}, {stretch.module} {number}/{len(stretches)}")
            typed.append(await replay(pipeline, stretch))
        rows.append(summarise(confidence, stretches, typed))
    return TypingResult(rows, WRONG_KEYS, [stretch.module for stretch in stretches], once.num_asked)


def at_rest(settings: Settings, confidence: float) -> Settings:
    """Settings with a threshold, and with nothing in them that time has a part in."""
    completion = msgspec.structs.replace(
        settings.completion, confidence=confidence, debounce_ms=0, prefill_budget_ms=0, speculative=False
    )
    engine = msgspec.structs.replace(settings.engine, warm_up=False)
    return msgspec.structs.replace(settings, completion=completion, engine=engine)


async def replay(pipeline: Pipeline, stretch: Stretch) -> list[Shown]:
    """Type a stretch into its file; what is shown behind each key but the last."""
    path = f"{stretch.module}.py"
    uri = f"file:///{path}/{stretch.before.count(chr(10))}"
    document = Document(uri, path, "python", 1, stretch.before + stretch.after)
    line, character = stretch.before.count("\n"), 0
    shown: list[Shown] = []
    expected = ""  # what is left on screen once the next key is typed
    for key in keystrokes(stretch.to_type)[:-1]:
        document.edit(Position(line, character), Position(line, character), key, "utf-32")
        document.version += 1
        line, character = line + key.count("\n"), len(key.rpartition("\n")[2]) + character * ("\n" not in key)
        answer = await pipeline.complete(
            document.snapshot(line, character), lambda: (), CompletionRequest("inline", automatic=True)
        )
        if answer.error:
            raise EngineError(answer.error)
        is_new = bool(answer.text) and key + answer.text != expected
        shown.append(Shown(answer.text, answer.reason == "known", is_new))
        expected = answer.text
    return shown


@dataclass(slots=True)
class _Looker:
    """Somebody who looks at what is new on screen, and accepts the first line of it where all of that comes next.

    With `only_lines` where it is all of the line, too. Places are in characters of a stretch. `gains` has what each key
    brought, in keys.
    """

    only_lines: bool = False
    num_accepted: int = 0
    num_wrong: int = 0
    num_covered: int = 0
    gains: list[float] = field(default_factory=list)
    _accepted_until: int = 0

    def begin(self) -> None:
        """Another stretch."""
        self._accepted_until = 0

    def look(self, shown: Shown, place: int, rest: str) -> None:
        """What is shown at a place, and what comes next there. What is accepted already is not typed."""
        # Behind what was accepted, what is left of the text has its next line looked at.
        is_looked_at = (shown.is_new and place > self._accepted_until) or place == self._accepted_until
        line = first_line(shown.text)
        self.gains.append(self._gain(line, place, rest) if line and is_looked_at else 0.0)

    def _gain(self, line: str, place: int, rest: str) -> float:
        if not rest.startswith(line):
            self.num_wrong += 1
            return -WRONG_KEYS
        num_keys = len(keystrokes(line))
        if num_keys < MIN_ACCEPTED_KEYS or (self.only_lines and line != first_line(rest)):
            return 0.0
        self.num_accepted += 1
        self.num_covered += num_keys
        self._accepted_until = place + len(line)
        return num_keys - 1.0


def summarise(confidence: float, stretches: Sequence[Stretch], typed: Sequence[Sequence[Shown]]) -> Row:
    """What came of a threshold: for each stretch what was shown behind each key."""
    looker, by_lines = _Looker(), _Looker(only_lines=True)
    num_known = num_shown = num_right = num_characters = num_agreeing = 0
    for stretch, of_stretch in zip(stretches, typed, strict=True):
        following = stretch.to_type + stretch.after
        looker.begin()
        by_lines.begin()
        place = 0
        for key, shown in zip(keystrokes(stretch.to_type), of_stretch, strict=False):
            place += len(key)
            rest = following[place:]
            looker.look(shown, place, rest)
            by_lines.look(shown, place, rest)
            num_known += shown.is_known
            num_shown += bool(shown.text)
            num_right += bool(shown.text) and first_line(shown.text) == first_line(rest)
            num_characters += len(shown.text)
            num_agreeing += common_prefix(shown.text, rest)
    num_keys = len(looker.gains)
    groups = [number for number, of_stretch in enumerate(typed) for _ in of_stretch]
    return Row(
        confidence,
        num_keys,
        known=_share(num_known, num_keys),
        shown=_share(num_shown, num_keys),
        right_line=_share(num_right, num_shown),
        agreeing=_share(num_agreeing, num_characters),
        num_accepted=looker.num_accepted,
        num_wrong=looker.num_wrong,
        precision=_share(looker.num_accepted, looker.num_accepted + looker.num_wrong),
        coverage=_share(looker.num_covered, num_keys),
        saved=mean_interval([100 * gain for gain in looker.gains], groups),
        saved_by_lines=mean_interval([100 * gain for gain in by_lines.gains], groups),
    )


def first_line(text: str) -> str:
    """A text up to the end of its first line with something in it."""
    match = re.match(r"\s*[^\n]*", text)
    return match[0].rstrip() if match else ""


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
