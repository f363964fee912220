"""Where guesses come from: the answers last written in a document, then the prompt and the text so far."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from lsp_server.engine.drafting.lookup import KEYS, MAX_DOCUMENTS, MAX_DRAFTED, MAX_REMEMBERED, Lookup
from lsp_server.engine.scheduler.sequence import SequenceState
from lsp_server.engine.scheduler.tokenize import TokenizedRequest
from lsp_server.ipc.requests import Generate

CONTROL = 9
# Few different ones, so that much repeats; and such as fill all bytes of a token, so that a match may be none.
tokens = st.lists(st.sampled_from([0, 1, 2, 256, 65536, CONTROL]), max_size=60)
_names = itertools.count()


def run_of(text, anchor=0, document="", written=0) -> SequenceState:
    tokenized = TokenizedRequest(list(text[:anchor]), [], max_tokens=50)
    run = SequenceState(f"r{next(_names)}", Generate((), 50, document=document), tokenized, 0, 0.0, tokens=list(text))
    run.timings.decoded_tokens = written
    return run


def look_up() -> Lookup:
    return Lookup(lambda token: token != CONTROL)


def drafted(source: Lookup, run: SequenceState) -> list[int]:
    guess = source.guess(run)
    return list(guess.tokens) if guess else []


def behind(held: list[int], key: list[int]) -> list[int] | None:
    """What follows the last place of a key in a list that anything follows."""
    for start in range(len(held) - len(key) - 1, -1, -1):
        if held[start : start + len(key)] == key:
            following = held[start + len(key) :][:MAX_DRAFTED]
            return following[: following.index(CONTROL)] if CONTROL in following else following
    return None


def expected(answers: list[int], text: list[int]) -> list[int]:
    for size in reversed(KEYS):
        for held in (answers, text if size > 1 else []):
            if len(text) >= size and (found := behind(held, text[-size:])) is not None:
                return found
    return []


@given(tokens, tokens)
def test_the_longest_key_is_taken_where_it_was_last(answer, text):
    source = look_up()
    source.ended(run_of(answer, document="d", written=1))
    assert drafted(source, run_of(text, document="d")) == expected(answer, text)


@given(tokens, tokens)
def test_a_text_that_grows_is_searched_as_a_new_one_is(text, more):
    source = look_up()
    run = run_of(text)
    drafted(source, run)
    for token in more:
        run.tokens.append(token)
        assert drafted(source, run) == expected([], run.tokens)


def test_what_was_written_is_guessed_again_where_it_was_typed_away_from():
    source = look_up()
    source.ended(run_of([50, 51, 1, 2, 3, 4, 5], anchor=2, document="d", written=5))
    assert drafted(source, run_of([60, 61, 7, 2], document="d")) == [3, 4, 5]
    assert drafted(source, run_of([60, 61, 7, 2], document="e")) == []


def test_an_anchor_is_no_answer():
    source = look_up()
    source.ended(run_of([50, 51, 1], anchor=2, document="d", written=1))
    assert drafted(source, run_of([50], document="d")) == []


def test_an_answer_of_nothing_leaves_what_was_known():
    source = look_up()
    source.ended(run_of([1, 2], document="d", written=2))
    source.ended(run_of([3], document="d", written=0))
    assert drafted(source, run_of([1], document="d")) == [2]


def test_what_is_remembered_is_bounded():
    source = look_up()
    for number in range(MAX_DOCUMENTS + 1):
        source.ended(run_of([1, 2], document=f"d{number}", written=2))
    assert drafted(source, run_of([1], document="d0")) == []
    assert drafted(source, run_of([1], document="d1")) == [2]
    source.ended(run_of([3] * MAX_REMEMBERED, document="d1", written=2))
    assert drafted(source, run_of([1], document="d1")) == []


def test_the_name_of_a_guess_tells_where_it_is_from():
    source = look_up()
    assert source.guess(run_of([1, 2, 3, 1, 2])).kind == "text 2"
    source.ended(run_of([1, 2, 3, 4], document="d", written=4))
    assert source.guess(run_of([1, 2, 3], document="d")).kind == "answer 3"
