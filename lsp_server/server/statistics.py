"""Statistics of use: a file of counters that every server adds lines to. It stays on this machine."""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Iterable
from pathlib import Path

import msgspec
import platformdirs

# Upper bounds of the histogram's bins in milliseconds. A last bin has none.
TIMES_MS = (5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000)
MAX_BYTES = 1 << 20


class Counters(msgspec.Struct):
    """Counts of one day, or of a part of it.

    - `shown`: answers that went to the client; `known` of them needed no model.
    - `accepted`: answers of which some text was accepted. `accepted_parts` counts each accepted word or line.
    - `rejected`: answers that the client reported as rejected; few clients report this.
    - `due_*`: accepted characters whose 30 seconds or 5 minutes are over. `kept_*` of them were still in the document.
    - `times`: a histogram of the answers by total time, see `TIMES_MS`.
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
        """Count an answer that took so many milliseconds."""
        self.times[next((index for index, end in enumerate(TIMES_MS) if ms <= end), len(TIMES_MS))] += 1

    def add(self, other: Counters) -> None:
        """Add other counts to these."""
        for name in self.__struct_fields__:
            if name == "times":
                self.times = [one + another for one, another in zip(self.times, other.times, strict=False)]
            elif name != "day":
                setattr(self, name, getattr(self, name) + getattr(other, name))

    def time_within(self, share: float) -> float:
        """Milliseconds within which that share of the answers came; infinite beyond the last bound."""
        needed, seen = share * sum(self.times), 0
        for count, end in zip(self.times, (*TIMES_MS, float("inf")), strict=True):
            seen += count
            if seen >= needed:
                return end
        return float("inf")


def file() -> Path:
    """The file of counters."""
    return platformdirs.user_data_path("infill") / "statistics.jsonl"


def append(counters: Counters, path: Path) -> None:
    """Add counters under today's date. A file above `MAX_BYTES` loses its older half. A failure to write is ignored."""
    counters.day = datetime.date.today().isoformat()  # noqa: DTZ011  (the day of the user's clock)
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and path.stat().st_size > MAX_BYTES:
            lines = path.read_bytes().splitlines(keepends=True)
            path.write_bytes(b"".join(lines[len(lines) // 2 :]))
        with path.open("ab") as lines_file:
            lines_file.write(msgspec.json.encode(counters) + b"\n")


def read(path: Path) -> list[Counters]:
    """All counters of a file, without damaged lines; none if there is no file."""
    found = []
    with contextlib.suppress(OSError):
        for line in path.read_bytes().splitlines():
            with contextlib.suppress(msgspec.MsgspecError):
                found.append(msgspec.json.decode(line, type=Counters))
    return found


def total(counters: Iterable[Counters]) -> Counters:
    """The sum of counters, without a day."""
    result = Counters()
    for each in counters:
        result.add(each)
    return result
