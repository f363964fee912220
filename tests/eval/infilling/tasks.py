"""Tasks in HumanEval-Infilling's format: a program with a hole, the expected text, and tests of the program.

The data is at github.com/openai/human-eval-infilling. Other files of that format are read, too.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import msgspec

from lsp_server.base.errors import InfillError
from lsp_server.text.snapshot import Snapshot, normalize

# a line, several lines: whole lines, whose block goes on below. end of a block: whole lines that end their block.
# inside a line, over lines: all others, with and without a line break.
Position = Literal["inside a line", "a line", "several lines", "end of a block", "over lines"]
POSITIONS: tuple[Position, ...] = get_args(Position)


class _TaskRecord(msgspec.Struct, frozen=True):
    task_id: str
    prompt: str
    suffix: str
    canonical_solution: str
    test: str
    entry_point: str


@dataclass(frozen=True, slots=True)
class Task:
    """A hole between `before` and `after`, and its `expected` text. `check` has the tests and their call.

    Where whole lines are missing, an editor shows an empty line. So the line break after such an expected text belongs
    to `after` here.
    """

    name: str
    before: str
    expected: str
    after: str
    check: str

    def snapshot(self) -> Snapshot:
        """The document without the expected text, and the cursor in its place. Each task is a document of its own."""
        line = self.before.count("\n")
        character = len(self.before) - self.before.rfind("\n") - 1
        path = "solution.py"
        return Snapshot(f"task:///{self.name}/{path}", 1, "python", path, self.before, self.after, line, character)

    def program(self, answer: str) -> str:
        """The program with an answer in the hole, followed by the tests."""
        return f"{self.before}{answer}{self.after}\n{self.check}\n"

    @property
    def position(self) -> Position:
        """What kind of hole it is."""
        starts_line = not self.before or self.before.endswith("\n")
        ends_line = not self.after or self.after.startswith("\n")
        num_breaks = self.expected.rstrip().lstrip("\n").count("\n")
        if not (starts_line and ends_line):
            return "over lines" if num_breaks else "inside a line"
        below = next((line for line in self.after.split("\n") if line.strip()), "")
        first = next((line for line in self.expected.split("\n") if line.strip()), "")
        if _indentation(below) < _indentation(first):
            return "end of a block"
        return "several lines" if num_breaks else "a line"


def read_tasks(path: Path) -> list[Task]:
    """The tasks of a file, a JSON object a line, compressed if the file's name ends in `.gz`.

    Raises `InfillError`, which names the line, for a line that is no task.
    """
    tasks: list[Task] = []
    names: set[str] = set()
    for number, line in enumerate(_lines(path), 1):
        if not line.strip():
            continue
        task = _task(line, f"{path}:{number}")
        if task.name in names:
            raise InfillError(f"{path}:{number}: there is a task {task.name} already. Name each one differently.")
        names.add(task.name)
        tasks.append(task)
    if not tasks:
        raise InfillError(f"{path} has no tasks. It should have one JSON object a line.")
    return tasks


def take_evenly(tasks: Sequence[Task], max_tasks: int | None) -> Sequence[Task]:
    """At most so many tasks, in order and from all parts of the list. Files are sorted by program and kind of hole."""
    if max_tasks is None or max_tasks >= len(tasks):
        return tasks
    return [tasks[number * len(tasks) // max_tasks] for number in range(max_tasks)]


def _lines(path: Path) -> Iterator[bytes]:
    try:
        content = path.read_bytes()
        if path.suffix == ".gz":
            content = gzip.decompress(content)
    except (OSError, EOFError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise InfillError(f"{path} cannot be read: {why}.") from None
    yield from content.split(b"\n")


def _task(line: bytes, place: str) -> Task:
    try:
        row = msgspec.json.decode(line, type=_TaskRecord)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise InfillError(
            f"{place} is no task: {error}. "
            f"Each line is an object with the texts {', '.join(_TaskRecord.__struct_fields__)}."
        ) from None
    if not row.entry_point.isidentifier():
        raise InfillError(f"{place} is no task: {row.entry_point!r}, the entry point, is not a name in Python.")
    before, expected, after = (normalize(each) for each in (row.prompt, row.canonical_solution, row.suffix))
    if expected.endswith("\n") and (not before or before.endswith("\n")):
        expected, after = expected[:-1], "\n" + after
    return Task(row.task_id, before, expected, after, f"{row.test}\ncheck({row.entry_point})")


def _indentation(line: str) -> int:
    return len(line) - len(line.lstrip())
