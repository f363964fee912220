"""What is offered at a place, as a user would read it."""

import pytest

from lsp_server.actions.candidates import chat_candidates, definition_at, fill_candidates, import_candidates
from lsp_server.actions.source import Source
from lsp_server.text.document import Position
from tests.actions.cases import source_with_cursor


def titles(text: str, *problems: str, language_id: str = "python") -> list[str]:
    source, start, end = source_with_cursor(text, language_id)
    candidates = fill_candidates(source, start, end) + import_candidates(source, start.line)
    return [each.title for each in candidates + chat_candidates(source, start, end, problems)]


def test_a_header_without_a_body():
    assert titles("def f():‸\n    pass\n") == [
        "infill: write this body",
        "infill: document this",
        "infill: write tests for this",
    ]


def test_a_selection():
    assert titles("def f():\n    ‸x = 1‸\n") == ["infill: rewrite the selection", "infill: explain this"]


def test_a_problem_is_named_and_several_are_counted():
    assert titles("x = 1‸\n", "it is one") == ["infill: fix “it is one”"]
    assert titles("x = 1‸\n", "it is one", "so it is") == ["infill: fix 2 problems"]


def test_names_to_import():
    assert titles("a(b, c, d)‸\n")[:3] == ["infill: import `a`", "infill: import `b`", "infill: import `c`"]


def test_nothing_at_an_ordinary_line():
    assert titles("x = 1‸\n") == []


@pytest.mark.parametrize(
    ("language_id", "text", "last"),
    [
        ("python", "def f():‸\n    x\n\n    y\n\nz", 3),
        ("python", "class A:‸\n    def f(self):\n        pass", 2),
        ("javascript", "function f() {‸\n  x\n}\ny", 2),
        ("ruby", "def f‸\n  x\nend\ny", 2),
        ("python", "def f(‸\n    a,\n):\n    x\ny", 3),
    ],
)
def test_the_range_of_a_definition(language_id, text, last):
    source, start, _ = source_with_cursor(text, language_id)
    assert definition_at(source, start.line) == (Position(0, 0), Position(last, len(source.lines[last])))


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("print(json.dumps(x))", ["json"]),
        ("here = os.path.join(a)", ["os"]),
        ("code.append(1)", []),
        ("print(code)", []),
        ("token = token.strip()", []),
        ("for each in types: pass", []),
        ("queue.put(1)", []),
        ("jobs = queue.Queue()", ["queue"]),
        ("x = numpy.array(y)", ["numpy"]),
    ],
)
def test_a_module_that_may_be_a_variable_is_offered_where_it_is_meant(line, offered):
    known = "x = a = y = jobs = 1\n"
    found = import_candidates(Source("python", tuple(f"{known}{line}".split("\n"))), 1)
    assert [each.name for each in found] == offered
