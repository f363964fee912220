"""Tasks for `python -m tests.eval infilling` out of `functions/`, in HumanEval-Infilling's format.

`python -m tests.eval.infilling.build FILE` writes them, the same for every run: every line of every function's body,
every sequence of two to five of its lines, and random spans that begin and end between tokens. The lines of a class are
holes too. Its methods are the functions whose lines make sequences. Spans may go from one method into the next.
"""

from __future__ import annotations

import ast
import json
import random
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

FUNCTIONS = Path(__file__).with_name("functions")
RUNS = range(2, 6)  # lines
NUM_SPANS = 8  # of each function
MAX_SPAN_TOKENS = 24
SEED = 20261124
_CHECK = "check_"
# As vocabularies cut text: a word takes the space before it along.
_TOKEN = re.compile(r"\n| ?\w+| ?[^\w\s]+| +")

Row = dict[str, str]


@dataclass(frozen=True, slots=True)
class Function:
    """A function or class with what it imports: `source`, of which `body` are the lines to make holes in, and
    `runs` those that belong together."""

    name: str
    source: str
    body: range
    runs: list[range]
    test: str

    @property
    def lines(self) -> list[str]:
        """The lines of the source, each with its break."""
        return self.source.splitlines(keepends=True)


def read_functions(folder: Path = FUNCTIONS) -> list[Function]:
    """All functions, in the order of their files and in these."""
    return [function for path in sorted(folder.glob("*.py")) for function in _functions_of(path.read_text("utf-8"))]


def _functions_of(module: str) -> Iterator[Function]:
    nodes = ast.parse(module).body
    texts = module.splitlines(keepends=True)
    imports = [ast.unparse(node) + "\n" for node in nodes if isinstance(node, ast.Import | ast.ImportFrom)]
    head = "".join(imports) + "\n\n" * bool(imports)
    defined = [node for node in nodes if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    for node, check in zip(defined[::2], defined[1::2], strict=True):
        assert check.name == _CHECK + node.name, check.name
        first = min((each.lineno for each in node.decorator_list), default=node.lineno) - 1
        offset = head.count("\n") - first
        inner = node.body if isinstance(node, ast.ClassDef) else [node]
        yield Function(
            node.name,
            head + "".join(texts[first : node.end_lineno]),
            _body(node, offset),
            [_body(each, offset) for each in inner if isinstance(each, ast.FunctionDef)],
            "".join(texts[check.lineno - 1 : check.end_lineno]).replace(check.name, "check", 1),
        )


def _body(node: ast.FunctionDef | ast.ClassDef, offset: int) -> range:
    """The lines below the header and the docstring, `offset` lines further down."""
    assert node.end_lineno is not None
    head = node.body[0] if ast.get_docstring(node) is not None else None
    start = head.end_lineno if head else node.body[0].lineno - 1
    assert start is not None
    return range(start + offset, node.end_lineno + offset)


def build(functions: list[Function]) -> list[Row]:
    """All tasks."""
    chooser = random.Random(SEED)
    rows: list[Row] = []
    for function in functions:
        rows += _lines(function)
        rows += _spans(function, chooser)
    return rows


def _lines(function: Function) -> Iterator[Row]:
    """Whole lines: each that is not blank, and runs that begin and end with such."""
    for number in _written(function, function.body):
        yield _whole_lines(function, "SingleLine", number, number)
    for body in function.runs:
        written = _written(function, body)
        for size in RUNS:
            for first in written:
                if (last := first + size - 1) in written:
                    yield _whole_lines(function, "MultiLine", first, last)


def _written(function: Function, body: range) -> list[int]:
    return [number for number in body if function.lines[number].strip()]


def _whole_lines(function: Function, kind: str, first: int, last: int) -> Row:
    name = f"{kind}/{function.name}/L{first - function.body.start}"
    if first != last:
        name += f"-L{last - function.body.start}"
    lines = function.lines
    return _row(function, name, "".join(lines[:first]), "".join(lines[first : last + 1]))


def _spans(function: Function, chooser: random.Random) -> Iterator[Row]:
    before = "".join(function.lines[: function.body.start])
    body = "".join(function.lines[function.body.start : function.body.stop])
    cuts = [match.start() for match in _TOKEN.finditer(body)] + [len(body)]
    taken: set[tuple[int, int]] = set()
    while len(taken) < NUM_SPANS:
        first = chooser.randrange(len(cuts) - 1)
        last = min(first + chooser.randint(1, MAX_SPAN_TOKENS), len(cuts) - 1)
        start, end = cuts[first], cuts[last]
        if body[start:end].strip() and (start, end) not in taken:
            taken.add((start, end))
            name = f"RandomSpan/{function.name}/{len(taken)}"
            yield _row(function, name, before + body[:start], body[start:end])


def _row(function: Function, name: str, prompt: str, middle: str) -> Row:
    return {
        "task_id": name,
        "prompt": prompt,
        "suffix": function.source[len(prompt) + len(middle) :],
        "canonical_solution": middle,
        "test": function.test,
        "entry_point": function.name,
    }


def main() -> None:
    """Write the tasks to the file that is named."""
    rows = build(read_functions())
    with Path(sys.argv[1]).open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    print(f"{len(rows)} tasks")


if __name__ == "__main__":
    main()
