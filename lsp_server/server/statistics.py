"""Statistics of use, kept on this machine and sent nowhere: a file of counters that every server adds lines to."""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Iterable
from pathlib import Path

import msgspec
import platformdirs

# Upper ends of the times that are counted together; the last has none.
TIMES_MS = (5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000)
MAX_BYTES = 1 << 20


class Counters(msgspec.Struct):
    """Counts of one day, or of a part of it.

    `known` of `shown` texts needed no model. `accepted_parts` counts how often a word or line of one was accepted, each
    text among the `accepted` once. `rejected` is known of clients that report it. `kept_*` are characters of those
    accepted that were still in the document 30 seconds or 5 minutes later, of `due_*` whose time has come. `times`
    counts texts by how long they took.
    """

    day: str = ""
    shown: int = 0
    known: int = 0
    accepted: int = 0
    accepted_characters: int = 0
    accepted_parts: int = 0
    rejected: int = 0
    due_30_s: int = 0
    kept_30_s: int = 0
    due_5_min: int = 0
    kept_5_min: int = 0
    times: list[int] = msgspec.field(default_factory=lambda: [0] * (len(TIMES_MS) + 1))

    def add_time(self, ms: float) -> None:
        """Count a text that came after so long."""
        self.times[next((index for index, end in enumerate(TIMES_MS) if ms <= end), len(TIMES_MS))] += 1

    def add(self, other: Counters) -> None:
        """Add the counts of another time."""
        for name in self.__struct_fields__:
            if name == "times":
                self.times = [one + another for one, another in zip(self.times, other.times, strict=False)]
            elif name != "day":
                setattr(self, name, getattr(self, name) + getattr(other, name))

    def time_within(self, share: float) -> float:
        """Milliseconds within which that share of the texts came; infinite past the longest that is counted."""
        needed, seen = share * sum(self.times), 0
        for count, end in zip(self.times, (*TIMES_MS, float("inf")), strict=True):
            seen += count
            if seen >= needed:
                return end
        return float("inf")


def file() -> Path:
    """Where the counters are."""
    return platformdirs.user_data_path("infill") / "statistics.jsonl"


def append(counters: Counters, path: Path) -> None:
    """Add what was counted today. A file grown too large loses its older half; a failure to write is no matter."""
    counters.day = datetime.date.today().isoformat()  # noqa: DTZ011  (a user's day is that of the user's clock)
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and path.stat().st_size > MAX_BYTES:
            lines = path.read_bytes().splitlines(keepends=True)
            path.write_bytes(b"".join(lines[len(lines) // 2 :]))
        with path.open("ab") as lines_file:
            lines_file.write(msgspec.json.encode(counters) + b"\n")


def read(path: Path) -> list[Counters]:
    """All that was counted, a line that is damaged left out."""
    found = []
    with contextlib.suppress(OSError):
        for line in path.read_bytes().splitlines():
            with contextlib.suppress(msgspec.MsgspecError):
                found.append(msgspec.json.decode(line, type=Counters))
    return found


def total(counters: Iterable[Counters]) -> Counters:
    """The sum."""
    result = Counters()
    for each in counters:
        result.add(each)
    return result
