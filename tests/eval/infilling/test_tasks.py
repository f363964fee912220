"""Tasks: what a file may hold, and what an editor would show of one."""

import gzip
import json

import pytest

from lsp_server.base.errors import InfillError
from tests.eval.infilling.tasks import read_tasks, take_evenly

ROW = {
    "task_id": "SingleLine/0",
    "prompt": "def f(x):\n    y = x\n",
    "canonical_solution": "    y += 1\n",
    "suffix": "    return y\n",
    "test": "def check(candidate):\n    assert candidate(1) == 2\n",
    "entry_point": "f",
}


@pytest.fixture
def write(tmp_path):
    def write(*rows, name="tasks.jsonl"):
        lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
        content = "".join(f"{line}\n" for line in lines).encode()
        path = tmp_path / name
        path.write_bytes(gzip.compress(content, mtime=0) if name.endswith(".gz") else content)
        return path

    return write


@pytest.mark.parametrize("name", ["tasks.jsonl", "tasks.jsonl.gz"])
def test_tasks_are_read_in_their_order(write, name):
    tasks = read_tasks(write(ROW, "", ROW | {"task_id": "SingleLine/1", "more": [1]}, name=name))
    assert [task.name for task in tasks] == ["SingleLine/0", "SingleLine/1"]


def test_the_truth_makes_the_program_whole(write):
    [task] = read_tasks(write(ROW))
    whole = ROW["prompt"] + ROW["canonical_solution"] + ROW["suffix"]
    assert task.program(task.expected) == f"{whole}\n{ROW['test']}\ncheck(f)\n"


def test_whole_lines_are_missing_on_an_empty_line(write):
    [task] = read_tasks(write(ROW))
    snapshot = task.snapshot()
    assert (snapshot.prefix, snapshot.suffix) == (ROW["prompt"], "\n    return y\n")
    assert (snapshot.line, snapshot.character) == (2, 0)
    assert snapshot.language_id == "python"
    assert task.expected == "    y += 1"


def test_what_begins_or_ends_inside_a_line_is_left_as_it_is(write):
    rows = [
        ROW | {"task_id": "1", "prompt": "def f(x):\n    y = ", "canonical_solution": "x\n    y += 1\n"},
        ROW | {"task_id": "2", "canonical_solution": "    y += ", "suffix": "1\n    return y\n"},
    ]
    for row, task in zip(rows, read_tasks(write(*rows)), strict=True):
        assert (task.before, task.expected, task.after) == (row["prompt"], row["canonical_solution"], row["suffix"])


def test_each_task_is_a_document_of_its_own(write):
    first, second = read_tasks(write(ROW, ROW | {"task_id": "SingleLine/1"}))
    assert first.snapshot().uri != second.snapshot().uri


def test_line_breaks_are_those_of_snapshots(write):
    row = {key: value.replace("\n", "\r\n") for key, value in ROW.items()}
    assert "\r" not in read_tasks(write(row))[0].before


@pytest.mark.parametrize(
    ("before", "expected", "after", "position"),
    [
        ("def f():\n    x = ", "1", "\n    return x\n", "inside a line"),
        ("def f():\n    x = f(", "1", ")\n    return x\n", "inside a line"),
        ("def f():\n", "    x = ", "1\n    return x\n", "inside a line"),
        ("def f():\n", "    x = 1\n", "    return x\n", "a line"),
        ("def f():\n", "    x = 1\n", "\n    return x\n", "a line"),
        ("def f():\n", "    if x:\n", "        return x\n", "a line"),
        ("def f():\n", "    x = 1\n    y = 2\n", "    return x\n", "several lines"),
        ("def f():\n", "    if x:\n        y = 1\n", "    return x\n", "several lines"),
        ("def f():\n    x = 1\n", "    return x\n", "", "end of a block"),
        ("def f():\n", "    x = 1\n    return x", "", "end of a block"),
        ("def f():\n    if x:\n", "        y = 1\n", "    return x\n", "end of a block"),
        ("def f():\n    x = ", "1\n    y = ", "2\n    return x\n", "over lines"),
    ],
)
def test_positions(write, before, expected, after, position):
    [task] = read_tasks(write(ROW | {"prompt": before, "canonical_solution": expected, "suffix": after}))
    assert task.position == position


@pytest.mark.parametrize(
    ("row", "says"),
    [
        pytest.param("{", "tasks.jsonl:2 is no task", id="no JSON"),
        pytest.param("[]", "tasks.jsonl:2 is no task", id="no object"),
        pytest.param({"task_id": "1"}, "canonical_solution", id="too little"),
        pytest.param(ROW | {"suffix": 1}, "suffix", id="no text"),
        pytest.param(ROW | {"task_id": "1", "entry_point": "f()"}, "'f()'", id="no name"),
        pytest.param(ROW, "tasks.jsonl:2: there is a task SingleLine/0 already", id="twice"),
    ],
)
def test_a_bad_row_is_named_by_its_line(write, row, says):
    with pytest.raises(InfillError) as raised:
        read_tasks(write(ROW, row))
    assert says in str(raised.value)
    assert "tasks.jsonl:2" in str(raised.value)


def test_a_row_that_is_no_utf_8_is_named(tmp_path):
    path = tmp_path / "tasks.jsonl"
    path.write_bytes(json.dumps(ROW).encode() + b'\n{"task_id": "\xff"}\n')
    with pytest.raises(InfillError, match="jsonl:2 is no task"):
        read_tasks(path)


@pytest.mark.parametrize("content", [b"no gzip", gzip.compress(b"{}", mtime=0)[:-4]])
def test_a_damaged_archive_is_said(tmp_path, content):
    path = tmp_path / "tasks.jsonl.gz"
    path.write_bytes(content)
    with pytest.raises(InfillError, match="cannot be read"):
        read_tasks(path)


def test_a_file_that_is_missing_or_empty_is_said(tmp_path, write):
    with pytest.raises(InfillError, match="cannot be read"):
        read_tasks(tmp_path / "nowhere.jsonl")
    with pytest.raises(InfillError, match="no tasks"):
        read_tasks(write(""))


@pytest.mark.parametrize(
    ("most", "taken"), [(None, [0, 1, 2, 3, 4]), (9, [0, 1, 2, 3, 4]), (5, [0, 1, 2, 3, 4]), (2, [0, 2]), (1, [0])]
)
def test_tasks_are_taken_evenly(most, taken):
    assert list(take_evenly([0, 1, 2, 3, 4], most)) == taken
