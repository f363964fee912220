"""What of an instruct model's reply replaces code, and what is refused."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsp_server.actions.instruct import fenced
from lsp_server.actions.replies import NO_CODE, NOTHING, code_of, fenced_block, indented_like
from lsp_server.actions.source import Source
from lsp_server.base.errors import ActionError
from lsp_server.text.document import Position

PYTHON = "def f(a):\n    return a\n"
JAVA = "class A {\n    int f() { return 1; }\n}\n"
KOTLIN = "fun f(): Int {\n    return 1\n}\n"
RUBY = "def f\n  1\nend\n"
PHP = "<?php\nfunction f() {\n    return 1;\n}\n"
SHELL = "f() {\n  echo 1\n}\n"
DOCUMENTS = {"python": PYTHON, "java": JAVA, "kotlin": KOTLIN, "ruby": RUBY, "php": PHP, "shellscript": SHELL}


def replaced(reply: str, text: str, first: int, last: int, language_id: str = "python") -> str:
    """The code of a reply that replaces the lines from `first` to `last`."""
    source = Source(language_id, tuple(text.split("\n")))
    return code_of(reply, source, Position(first, 0), Position(last, len(source.lines[last])))


@pytest.mark.parametrize(
    "reply", ["", " ", "\n\n", "\t\n", "```python\n```", "```\n\n  \n```", "```", "Here:\n```\n```\n"]
)
def test_an_empty_reply_replaces_nothing(reply):
    with pytest.raises(ActionError) as raised:
        replaced(reply, PYTHON, 0, 1)
    assert str(raised.value) in (NOTHING, NO_CODE)


PROSE = [
    "I'm sorry, but I cannot help with that request.",
    "I’m sorry, I can’t do that.",
    "Sorry, that is not possible.",
    "I cannot help with that",
    "As an AI language model, I do not change code.",
    "Unfortunately, the marked part is empty.",
    "No changes are needed",
    "The code looks fine.",
    "Looks good!",
    "Done.",
    "Sure! Here is the code:\n\ndef f(a):\n    return a\n",
    "Here is the fixed version:\nreturn 1",
    "```return 1```",
]


@pytest.mark.parametrize("language_id", DOCUMENTS)
@pytest.mark.parametrize("reply", PROSE)
def test_prose_without_a_fence_is_refused(reply, language_id):
    with pytest.raises(ActionError):
        replaced(reply, DOCUMENTS[language_id], 1, 1, language_id)


@pytest.mark.parametrize("language_id", DOCUMENTS)
def test_an_apology_in_a_fence_is_refused(language_id):
    with pytest.raises(ActionError, match="no code"):
        replaced("```\nI'm sorry, but I cannot help with that.\n```", DOCUMENTS[language_id], 1, 1, language_id)


def test_other_prose_in_a_fence_is_refused_where_it_is_no_code():
    with pytest.raises(ActionError):
        replaced("```\nThe code looks fine to me.\n```", PYTHON, 1, 1)
    assert replaced("```\nPuts the lamp on\n```", SHELL, 1, 1, "shellscript") == "  Puts the lamp on"


def test_prose_is_refused_where_the_code_is_broken_already():
    for broken in ("def f(a:\n    return a\n", "def f(a)\n    return a\n", "def f(:\n"):
        with pytest.raises(ActionError):
            replaced(PROSE[0], broken, 0, 0)


@pytest.mark.parametrize(
    ("reply", "language_id", "line", "wanted"),
    [
        ("return a + 1", "python", 1, "    return a + 1"),
        ("    return a + 1\n", "python", 1, "    return a + 1"),
        ("int f() { return 2; }", "java", 1, "    int f() { return 2; }"),
        ("return 2", "kotlin", 1, "    return 2"),
        ("  2\n", "ruby", 1, "  2"),
        ("return 2;", "php", 2, "    return 2;"),
    ],
)
def test_code_without_a_fence_is_taken_where_it_can_be_told(reply, language_id, line, wanted):
    assert replaced(reply, DOCUMENTS[language_id], line, line, language_id) == wanted


def test_code_that_mends_half_of_what_is_broken_is_taken():
    assert replaced("def f(a):", "def f(a:\n    return (a\n", 0, 0) == "def f(a):"


def test_code_without_a_fence_that_breaks_the_document_is_refused():
    with pytest.raises(ActionError):
        replaced("return (a", PYTHON, 1, 1)


def test_without_a_grammar_only_a_fence_tells_code_from_prose():
    assert replaced("```sh\necho 2\n```", SHELL, 1, 1, "shellscript") == "  echo 2"
    with pytest.raises(ActionError):
        replaced("echo 2", SHELL, 1, 1, "shellscript")


def test_prose_may_replace_prose():
    text = '"""\nThe old text of it.\n"""\n'
    assert replaced("The new text of it.", text, 1, 1) == "The new text of it."
    letter = "Dear all,\n\nI would like to come.\n"
    assert replaced("```\nI'm sorry, I cannot come.\n```", letter, 2, 2, "markdown") == "I'm sorry, I cannot come."


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        ("```python\nx = 1\n```", "x = 1"),
        ("Sure:\n\n```\n\n    x = 1\n```\nThat is all.\n```\ny\n```", "    x = 1"),
        ("I cannot test it, but:\n```\nx = 1\n```\nGood luck!", "x = 1"),
        ("```\n```\nSo:\n```\nx\n```", "x"),
        ("x = 1\n", None),
        ("```python\nx = 1\n", "x = 1"),
        ("````md\n```\nx\n```\n````", "```\nx\n```"),
        ("~~~\nx\n~~~", "x"),
        ("   ```js\nx\n   ```", "x"),
        ("```\n\n```", ""),
        ("", None),
    ],
)
def test_the_fenced_block_of_a_reply(reply, code):
    assert fenced_block(reply) == code


@pytest.mark.parametrize(
    ("reply", "wanted"),
    [
        ("```bash\npip install x\n```\n```python\nx = 1\n```", "x = 1"),
        ("```bash\npip install x\n```\n```\nx = 1\n```", "x = 1"),
        ("<think>\n```python\nbad\n```\n</think>\n```python\nx = 1\n```", "x = 1"),
        ("<think>\n```python\nbad\n```\n</think>\nx = 1", "x = 1"),
        ("```python\r\nx = 1\r\ny = 2\r\n```\r\n", "x = 1\ny = 2"),
        ("```python\nx = '''\n    ```\n    a\n    ```\n'''\n```", "x = '''\n    ```\n    a\n    ```\n'''"),
        ("1. So:\n   ```python\n   x = 1\n   ```\n", "x = 1"),
        ("```text\nx = 1\n```", "x = 1"),
        ("```js\nx = 1\n```", "x = 1"),
    ],
)
def test_which_block_replaces_the_code(reply, wanted):
    assert replaced(reply, "y = 2\n", 0, 0) == wanted


@pytest.mark.parametrize(
    "reply",
    [
        "OK",
        "Done",
        "```diff\n-y = 2\n+y = 3\n```",
        "```js\nfunction f(a) { return a }\n```",
        "```bash\npip install x\n```",
        "<think>\n```python\nx = 1\n```\n",
    ],
)
def test_what_is_no_code_of_this_language_is_refused(reply):
    with pytest.raises(ActionError):
        replaced(reply, "y = 2\n", 0, 0)


def test_a_long_line_of_backquotes_takes_little_time():
    began = time.process_time()
    assert fenced_block("`" * 200_000) is None
    assert time.process_time() - began < 1


@given(st.text(alphabet="`x\n~ ", max_size=30))
def test_a_fence_holds_whatever_is_in_it(text):
    block = fenced_block(fenced(text, Source("", ())))
    assert block == (text.strip("\n") if text.strip() else "")


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
