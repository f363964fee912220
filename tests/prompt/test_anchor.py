import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsp_server.prompt.anchor import Anchor, Continuation, expected_closers, follow
from tests.builders import make_snapshot, snapshot_at

BEFORE = "import os\n\n"
AFTER = "\n\nprint(os.name)\n"
LIMIT = 40
CLOSER_OF = {"(": ")", "[": "]", "{": "}", "<": ">", '"': '"', "'": "'", "`": "`"}
# Code with brackets, quotes and line breaks where they fall.
CODE = st.text(alphabet="ab \n()[]{}<>\"'`é", max_size=60)
SHORT = st.text(alphabet="a()", max_size=4)


def anchor_at(prefix: str = BEFORE, suffix: str = AFTER, max_typed_characters: int = LIMIT) -> Anchor:
    return Anchor(prefix, suffix, (), (), reserve_tokens=1, max_typed_characters=max_typed_characters)


def follow_to(typed: str, closed: str = "") -> Continuation | None:
    """From the anchor to where `typed` was typed and the editor put `closed` behind the cursor."""
    return follow(anchor_at(), make_snapshot(BEFORE + typed, closed + AFTER))


# What was typed


@pytest.mark.parametrize(
    "typed",
    [
        pytest.param("", id="nothing"),
        pytest.param("x", id="a letter"),
        pytest.param("x = os.path", id="a line"),
        pytest.param("if x:\n    y = 1\n    ", id="several lines"),
        pytest.param("\n\n\n", id="blank lines"),
        pytest.param("größe = '→ 🙂'", id="other letters"),
        pytest.param("f(x)", id="a bracket closed by hand"),
        pytest.param("f(", id="a bracket that the editor does not close"),
    ],
)
def test_typed_text(typed):
    assert follow_to(typed) == Continuation(typed)


def test_backspace_within_what_was_typed():
    assert [follow_to(typed) for typed in ("x = 12", "x = 1", "x = ", "")] == [
        Continuation(typed) for typed in ("x = 12", "x = 1", "x = ", "")
    ]


def test_as_much_as_there_is_room_for():
    assert follow_to("x" * LIMIT) == Continuation("x" * LIMIT)
    assert follow_to("x" * (LIMIT + 1)) is None


def test_where_nothing_may_be_typed():
    """Formats that are not anchored are planned anew at each letter, but not for the same place."""
    anchor = anchor_at(max_typed_characters=0)
    assert follow(anchor, make_snapshot(BEFORE, AFTER)) == Continuation("")
    assert follow(anchor, make_snapshot(BEFORE + "x", AFTER)) is None


# What makes another prompt


@pytest.mark.parametrize(
    ("prefix", "suffix"),
    [
        pytest.param(BEFORE[:-1], AFTER, id="backspace before the anchor"),
        pytest.param("", AFTER, id="all before the anchor deleted"),
        pytest.param("import re\n\nx", AFTER, id="another letter before the anchor"),
        pytest.param("#\n" + BEFORE + "x", AFTER, id="a line more before the anchor"),
        pytest.param(BEFORE[:5], BEFORE[5:] + AFTER, id="the cursor moved up"),
        pytest.param(BEFORE + AFTER[:3], AFTER[3:], id="the cursor moved down"),
        pytest.param(BEFORE + "x", AFTER + "y = 1\n", id="a line more at the end"),
        pytest.param(BEFORE + "x", AFTER.replace("name", "sep"), id="another word after the cursor"),
        pytest.param(BEFORE + "x", AFTER[1:], id="delete forwards"),
        pytest.param(BEFORE + "x", "", id="all after the cursor deleted"),
        pytest.param(BEFORE + "x", "y" + AFTER, id="a letter after the cursor"),
        pytest.param(BEFORE + "x(", "\n" + AFTER, id="a line break after the cursor"),
    ],
)
def test_another_text_around_the_anchor(prefix, suffix):
    assert follow(anchor_at(), make_snapshot(prefix, suffix)) is None


# What the editor closed


@pytest.mark.parametrize(
    ("typed", "closed"),
    [
        pytest.param("f(", ")", id="one bracket"),
        pytest.param("x = [", "]", id="a square bracket"),
        pytest.param("x = {", "}", id="a brace"),
        pytest.param("Vec<", ">", id="an angle bracket"),
        pytest.param('x = "', '"', id="one quote"),
        pytest.param("x = '", "'", id="a single quote"),
        pytest.param("x = `", "`", id="a back quote"),
        pytest.param("f(a, b", ")", id="typed on within"),
        pytest.param("f(g(h([", "])))", id="nested"),
        pytest.param('f({"', '"})', id="a quote in brackets"),
        pytest.param("f({'key': [1", "]})", id="nested, after a quote that was closed"),
        pytest.param("f(g(x)", ")", id="the inner one typed over"),
        pytest.param('f("a"', ")", id="the quote typed over"),
        pytest.param("f(g(", ")", id="one of two"),
        pytest.param('f("(', '")', id="a bracket in a quote is text"),
        pytest.param("f(a)\ng(", ")", id="on a later line"),
        pytest.param("f(\n    a,\n    b[", "]", id="the inner one of several lines"),
    ],
)
def test_an_auto_closed_bracket_is_no_change(typed, closed):
    assert follow_to(typed, closed) == Continuation(typed, closed)


@pytest.mark.parametrize(
    ("typed", "closed"),
    [
        pytest.param("", ")", id="nothing typed"),
        pytest.param("f", ")", id="nothing opened"),
        pytest.param("f(", "]", id="of another kind"),
        pytest.param("f(", "))", id="more than was opened"),
        pytest.param("f(a)", ")", id="closed by hand already"),
        pytest.param("f([", ")]", id="in another order"),
        pytest.param("f(", ") ", id="and a space"),
        pytest.param("f(", ")\n", id="and a line break"),
        pytest.param('f("', ")", id="within a quote"),
        pytest.param('"("', ")", id="opened in a quote"),
        pytest.param("((((((", "))))))", id="more than an editor closes in a moment"),
    ],
)
def test_a_closer_that_was_not_auto_closed_is_a_changed_suffix(typed, closed):
    assert follow_to(typed, closed) is None


def test_a_closer_that_was_there_already_is_part_of_the_anchor():
    anchor = anchor_at("x = 1\n", ")\n")
    assert follow(anchor, make_snapshot("x = 1\nf(g", ")\n")) == Continuation("f(g")
    assert follow(anchor, make_snapshot("x = 1\nf(g(", "))\n")) == Continuation("f(g(", ")")


def test_a_bracket_typed_over_is_back_at_the_suffix():
    at_each = [("f(", ")"), ("f(x", ")"), ("f(x)", ""), ("f(x).y", "")]
    assert [follow_to(*where) for where in at_each] == [Continuation(*where) for where in at_each]


def test_an_auto_closed_bracket_at_the_end_of_the_document():
    here = snapshot_at("x = 1\nprint(‸)")
    assert follow(anchor_at("x = 1\n", ""), here) == Continuation("print(", ")")


# Closers


@pytest.mark.parametrize(
    ("typed", "closers"),
    [
        ("", ""),
        ("x = 1", ""),
        ("(", ")"),
        ("([{<", ">}])"),
        ("f(a[0], {", "})"),
        ("f(a)[", "]"),
        (")", ""),
        (")(", ")"),
        ('"', '"'),
        ('"a', '"'),
        ('"a"', ""),
        ("\"it's", '"'),
        ('"it\'s"', ""),
        ('f("', '")'),
        ('f("(', '")'),
        ('f("(")', ""),
        ("f('[', \"", '")'),
        ("{`<`: [", "]}"),
        ("'\"'(", ")"),
        ("(\n[\n", "])"),
    ],
)
def test_expected_closers(typed, closers):
    assert expected_closers(typed) == closers


@given(st.lists(st.sampled_from("([{<"), max_size=8), st.sampled_from(["", *"\"'`"]), st.text("ab, \n", max_size=5))
def test_the_innermost_closes_first(openers, quote, inside):
    expected = [CLOSER_OF[opener] for opener in openers]
    assert expected_closers("".join(openers) + quote + inside) == quote + "".join(reversed(expected))


@given(CODE)
def test_what_closes_a_text_leaves_nothing_open(typed):
    assert expected_closers(typed + expected_closers(typed)) == ""


# Whatever is typed


@given(CODE, CODE, CODE, st.integers(0, 4), st.integers(0, 70))
def test_anchor_and_typed_text_are_the_text_before_the_cursor(prefix, typed, suffix, num_closed, limit):
    anchor = anchor_at(prefix, suffix, limit)
    closed = expected_closers(typed)[:num_closed]
    continuation = follow(anchor, make_snapshot(prefix + typed, closed + suffix))
    if len(typed) > limit:
        assert continuation is None
    else:
        assert continuation is not None
        assert anchor.prefix + continuation.typed == prefix + typed
        assert continuation.auto_closed + anchor.suffix == closed + suffix


@given(SHORT, SHORT, SHORT, SHORT)
def test_a_continuation_spells_the_document(prefix, suffix, other_prefix, other_suffix):
    """Of two documents that need not have anything in common."""
    anchor, snapshot = anchor_at(prefix, suffix), make_snapshot(other_prefix, other_suffix)
    if (continuation := follow(anchor, snapshot)) is not None:
        assert anchor.prefix + continuation.typed == snapshot.prefix
        assert continuation.auto_closed + anchor.suffix == snapshot.suffix
