import pytest

from lsp_server.catalog.verify import CURSOR, KnownInfill, known_infills

CASES = known_infills()


def test_there_are_twenty_in_several_languages():
    assert len(CASES) == 20
    assert len({case.language for case in CASES}) > 6


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.language} {case.accepted[0]}")
def test_a_case_is_a_text_with_one_hole_and_what_belongs_there(case: KnownInfill):
    assert case.text.count(CURSOR) == 1
    snapshot = case.snapshot(1)
    assert snapshot.prefix + CURSOR + snapshot.suffix == case.text.lstrip("\n")
    assert snapshot.prefix.split("\n")[snapshot.line] == snapshot.line_prefix
    assert all(case.is_right(answer) for answer in case.accepted)
    assert not case.is_right("")
    assert not case.is_right("something else")


@pytest.mark.parametrize(
    ("answer", "is_right"),
    [("value", True), (" value\n", True), ("value;", True), ("values", False), ("valu", False), ("*value", False)],
)
def test_more_may_follow_but_not_in_the_same_word(answer, is_right):
    assert KnownInfill("rust", "‸", ("value",)).is_right(answer) is is_right
