"""Stop conditions besides the model's own end: stop texts, indentation, time. Pure."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from typing import Literal


class StopConditions:
    """Watches one text grow. `reason` is set at its end. `word` is the stop text that ended it.

    `indent` is the minimum indentation of new lines, in characters. A line with less ends the text before it; blank
    lines do not count. After `max_ms` from the first text, the next line break ends it (0: never). Source:
    `process_token` of llama-server, for the meaning of `stop`, `n_indent` and `t_max_predict_ms`.
    """

    def __init__(
        self,
        stops: Sequence[str],
        indent: int = 0,
        max_ms: float = 0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.reason: Literal["", "word", "limit"] = ""
        self.word = ""
        self._stops = stops
        self._too_far_left = re.compile(rf"\n[ \t]{{0,{indent - 1}}}(?=[^ \t\r\n])") if indent > 0 else None
        self._max_ms = max_ms
        self._clock = clock
        self._began: float | None = None
        self._held = ""

    def feed(self, piece: str) -> str:
        """The text that is certain after this piece. Once `reason` is set, no more follows."""
        self._began = self._clock() if self._began is None else self._began
        self._held += piece
        cut = self._cut()
        if not self.reason and self._is_late() and "\n" in piece:
            self.reason = "limit"
            cut = len(self._held)
        certain, self._held = self._held[:cut], self._held[cut:]
        return certain

    def rest(self) -> str:
        """The text that was held back, if the text ended by itself."""
        return "" if self.reason else self._held

    def _cut(self) -> int:
        """The length of the certain text. Sets `reason` if no more follows."""
        found = [(at, stop) for stop in self._stops if (at := self._held.find(stop)) >= 0]
        line = self._too_far_left.search(self._held) if self._too_far_left else None
        if found and (line is None or min(found)[0] <= line.start()):
            self.reason = "word"
            at, self.word = min(found)
            return at
        if line:
            self.reason = "limit"
            return line.start()
        return len(self._held) - max(self._num_indented(), *map(self._num_open, self._stops), 0)

    def _num_open(self, stop: str) -> int:
        """How many of the last characters may be the beginning of a stop text."""
        max_size = min(len(stop) - 1, len(self._held))
        return next((size for size in range(max_size, 0, -1) if self._held.endswith(stop[:size])), 0)

    def _num_indented(self) -> int:
        """How many of the last characters are an indentation that may turn out too small."""
        if self._too_far_left is None:
            return 0
        tail = self._held[self._held.rfind("\n") :] if "\n" in self._held else "x"
        return len(tail) if not tail.strip() else 0

    def _is_late(self) -> bool:
        assert self._began is not None
        return 0 < self._max_ms <= (self._clock() - self._began) * 1000
