"""`python -m tests.eval infilling` end to end: the embedded model, oracles, and programs that are really run."""

import json
import re

import pytest

TASK = {
    "task_id": "SingleLine/area",
    "prompt": "def area(width, height):\n",
    "canonical_solution": "    return width * height\n",
    "suffix": "",
    "test": "def check(candidate):\n    assert candidate(2, 3) == 6\n",
    "entry_point": "area",
}
OTHERS = (
    {"task_id": "MultiLine/area", "prompt": "", "canonical_solution": TASK["prompt"] + TASK["canonical_solution"]},
    {"task_id": "RandomSpan/area", "prompt": TASK["prompt"] + "    return width", "canonical_solution": " * height"},
)


@pytest.fixture
def data(source):
    rows = [TASK, *(TASK | other for other in OTHERS)]
    return source("".join(json.dumps(row) + "\n" for row in rows), "tasks.jsonl")


def test_the_embedded_model_is_asked_and_its_programs_are_run(evaluate, project, data):
    found = evaluate("infilling", "--data", data, "--timeout", "30", "--threads", "1", "--json", "result.json")
    assert found.status == 0, found.err
    assert "of 3 tasks" in found.out
    written = json.loads((project / "result.json").read_text(encoding="utf-8"))
    assert {"command", "machine", "model", "description"} < set(written)
    passed = written["result"]["passed"]
    assert passed["num_tasks"] == 3
    assert round(passed["pass_at_1"] * 3) + sum(passed["failures"].values()) == 3


def test_an_oracle_passes(evaluate, project, data):
    found = evaluate("infilling", "--data", data, "--oracle", "exact", "--timeout", "30", "--json", "result.json")
    assert found.status == 0, found.err
    assert "pass@1 100.0% of 3 tasks" in found.out
    written = json.loads((project / "result.json").read_text(encoding="utf-8"))
    assert written["oracle"] == "exact"
    assert written["result"]["rows"][-1]["exact"] == 1.0


def test_programs_need_not_be_run(evaluate, data):
    found = evaluate("infilling", "--data", data, "--oracle", "runs-on", "--no-run", "--tasks", "2")
    assert found.status == 0, found.err
    assert "pass@1" not in found.out
    assert re.search(r"^all +2 +100.0%", found.out, re.MULTILINE), found.out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        pytest.param(["--data", "nowhere.jsonl"], "nowhere.jsonl", id="no data"),
        pytest.param(["--data", "tasks.jsonl", "--json", "nowhere/x.json"], "nowhere", id="no folder"),
        pytest.param(["--data", "tasks.jsonl", "--model", "nowhere.gguf"], "nowhere.gguf", id="no model"),
        pytest.param(["--data", "tasks.jsonl", "--tasks", "0"], "--tasks", id="no tasks"),
        pytest.param(["--data", "tasks.jsonl", "--timeout", "0"], "--timeout", id="no time"),
        pytest.param(["--data", "main.py"], "main.py:1 is no task", id="no tasks in it"),
    ],
)
def test_what_is_wrong_is_said(evaluate, data, source, arguments, says):
    source("x = 1\n")
    assert says in evaluate("infilling", *arguments).sentence()
