"""Ghost text in the editors of the terminal, accepted by keys: the buffer's text is exactly what the server meant."""

from __future__ import annotations

import itertools

import pytest

from tests.editors.texts import SEVERAL_LINES, TYPED

_numbers = itertools.count(1)


@pytest.mark.parametrize("name", TYPED)
def test_the_accepted_text_is_what_the_server_answered(editor, name):
    case = TYPED[name]
    editor.close_brackets(case.becomes.endswith("‸)"))
    since = editor.tap.mark
    editor.open(f"text-{next(_numbers)}-{case.name}", case.text)
    editor.type(case.typed)
    offered = editor.offered(since)
    assert "\n" in offered or name not in SEVERAL_LINES, "the model has changed: find another case"
    editor.press("Tab")
    line_break = "\r\n" if "\r\n" in case.text else "\n"
    assert editor.saved() == case.expected(offered.replace("\r\n", "\n").replace("\n", line_break))
