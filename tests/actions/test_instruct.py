"""Prompts for an instruct model, and what is taken from its replies."""

import pytest

from lsp_server.actions.candidates import whole_lines
from lsp_server.actions.instruct import (
    edit_messages,
    explain_messages,
    fix_messages,
    messages_for_tests,
    path_of_tests,
)
from lsp_server.actions.source import Source
from lsp_server.text.document import Position
from tests.actions.cases import source_with_cursor

CODE = "import os\n\ndef f():\n    ‸return os‸\n\nx = 1"


def asked(make, *rest) -> str:
    source, start, end = source_with_cursor(CODE)
    [message] = make(source, *whole_lines(source, start, end), "a.py", *rest)
    assert message.role == "user"
    return message.text


def test_what_is_marked_is_told_from_what_is_around():
    text = asked(edit_messages, "Return one.")
    before, marked, after = (text.index(part) for part in ("import os", "    return os", "x = 1"))
    assert before < text.index("The marked part:") < marked < text.index("After the marked part:") < after
    assert text.index("Return one.") > after
    assert "a.py" in text


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        (3, "- `return os`: os is not sold here"),
        (1, "- os is not sold here"),  # a blank line
        (99, "- os is not sold here"),  # a line that is gone
    ],
)
def test_a_problem_is_named_by_the_text_of_its_line(line, wanted):
    text = asked(fix_messages, [(line, "os is not sold here")])
    assert wanted in text
    assert "line " not in text.partition("were found")[2].partition("Mend")[0]


def test_a_line_with_backquotes_is_quoted_by_more_of_them():
    source = Source("javascript", ("f(`x`)",))
    [message] = fix_messages(source, Position(0, 0), Position(0, 6), "a.js", [(0, "wrong")])
    assert "- `` f(`x`) ``: wrong" in message.text


def test_an_explanation_is_asked_for():
    assert "Explain" in asked(explain_messages)


def test_tests_are_asked_for_in_the_usual_way():
    assert "pytest" in asked(messages_for_tests, "")
    assert "import sums" in asked(messages_for_tests, "import sums")


@pytest.mark.parametrize(
    ("language_id", "path", "tests"),
    [
        ("python", "src/shop.py", "tests/test_shop.py"),
        ("go", "shop/shop.go", "shop/shop_test.go"),
        ("typescriptreact", "src/Shop.tsx", "src/Shop.test.tsx"),
        ("rust", "src/lib.rs", ""),
    ],
)
def test_where_tests_usually_are(language_id, path, tests):
    assert path_of_tests(language_id, path) == tests


def test_a_selection_up_to_a_line_s_start_leaves_that_line_out():
    source = Source("python", ("ab", "cd", "ef"))
    assert whole_lines(source, Position(0, 1), Position(2, 0)) == (Position(0, 0), Position(1, 2))
    assert whole_lines(source, Position(1, 1), Position(1, 1)) == (Position(1, 0), Position(1, 2))
