"""Chooses holes in modules that the embedded model never saw.

`python -m tests.eval.choose_targets` writes the committed list `targets.tsv`, for `python -m tests.eval model`.
`random_cuts` are for `anchored` and `equality`.
"""

from __future__ import annotations

import io
import random
import re
import tokenize
from collections.abc import Callable, Iterator, Sequence

from lsp_server.measure.held_out import MODULES, source_lines
from tests.eval.targets import LIST, EvalTarget, Kind, digest, target_at

PROJECT_MODULES = (
    *("client", "exceptions", "feature_manager", "io_", "progress", "server", "uris"),
    *("protocol.json_rpc", "protocol.language_server"),
    *("workspace.position_codec", "workspace.text_document", "workspace.workspace"),
)
COUNTS: dict[Kind, int] = {"half line": 300, "line": 150, "block": 150}
PROJECT_HALF_LINES = 160
SEED = 20261123
MIN_EXPECTED = 2  # characters
_CODE = {tokenize.NAME, tokenize.OP, tokenize.NUMBER}
_BARE_CLOSER = re.compile(r"[\s)\]},:;]*")

Lines = Sequence[str]


def random_cuts(count: int, seed: int = SEED) -> list[EvalTarget]:
    """Random cuts of lines, half of them inside words, in the order of the files. Every run has the same cuts."""
    chooser = random.Random(seed)
    lines = _shuffled(MODULES, chooser)
    found: list[EvalTarget] = []
    for name, number in lines:
        for wanted, kind in ((True, "inside a word"), (False, "between words")):
            if places := _cuts(source_lines(name)[number], inside_words=wanted):
                found.append(target_at(kind, name, source_lines(name), number, chooser.choice(places)))
        if len(found) >= count:
            return sorted(found[:count], key=lambda hole: (hole.module, hole.line))
    raise ValueError(f"There are only {len(found)} holes in these modules.")


def choose() -> list[tuple[str, ...]]:
    """The rows of the list."""
    chooser = random.Random(SEED)
    rows: list[tuple[str, ...]] = []
    columns: dict[Kind, Callable[[Lines, int, random.Random], int | None]] = {
        "half line": _half_line,
        "line": _whole_line,
        "block": _first_of_block,
    }
    wanted = [(MODULES, kind, count) for kind, count in COUNTS.items()]
    project = tuple(f"pygls.{name}" for name in PROJECT_MODULES)
    for modules, kind, count in [*wanted, (project, "half line", PROJECT_HALF_LINES)]:
        some: Iterator[tuple[str, int]] = iter(_shuffled(modules, chooser))
        chosen = 0
        while chosen < count:
            name, number = next(some)
            lines = source_lines(name)
            column = columns[kind](lines, number, chooser)
            if column is not None and len(lines[number].rstrip()) - column >= MIN_EXPECTED:
                rows.append((kind, name, str(number), str(column), digest(lines[number])))
                chosen += 1
    return rows


def _shuffled(modules: Sequence[str], chooser: random.Random) -> list[tuple[str, int]]:
    lines = [(name, number) for name in modules for number in _code_lines("\n".join(source_lines(name)))]
    chooser.shuffle(lines)
    return lines


def _code_lines(text: str) -> list[int]:
    """Lines with code, counted from 0: neither blank nor inside a string, and not only closing brackets."""
    lines = text.split("\n")
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    numbers = {token.start[0] - 1 for token in tokens if token.type in _CODE}
    return [
        number for number in sorted(numbers) if lines[number].isascii() and not _BARE_CLOSER.fullmatch(lines[number])
    ]


def _cuts(line: str, *, inside_words: bool) -> list[int]:
    """The columns where a line can be cut, after its first character and before its last."""
    line = line.rstrip()
    places = [at for at in range(1, len(line)) if line[:at].strip()]
    return [at for at in places if bool(re.fullmatch(r"\w\w", line[at - 1 : at + 1])) is inside_words]


def _half_line(lines: Lines, number: int, chooser: random.Random) -> int | None:
    line = lines[number].rstrip()
    places = [at for at in _cuts(line, inside_words=False) if not _BARE_CLOSER.fullmatch(line[at:])]
    return chooser.choice(places) if places else None


def _whole_line(lines: Lines, number: int, _: random.Random) -> int | None:
    return len(lines[number]) - len(lines[number].lstrip())


def _first_of_block(lines: Lines, number: int, chooser: random.Random) -> int | None:
    opens = number > 0 and lines[number - 1].rstrip().endswith(":")
    return _whole_line(lines, number, chooser) if opens else None


if __name__ == "__main__":
    LIST.write_text("".join("\t".join(row) + "\n" for row in choose()), encoding="utf-8")
