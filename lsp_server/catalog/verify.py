"""Tests whether a model really fills holes. Markers in its vocabulary do not prove it."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

import msgspec

from lsp_server.text.snapshot import Snapshot

CURSOR = "‸"
MAX_TOKENS = 16
# With a smaller share of right answers, the model was not trained to fill holes, or its file is misread.
MIN_RIGHT_SHARE = 0.7
_WORD = re.compile(r"\w")
_CASES = Path(__file__).with_name("known_infills.toml")


class KnownInfill(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A text with a hole, and how a right answer may begin."""

    language: str
    text: str
    accepted: tuple[str, ...]

    def snapshot(self, number: int) -> Snapshot:
        """The text with the cursor in the hole."""
        prefix, suffix = self.text.lstrip("\n").split(CURSOR)
        line = prefix.count("\n")
        path = f"known_{number}"
        return Snapshot(f"file:///{path}", 1, self.language, path, prefix, suffix, line, len(prefix.split("\n")[-1]))

    def is_right(self, answer: str) -> bool:
        """Whether an answer begins with one of those accepted. More text may follow, but not in the same word."""
        answer = answer.strip()
        return any(answer.startswith(each) and not _WORD.match(answer, len(each)) for each in self.accepted)


@dataclass(frozen=True, slots=True)
class Tried:
    """A case and the model's answer."""

    case: KnownInfill
    answer: str

    @property
    def is_right(self) -> bool:
        """Whether the answer is right."""
        return self.case.is_right(self.answer)


def known_infills() -> list[KnownInfill]:
    """The cases that ship with infill."""
    return msgspec.convert(tomllib.loads(_CASES.read_text(encoding="utf-8"))["infill"], list[KnownInfill])
