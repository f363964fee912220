import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsp_server.index.chunks import MAX_LINES, chunk_lines
from lsp_server.index.words import identifiers, line_words, parts, terms, terms_of, words


@pytest.mark.parametrize(
    ("identifier", "expected"),
    [
        ("readHTTPBody", ("read", "http", "body")),
        ("snake_case_name", ("snake", "case", "name")),
        ("MAX_VALUE", ("max", "value")),
        ("utf8_decode", ("utf", "decode")),
        ("x", ()),
        ("_private", ("private",)),
    ],
)
def test_parts(identifier, expected):
    assert parts(identifier) == expected


@pytest.mark.parametrize(
    ("identifier", "expected"),
    [
        ("Client", ("client",)),
        ("ClientSession", ("clientsession", "client", "session")),
        ("client_session", ("clientsession", "client", "session")),
        ("return", ()),
        ("__", ()),
    ],
)
def test_terms(identifier, expected):
    assert terms(identifier) == expected


def test_identifiers_are_in_order_and_without_keywords():
    assert identifiers("for item in self.items: total += item") == ["item", "items", "total", "item"]


@given(st.text(max_size=100))
def test_terms_are_words_that_fts5_keeps_whole(text):
    assert all(term.isalnum() for term in terms_of(text) if term.isascii())


@given(st.lists(st.sampled_from(["", "x = 1", "    y", "def f():"]), max_size=200))
def test_chunks_hold_every_line_that_says_something_once(lines):
    ranges = list(chunk_lines(lines))
    covered = [index for first, last in ranges for index in range(first, last)]
    assert covered == sorted(set(covered))
    assert all(0 < last - first <= MAX_LINES for first, last in ranges)
    assert {index for index, line in enumerate(lines) if line.strip()} <= set(covered)


@given(st.text())
def test_words_are_those_of_the_lines(text):
    assert words(text) == [word for line in line_words(text) for word in line]
