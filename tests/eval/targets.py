"""Holes to fill and their expected text: a committed list of places, found again in the installed sources.

The places are in modules of Python's standard library and of pygls, a package of several files that infill needs. The
embedded model was trained on neither. Lines that another version of a module has lost are left out.
"""

from __future__ import annotations

import hashlib
import sysconfig
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal, get_args

from lsp_server.base.errors import InfillError
from lsp_server.measure.held_out import source_lines
from lsp_server.text.excerpts import Neighbour
from lsp_server.text.snapshot import Snapshot
from lsp_server.text.workspace import read_source

# half line: the rest of a line, from between two words. line: a whole line after its indentation. block: such a line
# that is the first of a block.
Kind = Literal["half line", "line", "block"]
KINDS: tuple[Kind, ...] = get_args(Kind)
PROJECT = "pygls"
LIST = Path(__file__).with_name("targets.tsv")
# Of another file of the project, as context.
NEIGHBOUR_CHARACTERS = 800


@dataclass(frozen=True, slots=True)
class EvalTarget:
    """A hole in a file: the rest of a line after the cursor, which is the `expected` text.

    `before` and `after` are the lines around that line. `typed` is the line up to the cursor. `line` counts from 0.
    """

    kind: str
    module: str
    line: int
    before: str
    typed: str
    expected: str
    after: str

    @property
    def path(self) -> str:
        """The path of its file in a project."""
        return self.module.replace(".", "/") + ".py"

    def snapshot(self, *, break_follows: bool = True) -> Snapshot:
        """The document without the expected text. With `break_follows`, the line's break stays in the document."""
        suffix = "\n" * break_follows + self.after
        uri = f"file:///{self.path}"
        return Snapshot(uri, 1, "python", self.path, self.before + self.typed, suffix, self.line, len(self.typed))


@dataclass(frozen=True, slots=True)
class Place:
    """A row of the list: where a hole is, and a digest that finds its line again."""

    kind: str
    module: str
    line: int
    column: int
    digest: str

    @property
    def in_project(self) -> bool:
        """Whether its module is one of several in a project."""
        return self.module.startswith(PROJECT)


def read_places(path: Path = LIST) -> list[Place]:
    """The list. Raises `InfillError` if it is damaged."""
    places = []
    for number, row in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            kind, module, line, column, digest = row.split("\t")
            places.append(Place(kind, module, int(line), int(column), digest))
        except ValueError:
            raise InfillError(f"{path}:{number} is damaged. Reinstall infill.") from None
    return places


def find_targets(places: Sequence[Place]) -> list[EvalTarget]:
    """The holes at some places, in the order of modules and lines. Places whose line is gone are left out."""
    ordered = sorted(places, key=lambda place: (place.module, place.line, place.column))
    return [hole for place in ordered if (hole := _find(place))]


def _find(place: Place) -> EvalTarget | None:
    lines = list(source_lines(place.module))
    same = [number for number, line in enumerate(lines) if digest(line) == place.digest]
    if not same:
        return None
    number = min(same, key=lambda each: abs(each - place.line))
    return target_at(place.kind, place.module, lines, number, place.column)


def target_at(kind: str, module: str, lines: Sequence[str], number: int, column: int) -> EvalTarget:
    """The hole in a line of a module from a column to the line's end."""
    before = "".join(f"{line}\n" for line in lines[:number])
    line = lines[number].rstrip()
    return EvalTarget(kind, module, number, before, line[:column], line[column:], "\n".join(lines[number + 1 :]))


def digest(line: str) -> str:
    """The digest of a line in the list."""
    return hashlib.blake2b(line.encode(), digest_size=6).hexdigest()


def neighbours_of(hole: EvalTarget) -> list[Neighbour]:
    """The beginnings of the other modules of its project that are in the list. None outside of a project."""
    if not hole.module.startswith(PROJECT):
        return []
    return [
        Neighbour(module.replace(".", "/") + ".py", "python", "\n".join(source_lines(module))[:NEIGHBOUR_CHARACTERS], 0)
        for module in _project_modules()
        if module != hole.module
    ]


@cache
def _project_modules() -> tuple[str, ...]:
    return tuple(sorted({place.module for place in read_places() if place.in_project}))


def trained_texts(held_out: set[str]) -> Iterator[str]:
    """Text that a model may be trained on: the standard library without the modules held out."""
    for path in sorted(Path(sysconfig.get_path("stdlib")).glob("*.py")):
        if path.stem not in held_out:
            yield read_source(path)
