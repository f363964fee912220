from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.eval.ngram import MAX_CONTEXT, NGram, write_line

tokens = st.lists(st.integers(0, 3), min_size=MAX_CONTEXT + 1, max_size=60)


def piece(token: int) -> bytes:
    return bytes([token])


def write(general: bytes, before: bytes, rest: bytes = b"") -> str:
    return write_line(NGram(list(general)), list(before), rest, piece, max_tokens=20)


@given(tokens, st.lists(st.integers(0, 3), min_size=1, max_size=MAX_CONTEXT))
def test_counts_are_those_of_counting(text, context):
    size = len(context)
    followers = [text[at + size] for at in range(len(text) - size) if text[at : at + size] == context]
    assert NGram(text).after(context) == Counter(followers)


@pytest.mark.parametrize(
    ("before", "written"),
    [
        pytest.param(b"for key in ", "table:", id="to the end of the line"),
        pytest.param(b"while key in ", "table:", id="by a shorter context"),
        pytest.param(b"zzz", "", id="nothing like it was seen"),
        pytest.param(b"items = 5\nfor key in items:\n    pass\nfor key in ", "items:", id="its own text first"),
    ],
)
def test_a_line_is_written_as_it_was_seen(before, written):
    assert write(b"for key in table:\n    print(key)\n", before) == written


def test_what_is_written_begins_with_the_rest_that_is_there():
    text = b"x = ab\nx = ab\nx = cd\n"
    assert write(text, b"\nx =", b" ") == "ab"
    assert write(text, b"\nx =", b" c") == "d"
    assert write(text, b"\nx =", b" e") == ""
