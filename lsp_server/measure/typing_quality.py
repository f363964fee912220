"""What is shown while held-out text is typed letter by letter, with an automatic request after each letter.

Time stands still: every request is answered before the next letter. So the warm-up and speculative completion are
left out. Nothing is accepted while typing: the keys that accepting would have saved are computed afterwards.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import msgspec

from lsp_server.base.common_prefix import common_prefix
from lsp_server.base.errors import EngineError
from lsp_server.completion.pipeline import Pipeline
from lsp_server.completion.request import CompletionRequest
from lsp_server.engine.client.interface import EngineClient
from lsp_server.measure.caching_engine import CachingEngine
from lsp_server.measure.corpus import keystrokes
from lsp_server.measure.segments import Segment
from lsp_server.measure.stats import mean_interval
from lsp_server.settings.model import Settings
from lsp_server.text.document import Document, Position

THRESHOLDS = (0.0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7)
# What a wrong text costs the user, in keys that he could type meanwhile: a glance of a quarter of a second.
WRONG_KEYS = 1.0
# Shorter texts save nothing, because accepting takes a key.
MIN_ACCEPTED_KEYS = 2

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class ShownText:
    """The text that was shown after a key, empty for none.

    `is_known`: the answer needed no model. `is_new`: the text is more than what the key left of the text before.
    """

    text: str
    is_known: bool
    is_new: bool


@dataclass(frozen=True, slots=True)
class ThresholdRow:
    """The result of one threshold. Shares run from 0 to 1.

    `known`: the share of requests answered without the model. `shown`: the share after which a text was on screen.
    `right_line`: of these, the share whose first line was the rest of the true line.
    `agreeing`: the share of characters on screen that were typed later.

    A simulated user looks at each text that is new on screen. He accepts its first line where all of it comes next.
    `num_accepted` counts these, and `coverage` is the share of keys in them. `num_wrong` counts the other texts, which
    cost `WRONG_KEYS` each. `precision` is the accepted share of both. `saved` is the gain in a hundred keys: (mean,
    low, high) of 95 percent. `saved_by_lines` is the same for a user who accepts only whole rests of lines. For him the
    beginning of such a rest gains and costs nothing.
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
    """Rows by threshold, the modules of the segments, and how many requests reached the model."""

    rows: list[ThresholdRow]
    wrong_keys: float
    modules: list[str]
    num_requests: int


async def measure(
    engine: EngineClient, settings: Settings, segments: Sequence[Segment], thresholds: Sequence[float], say: Say
) -> TypingResult:
    """Type all segments once for each threshold. Raises `EngineError` if a request fails."""
    cached = CachingEngine(engine)
    rows = []
    for confidence in sorted(thresholds):
        pipeline = Pipeline(cached, at_rest(settings, confidence))
        typed: list[list[ShownText]] = []
        for number, segment in enumerate(segments, 1):
            say(f"confidence {confidence}, {segment.module} {number}/{len(segments)}")
            typed.append(await replay(pipeline, segment))
        rows.append(summarise(confidence, segments, typed))
    return TypingResult(rows, WRONG_KEYS, [segment.module for segment in segments], cached.num_requests)


def at_rest(settings: Settings, confidence: float) -> Settings:
    """Settings with a threshold, and without everything that depends on time."""
    completion = msgspec.structs.replace(
        settings.completion, confidence=confidence, debounce_ms=0, prefill_budget_ms=0, speculative=False
    )
    engine = msgspec.structs.replace(settings.engine, warm_up=False)
    return msgspec.structs.replace(settings, completion=completion, engine=engine)


async def replay(pipeline: Pipeline, segment: Segment) -> list[ShownText]:
    """Type a segment into its file. Returns what is shown after each key but the last."""
    path = f"{segment.module}.py"
    uri = f"file:///{path}/{segment.before.count(chr(10))}"
    document = Document(uri, path, "python", 1, segment.before + segment.after)
    line, character = segment.before.count("\n"), 0
    shown: list[ShownText] = []
    expected = ""  # what stays on screen when the next key agrees
    for key in keystrokes(segment.to_type)[:-1]:
        document.edit(Position(line, character), Position(line, character), key, "utf-32")
        document.version += 1
        line, character = line + key.count("\n"), len(key.rpartition("\n")[2]) + character * ("\n" not in key)
        answer = await pipeline.complete(
            document.snapshot(line, character), lambda: (), CompletionRequest("inline", automatic=True)
        )
        if answer.error:
            raise EngineError(answer.error)
        is_new = bool(answer.text) and key + answer.text != expected
        shown.append(ShownText(answer.text, answer.reason == "known", is_new))
        expected = answer.text
    return shown


@dataclass(slots=True)
class _SimulatedUser:
    """A simulated user who accepts the first line of a new text where all of that line comes next.

    With `only_lines`, the line must also be the whole rest of the true line. Places are in characters of a segment.
    `gains` is what each key brought, in keys.
    """

    only_lines: bool = False
    num_accepted: int = 0
    num_wrong: int = 0
    num_covered: int = 0
    gains: list[float] = field(default_factory=list)
    _accepted_until: int = 0

    def begin(self) -> None:
        """Begin another segment."""
        self._accepted_until = 0

    def look(self, shown: ShownText, place: int, rest: str) -> None:
        """Look at a text shown at a place where `rest` comes next. Accepted keys are not typed."""
        # After an accepted line, the user looks at the next line of the same text.
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


def summarise(confidence: float, segments: Sequence[Segment], typed: Sequence[Sequence[ShownText]]) -> ThresholdRow:
    """The figures of a threshold. `typed` has what was shown after each key of each segment."""
    user, by_lines = _SimulatedUser(), _SimulatedUser(only_lines=True)
    num_known = num_shown = num_right = num_characters = num_agreeing = 0
    for segment, of_segment in zip(segments, typed, strict=True):
        following = segment.to_type + segment.after
        user.begin()
        by_lines.begin()
        place = 0
        for key, shown in zip(keystrokes(segment.to_type), of_segment, strict=False):
            place += len(key)
            rest = following[place:]
            user.look(shown, place, rest)
            by_lines.look(shown, place, rest)
            num_known += shown.is_known
            num_shown += bool(shown.text)
            num_right += bool(shown.text) and first_line(shown.text) == first_line(rest)
            num_characters += len(shown.text)
            num_agreeing += common_prefix(shown.text, rest)
    num_keys = len(user.gains)
    groups = [number for number, of_segment in enumerate(typed) for _ in of_segment]
    return ThresholdRow(
        confidence,
        num_keys,
        known=_share(num_known, num_keys),
        shown=_share(num_shown, num_keys),
        right_line=_share(num_right, num_shown),
        agreeing=_share(num_agreeing, num_characters),
        num_accepted=user.num_accepted,
        num_wrong=user.num_wrong,
        precision=_share(user.num_accepted, user.num_accepted + user.num_wrong),
        coverage=_share(user.num_covered, num_keys),
        saved=mean_interval([100 * gain for gain in user.gains], groups),
        saved_by_lines=mean_interval([100 * gain for gain in by_lines.gains], groups),
    )


def first_line(text: str) -> str:
    """A text up to the end of its first line that is not blank."""
    match = re.match(r"\s*[^\n]*", text)
    return match[0].rstrip() if match else ""


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
