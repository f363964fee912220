import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsp_server.base.token_estimate import estimate_tokens
from lsp_server.text.snapshot import normalize
from tests.builders import snapshot_at


@pytest.mark.parametrize(
    ("text", "line_prefix", "line_suffix"),
    [
        ("‸", "", ""),
        ("a‸b", "a", "b"),
        ("a\nb‸c\nd", "b", "c"),
        ("a\n‸\nd", "", ""),
        ("a\fb\u2028c‸d\x85e\n", "a\fb\u2028c", "d\x85e"),
    ],
)
def test_the_line_of_the_cursor(text, line_prefix, line_suffix):
    snapshot = snapshot_at(text)
    assert (snapshot.line_prefix, snapshot.line_suffix) == (line_prefix, line_suffix)
    assert snapshot.character == len(line_prefix)


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("a\r\nb\rc\nd", "a\nb\nc\nd"),
        ("\r\r\n\n", "\n\n\n"),
        ("a\fb\u2028c\x85d", "a\fb\u2028c\x85d"),
        ("\ud83d\ude42", "🙂"),
        ("\ud83d x", "\ufffd x"),
        ("x \ude42", "x \ufffd"),
    ],
)
def test_normalize(text, normal):
    assert normalize(text) == normal


@given(st.text(alphabet="a\r\n🙂\ud83d\ude42\u2028"))
def test_normal_text_can_be_encoded_and_stays(text):
    normal = normalize(text)
    assert normal.encode("utf-8")[:0] == b""
    assert "\r" not in normal
    assert normalize(normal) == normal


@given(st.text(), st.text())
def test_estimates(a, b):
    assert bool(estimate_tokens(a)) == bool(a)
    assert estimate_tokens(a) <= estimate_tokens(a + b) <= estimate_tokens(a) + estimate_tokens(b)
