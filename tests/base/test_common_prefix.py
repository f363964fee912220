import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsp_server.base.common_prefix import common_prefix

few_tokens = st.lists(st.integers(0, 2), max_size=40)


@pytest.mark.parametrize(("left", "right", "shared"), [("", "", 0), ("abc", "abd", 2), ("ab", "abc", 2), ("x", "y", 0)])
def test_common_prefix(left, right, shared):
    assert common_prefix(left, right) == common_prefix(left.encode(), right.encode()) == shared


@given(few_tokens, few_tokens)
def test_common_prefix_is_what_counting_finds(left, right):
    counted = 0
    while counted < min(len(left), len(right)) and left[counted] == right[counted]:
        counted += 1
    assert common_prefix(left, right) == common_prefix(right, left) == counted


@given(few_tokens, few_tokens, few_tokens)
def test_common_prefix_of_what_begins_the_same(shared, left, right):
    count = common_prefix(shared + left, shared + right)
    assert count >= len(shared)
    assert (shared + left)[:count] == (shared + right)[:count]
