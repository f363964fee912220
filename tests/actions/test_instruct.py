"""Prompts for an instruct model, and what is taken from its replies."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsp_server.actions.candidates import whole_lines
from lsp_server.actions.instruct import (
    code_of,
    edit_messages,
    explain_messages,
    fenced,
    fix_messages,
    indented_like,
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


def test_problems_are_named_by_their_lines():
    assert "- line 4: os is not sold here" in asked(fix_messages, [(3, "os is not sold here")])


def test_an_explanation_is_asked_for():
    assert "Explain" in asked(explain_messages)


def test_tests_are_asked_for_in_the_usual_way():
    assert "pytest" in asked(messages_for_tests, "")
    assert "import sums" in asked(messages_for_tests, "import sums")


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        ("```python\nx = 1\n```", "x = 1"),
        ("Sure:\n\n```\n\n    x = 1\n```\nThat is all.\n```\ny\n```", "    x = 1"),
        ("x = 1\n", "x = 1"),
        ("```python\nx = 1\n", "x = 1"),
        ("````md\n```\nx\n```\n````", "```\nx\n```"),
        ("~~~\nx\n~~~", "x"),
        ("   ```js\nx\n   ```", "x"),
        ("", ""),
    ],
)
def test_the_code_of_a_reply(reply, code):
    assert code_of(reply) == code


@given(st.text(alphabet="`x\n~ ", max_size=30))
def test_a_fence_holds_whatever_is_in_it(text):
    assert code_of(fenced(text, Source("", ()))) == text.strip("\n")


@pytest.mark.parametrize(
    ("code", "original", "wanted"),
    [
        ("x = 1\nif x:\n    y", "    a", "    x = 1\n    if x:\n        y"),
        ("        x\n\n            y", "    a", "    x\n\n        y"),
        ("    x", "    a", "    x"),
        ("\tx", "    a", "\tx"),
        ("x", "a", "x"),
    ],
)
def test_code_comes_to_the_depth_of_what_it_replaces(code, original, wanted):
    assert indented_like(code, original) == wanted


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
