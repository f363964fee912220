"""What each filter does alone; the cases of them together are in `test_golden.py`."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsp_server.postprocess.below import drop_line_below
from lsp_server.postprocess.filters import FILTERS, clean, drop_rest_of_line, drop_trailing_space
from tests.builders import make_snapshot, snapshot_at

# Few letters and many brackets, so that texts often repeat what surrounds them.
CODE = st.text(alphabet="ab()[]{}<>\"',; \n", max_size=25)


@pytest.mark.parametrize(
    ("file", "text", "kept"),
    [
        pytest.param("‸\nend", "a\nend", "a", id="the line below"),
        pytest.param("‸\n\nend ", "a\nend  ", "a", id="white space does not count"),
        pytest.param("‸\nend", "end", "end", id="the rest of the cursor's own line"),
        pytest.param("‸\nend", "a\nend\n", "a", id="a line break behind it"),
        pytest.param("‸\nlast\nend", "a\nlast\nb", "a\nlast\nb", id="not the last line"),
        pytest.param("‸\nend", "a\n end", "a\n end", id="another indentation"),
        pytest.param("‸\nending", "a\nend", "a\nend", id="the beginning of the line below"),
        pytest.param("‸", "a\n", "a\n", id="nothing below"),
        pytest.param("‸\n  \n", "a\n", "a\n", id="nothing but white space below"),
    ],
)
def test_drop_line_below(file, text, kept):
    assert drop_line_below(text, snapshot_at(file)) == kept


@pytest.mark.parametrize(
    ("file", "text", "kept"),
    [
        pytest.param("f(‸)", "x)", "x", id="a bracket"),
        pytest.param("f(‸)  ", "x)  ", "x", id="white space does not count"),
        pytest.param("f(‸)", "g(x)", "g(x)", id="the text's own bracket"),
        pytest.param("f(g(‸)", "x)", "x)", id="a bracket that is missing"),
        pytest.param("f(g(‸))", "x))", "x", id="two brackets"),
        pytest.param("f(g(‸))", "x)", "x", id="one of two brackets"),
        pytest.param("f(‸, y)", "x, y)", "x", id="words"),
        pytest.param("f(‸, y)", "x, yy)", "x, yy)", id="other words"),
        pytest.param("f(‸\n)", "x)", "x)", id="a bracket on the next line is not on this one"),
        pytest.param("f(‸", "x)", "x)", id="nothing follows"),
        pytest.param("f(‸   \n", "x)", "x)", id="nothing but white space follows"),
    ],
)
def test_drop_rest_of_line(file, text, kept):
    assert drop_rest_of_line(text, snapshot_at(file)) == kept


@pytest.mark.parametrize(
    ("file", "text", "kept"),
    [
        pytest.param("‸", "  a  \n b \t\n\n ", "  a  \n b", id="nothing follows"),
        pytest.param("f(‸)", "x ", "x", id="a bracket follows"),
        pytest.param("if ‸ in y:", "x ", "x", id="a space follows"),
        pytest.param("if x‸in y:", " ", "", id="nothing but a space"),
        pytest.param("if ‸in y:", "x ", "x ", id="a word follows"),
        pytest.param("‸  x = 1", "  y = 2\n  ", "  y = 2\n", id="a line that the text goes before"),
    ],
)
def test_drop_trailing_space(file, text, kept):
    assert drop_trailing_space(text, snapshot_at(file)) == kept


def test_filters_that_change_nothing_are_not_named():
    assert clean("x", snapshot_at("f(‸)")) == ("x", [])
    assert clean("x)", snapshot_at("f(‸)")) == ("x", ["drop rest of line"])
    assert clean("x) \n", snapshot_at("f(‸)")) == ("x", ["drop rest of line"])
    assert clean("x  ", snapshot_at("f(‸)")) == ("x", ["drop trailing space"])


@pytest.mark.parametrize("text", ["", " ", "\n", "\t\n  \n"])
@pytest.mark.parametrize("file", ["‸", "f(‸)", "a‸\n\nb"])
def test_white_space_shows_nothing(text, file):
    assert clean(text, snapshot_at(file))[0] == ""


@pytest.mark.parametrize("name", FILTERS)
@given(CODE, CODE, CODE)
def test_a_filter_only_cuts_the_end(name, text, prefix, suffix):
    assert text.startswith(FILTERS[name](text, make_snapshot(prefix, suffix)).rstrip())


@given(CODE, CODE, CODE)
def test_all_filters_together_only_cut_the_end(text, prefix, suffix):
    shown, applied = clean(text, make_snapshot(prefix, suffix))
    assert text.startswith(shown.rstrip())
    assert bool(applied) == (shown != text)
    assert shown == shown.rstrip() or suffix.partition("\n")[0].strip()


@given(st.text(), st.text(), st.text())
def test_any_text_at_all(text, prefix, suffix):
    shown, _ = clean(text, make_snapshot(prefix, suffix))
    assert text.startswith(shown.rstrip())
