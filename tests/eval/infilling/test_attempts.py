"""Oracles through the whole pipeline, and what is made of their attempts."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsp_server.ipc.requests import Chunk, Generate
from lsp_server.settings.model import Settings
from tests.eval.infilling.attempts import MAX_TOKENS, Attempt, complete_as, run_all, settings_for, summarise
from tests.eval.infilling.build import MAX_SPAN_TOKENS, NUM_SPANS, build, read_functions
from tests.eval.infilling.oracle import NUM_OTHER_LINES, OracleEngine, OracleTexts, pieces
from tests.eval.infilling.sandbox import Verdict
from tests.eval.infilling.tasks import Task, read_tasks

SETTINGS = settings_for(Settings(), "always")
TASK = Task(
    "task",
    "def double(x):\n    y = ",
    "x * 2",
    "\n    return y\n",
    "def check(candidate):\n    assert candidate(4) == 8\ncheck(double)",
)
OTHER = Task("other", "def other():\n    z = 5\n", "    z = 6", "\n    print(z)\n", "")


def attempt(shown, kind="", *, task=TASK, may_go_on=False):
    return Attempt(task, shown, may_go_on, Verdict(kind) if kind else None)


# Functions and tasks


@pytest.fixture(scope="module")
def rows():
    return build(read_functions())


@pytest.fixture(scope="module")
def tasks(rows, tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "tasks.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return read_tasks(path)


def test_there_are_many_functions_and_tasks_of_each_kind(rows):
    assert len(read_functions()) >= 40
    kinds = [row["task_id"].split("/")[0] for row in rows]
    assert kinds.count("SingleLine") >= 600
    assert kinds.count("MultiLine") >= 600
    assert kinds.count("RandomSpan") == NUM_SPANS * len(read_functions())


def test_tasks_are_the_same_every_time(rows):
    assert build(read_functions()) == rows


def test_each_hole_is_in_a_program_of_its_function(rows):
    sources = {function.name: function.source for function in read_functions()}
    for row in rows:
        assert row["prompt"] + row["canonical_solution"] + row["suffix"] == sources[row["entry_point"]]
        assert row["canonical_solution"].strip()
        if row["task_id"].startswith("RandomSpan"):
            assert len(list(pieces(row["canonical_solution"]))) <= 4 * MAX_SPAN_TOKENS


def test_every_function_passes_its_own_tests(tasks):
    first_of_each = {task.check: task for task in tasks}
    attempts = run_all([Attempt(task, task.expected) for task in first_of_each.values()], 30.0, lambda _: None)
    assert [each.task.name for each in attempts if each.outcome != "passed"] == []


# Oracles


@given(st.text())
def test_pieces_are_the_text(text):
    assert "".join(pieces(text)) == text


def test_pieces_are_like_tokens():
    text = "    return pop(internationalisation)\n"
    assert list(pieces(text)) == ["   ", " return", " pop", "(", "intern", "ationa", "lisati", "on", ")", "\n"]


async def test_the_engine_writes_its_text_and_ends():
    engine = OracleEngine()
    engine.text = "a = b"
    assert await _written(engine, 9) == ("a = b", "end")
    assert await _written(engine, 2) == ("a =", "length")


async def test_a_reader_that_counts_tokens_too_changes_no_limit():
    long = "\n".join(f"    y = x * {number} + 1" for number in range(30))
    task = Task("task", "def double(x):\n", long, "\n    return y\n", "")
    assert MAX_TOKENS / 2 < len(list(pieces(long))) < MAX_TOKENS
    [found] = await complete_as("exact", SETTINGS, [task], lambda _: None)
    assert found.shown == long


async def _written(engine, max_tokens):
    events = [event async for event in engine.generate(Generate((), max_tokens))]
    return "".join(each.text for each in events if isinstance(each, Chunk)), events[-1].reason


def test_what_oracles_write():
    tasks = [TASK, OTHER]
    assert OracleTexts("exact", tasks).of(TASK) == "x * 2"
    assert OracleTexts("runs-on", tasks).of(TASK) == "x * 2\n    return y\n"
    perturbed = OracleTexts("perturbed", tasks).of(TASK).split("\n")
    assert perturbed[0] == "x * 2"
    assert len(perturbed) == NUM_OTHER_LINES + 2
    assert set(perturbed[1:-1]) == {"    z = 5", "    z = 6", "    print(z)"}
    assert OracleTexts("perturbed", tasks).of(TASK).split("\n") == perturbed


def test_other_code_is_indented_as_the_block_that_the_truth_begins():
    task = Task("", "def f(x):\n", "    if x:", "\n        return x\n", "")
    assert OracleTexts("perturbed", [task, OTHER]).of(task).split("\n")[1].startswith("        ")


@pytest.mark.parametrize(
    ("expected", "after", "may_go_on"),
    [
        pytest.param("    y = x", "\n    return y\n", True, id="as good with one line more"),
        pytest.param("    return x", "\n", False, id="not reached"),
        pytest.param("    y = (x", ")\n    return y\n", False, id="does not parse"),
        pytest.param("    try:\n        y = x", "\n    except ValueError:\n        pass\n", True, id="in a handler"),
    ],
)
def test_where_nothing_tells_that_the_hole_is_filled(expected, after, may_go_on):
    task = Task("", "def f(x):\n", expected, after, "")
    assert OracleTexts("perturbed", [task, OTHER]).may_go_on(task) == may_go_on
    assert not OracleTexts("exact", [task, OTHER]).may_go_on(task)


@pytest.mark.parametrize("oracle", ["exact", "runs-on", "perturbed"])
async def test_oracles_go_through_the_whole_pipeline(oracle):
    [done, _] = await complete_as(oracle, SETTINGS, [TASK, OTHER], lambda _: None)
    assert done.shown == "x * 2"
    assert done.may_go_on == (oracle == "perturbed")


@pytest.mark.parametrize(("oracle", "least"), [("exact", 0.995), ("runs-on", 0.98)])
async def test_what_a_model_knows_is_shown(oracle, least, tasks):
    some = tasks[::7]
    result = summarise(await complete_as(oracle, SETTINGS, some, lambda _: None), oracle=True, has_run=False)
    assert result.rows[-1].exact >= least
    assert result.rows[-1].num_tasks == len(some) >= 400


async def test_running_on_is_cut_where_it_can_be_told(tasks):
    result = summarise(await complete_as("perturbed", SETTINGS, tasks[::7], lambda _: None), oracle=True, has_run=False)
    assert result.decidable is not None
    assert result.decidable.num_tasks >= 100
    assert result.decidable.exact >= 0.88


# Attempts


@pytest.mark.parametrize(
    ("shown", "comparison"),
    [
        ("x * 2", "exact"),
        ("x * 2 ", "exact"),
        ("x *", "too early"),
        ("", "too early"),
        ("x * 2\n    z = 1", "too late"),
        ("x + x", "other"),
    ],
)
def test_comparisons(shown, comparison):
    assert attempt(shown).comparison == comparison


def test_programs_are_run_and_those_without_a_text_are_not():
    attempts = [attempt("x * 2"), attempt("x + x"), attempt("x * 3"), attempt("x *"), attempt(" ")]
    done = run_all(attempts, 30.0, lambda _: None)
    assert [each.outcome for each in done] == ["passed", "passed", "wrong", "error", "nothing offered"]


def test_a_summary_counts_what_came_of_all():
    attempts = [
        attempt("x * 2", "passed"),
        attempt("x + x", "passed"),
        attempt("x *", "error", may_go_on=True),
        attempt("    z = 6", "timed out", task=OTHER),
        attempt("", task=OTHER),
    ]
    result = summarise(attempts, oracle=True, has_run=True)
    assert result.passed is not None
    assert (result.passed.num_tasks, result.passed.pass_at_1) == (5, 0.4)
    assert result.passed.failures == {"wrong": 0, "error": 1, "timed out": 1, "nothing offered": 1}
    assert [(row.name, row.num_tasks, row.exact) for row in result.rows] == [
        ("inside a line", 3, 1 / 3),
        ("a line", 2, 1 / 2),
        ("all", 5, 2 / 5),
    ]
    assert result.rows[0].counts == {"exact": 1, "too early": 1, "too late": 0, "other": 1}
    assert result.decidable is not None
    assert (result.decidable.num_tasks, result.decidable.exact) == (4, 0.5)


def test_a_model_s_summary_has_nothing_of_oracles():
    result = summarise([attempt("x")], oracle=False, has_run=False)
    assert (result.passed, result.decidable) == (None, None)
