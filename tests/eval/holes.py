"""Holes to fill: places inside code lines of modules that the embedded model never saw."""

from __future__ import annotations

import importlib.util
import io
import random
import re
import tokenize
from dataclasses import dataclass
from pathlib import Path

from lsp_server.snapshot import Snapshot

# `models/embedded/README.md` lists them as held out.
MODULES = ("argparse", "textwrap", "heapq", "dataclasses", "shlex", "queue", "bisect", "csv", "configparser", "fnmatch",
           "statistics", "graphlib", "cmd", "sched", "zipfile", "netrc")  # fmt: skip
SEED = 20261123
_CODE = {tokenize.NAME, tokenize.OP, tokenize.NUMBER}
_BARE_CLOSER = re.compile(r"[\s)\]},:;]*")


@dataclass(frozen=True, slots=True)
class Hole:
    """A cursor inside a line, and what stands there: the rest of the line.

    `before` and `after` are the lines around it, `typed` the line up to the cursor. `place` says where the cut is:
    `inside a word` or `between words`.
    """

    module: str
    line: int
    before: str
    typed: str
    truth: str
    after: str
    place: str

    def snapshot(self, *, break_follows: bool) -> Snapshot:
        """The document without the truth, which ends with the line's break or before it."""
        suffix = "\n" * break_follows + self.after
        name = f"{self.module}.py"
        return Snapshot(
            f"file:///{name}", 1, "python", name, self.before + self.typed, suffix, self.line, len(self.typed)
        )


def find_holes(count: int, seed: int = SEED) -> list[Hole]:
    """Random cuts, half of them inside words, in the order in which they stand; the same for every run."""
    chooser = random.Random(seed)
    sources = {name: Path(importlib.util.find_spec(name).origin).read_text(encoding="utf-8") for name in MODULES}
    candidates = {name: _code_lines(text) for name, text in sources.items()}
    lines = [(name, number) for name, numbers in candidates.items() for number in numbers]
    chooser.shuffle(lines)
    found: list[Hole] = []
    for name, number in lines:
        found += _cuts(name, sources[name].split("\n"), number, chooser)
        if len(found) >= count:
            return sorted(found[:count], key=lambda hole: (hole.module, hole.line))
    raise ValueError(f"There are only {len(found)} holes in these modules.")


def _code_lines(text: str) -> list[int]:
    """Lines with code on them, not blank, not only closing brackets, not inside a string, counted from 0."""
    lines = text.split("\n")
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    numbers = {token.start[0] - 1 for token in tokens if token.type in _CODE}
    return [
        number for number in sorted(numbers) if lines[number].isascii() and not _BARE_CLOSER.fullmatch(lines[number])
    ]


def _cuts(module: str, lines: list[str], number: int, chooser: random.Random) -> list[Hole]:
    """One cut of each kind, where the line has one; neither before its first character nor behind its last."""
    line = lines[number].rstrip()
    inside = {at: bool(re.fullmatch(r"\w\w", line[at - 1 : at + 1])) for at in range(1, len(line)) if line[:at].strip()}
    before, after = "".join(f"{each}\n" for each in lines[:number]), "\n".join(lines[number + 1 :])
    holes = []
    for wanted, place in ((True, "inside a word"), (False, "between words")):
        if places := [at for at, found in inside.items() if found is wanted]:
            at = chooser.choice(places)
            holes.append(Hole(module, number, before, line[:at], line[at:], after, place))
    return holes
