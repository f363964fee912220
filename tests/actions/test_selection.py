"""Selections: the white space around them stays."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsp_server.actions.selection import find_selection, text_between, trimmed
from lsp_server.actions.source import Source
from lsp_server.text.document import Position
from tests.actions.cases import filled, source_with_cursor
from tests.builders import CURSOR


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("x = ‸1 + 2‸\n", "x = NEW\n"),
        ("‸    x = 1\n    y = 2\n‸z\n", "    NEW\nz\n"),
        ("a\n\n‸\n\tb \n\n‸c", "a\n\n\n\tNEW \n\nc"),
    ],
)
def test_a_selection_is_replaced(text, wanted):
    source, start, end = source_with_cursor(text)
    assert filled(source, find_selection(source, start, end), "NEW") == wanted


@pytest.mark.parametrize("text", ["‸‸x", "x ‸  \n\t‸y", "‸\n\n‸"])
def test_white_space_is_no_selection(text):
    source, start, end = source_with_cursor(text)
    assert find_selection(source, start, end) is None


@given(st.lists(st.text(alphabet="a \t", max_size=4), min_size=1, max_size=4), st.data())
def test_what_is_trimmed_is_white_space(lines, data):
    text = "\n".join(lines)
    first = data.draw(st.integers(0, len(text)))
    last = data.draw(st.integers(first, len(text)))
    source, start, end = source_with_cursor(f"{text[:first]}{CURSOR}{text[first:last]}{CURSOR}{text[last:]}")
    left, right = trimmed(source, start, end)
    assert text_between(source, left, right) == text[first:last].strip()


def test_the_text_of_a_range_over_lines():
    source = Source("python", ("ab", "cd", "ef"))
    assert text_between(source, Position(0, 1), Position(2, 1)) == "b\ncd\ne"
