from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsp_server.completion.answers import MAX_ANSWERS_PER_DOCUMENT, MAX_DOCUMENTS, Answers
from lsp_server.text.snapshot import Snapshot
from tests.builders import make_snapshot, snapshot_at

ASKED = snapshot_at("def f():\n    re‸\n\nprint(f())\n")
ANSWER = "turn 1\n    # done"
SHORT = st.text(alphabet="ab\n", max_size=4)


@pytest.fixture
def answers() -> Answers:
    known = Answers()
    known.remember(ASKED, ANSWER)
    return known


def typed(text: str, snapshot: Snapshot = ASKED) -> Snapshot:
    return replace(snapshot, prefix=snapshot.prefix + text)


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        pytest.param("", ANSWER, id="nothing typed"),
        pytest.param("t", "urn 1\n    # done", id="one letter"),
        pytest.param("turn 1", "\n    # done", id="a line"),
        pytest.param("turn 1\n    # don", "e", id="all but one letter"),
        pytest.param(ANSWER, None, id="all of it"),
        pytest.param(ANSWER + "!", None, id="more than all of it"),
        pytest.param("x", None, id="another letter"),
        pytest.param("tuxn", None, id="another letter after some that agree"),
        pytest.param("turn 1\n  ", "  # done", id="half of the indentation"),
    ],
)
def test_typing_in_agreement(answers, text, rest):
    assert answers.recall(typed(text)) == rest


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param(replace(ASKED, suffix=ASKED.suffix + " "), id="the text after the cursor"),
        pytest.param(replace(ASKED, prefix="#" + ASKED.prefix), id="the text before the cursor"),
        pytest.param(replace(ASKED, prefix=ASKED.prefix[:-1]), id="a letter deleted"),
        pytest.param(replace(ASKED, uri="file:///project/other.py"), id="another document"),
    ],
)
def test_any_other_change_is_not_known(answers, changed):
    assert answers.recall(changed) is None


LIMITS = [(None, None, ()), (400, None, ()), (None, 3, ()), (None, None, ("\n",)), (400, 40, ("end",))]


@pytest.mark.parametrize("made_under", LIMITS)
def test_an_answer_counts_under_its_own_limits_only(made_under):
    answers = Answers()
    answers.remember(ASKED, ANSWER, made_under)
    assert [limits for limits in LIMITS if answers.recall(ASKED, limits)] == [made_under]


def test_an_answer_of_other_limits_hides_none(answers):
    answers.remember(ASKED, "x", (400, 40, ()))
    assert (answers.recall(ASKED), answers.recall(ASKED, (400, 40, ()))) == (ANSWER, "x")


def test_version_and_language_do_not_matter(answers):
    assert answers.recall(replace(ASKED, version=7)) == ANSWER


def test_the_newest_that_agrees_wins(answers):
    answers.remember(ASKED, "ad()")
    assert answers.recall(ASKED) == "ad()"
    assert answers.recall(typed("tu")) == "rn 1\n    # done"


def test_an_answer_used_up_gives_way_to_an_older_one(answers):
    answers.remember(ASKED, "turn")
    assert answers.recall(typed("turn")) == " 1\n    # done"


def test_deleting_what_was_typed_returns_to_the_answer(answers):
    answers.remember(typed("turn"), " 2")
    assert answers.recall(typed("turn")) == " 2"
    assert answers.recall(typed("tur")) == "n 1\n    # done"


def test_forget(answers):
    answers.forget("file:///project/other.py")
    assert answers.recall(ASKED) == ANSWER
    answers.forget(ASKED.uri)
    assert answers.recall(ASKED) is None
    answers.forget(ASKED.uri)


def test_a_document_keeps_its_newest_answers():
    answers = Answers()
    places = [make_snapshot(f"{number}: ") for number in range(MAX_ANSWERS_PER_DOCUMENT + 1)]
    for place in places:
        answers.remember(place, "x")
    assert [answers.recall(place) for place in places] == [None] + ["x"] * MAX_ANSWERS_PER_DOCUMENT


def test_the_document_not_answered_for_longest_is_dropped():
    answers = Answers()
    documents = [make_snapshot("x", path=f"{number}.py") for number in range(MAX_DOCUMENTS)]
    for document in [*documents, documents[0]]:
        answers.remember(document, "y")
    answers.remember(make_snapshot("x", path="new.py"), "y")
    known = [answers.recall(document) is not None for document in documents]
    assert known == [True, False, *[True] * (MAX_DOCUMENTS - 2)]


@given(st.lists(st.tuples(SHORT, SHORT, st.text("ab\n", min_size=1, max_size=6)), max_size=6), SHORT, SHORT)
def test_document_and_shown_text_are_the_document_and_its_answer(remembered, prefix, suffix):
    answers = Answers()
    for known_prefix, known_suffix, text in remembered:
        answers.remember(make_snapshot(known_prefix, known_suffix), text)
    shown = answers.recall(make_snapshot(prefix, suffix))
    completed = {known_prefix + text + known_suffix for known_prefix, known_suffix, text in remembered}
    assert shown is None or (shown and prefix + shown + suffix in completed)


@given(st.text(), st.text(), st.text(min_size=1), st.data())
def test_every_part_of_an_answer_is_known(prefix, suffix, text, data):
    answers = Answers()
    answers.remember(make_snapshot(prefix, suffix), text)
    length = data.draw(st.integers(0, len(text) - 1))
    assert answers.recall(make_snapshot(prefix + text[:length], suffix)) == text[length:]
