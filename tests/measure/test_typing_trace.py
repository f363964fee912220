"""The traces that are typed: each step changes the document as its row says, and nothing else."""

from __future__ import annotations

import itertools

import pytest

from lsp_server.measure.corpus import JUMP_LINES, Corpus, keystrokes, library_lines, lines_of
from lsp_server.measure.typing_trace import Step, traces

NUM_STEPS = 60
BEFORE, AFTER = 300, 100


@pytest.fixture
def corpus() -> Corpus:
    return Corpus(lambda text: len(text.split()) + 1, BEFORE, AFTER)


def steps(corpus: Corpus, name: str) -> list[Step]:
    return list(itertools.islice(traces(16)[name](corpus), NUM_STEPS))


def text_of(step: Step, accepted: str = "") -> tuple[str, str]:
    view = step.measured(accepted)
    return view.prefix, view.suffix


@pytest.mark.parametrize("name", traces(16))
def test_every_row_goes_on_as_long_as_it_is_asked(corpus, name):
    assert len(steps(corpus, name)) == NUM_STEPS


def test_a_letter_is_one_more_letter(corpus):
    before = None
    for step in steps(corpus, "letter"):
        before = step.preparation[-1] if step.preparation else before
        prefix, suffix = text_of(step)
        assert (prefix[:-1], suffix) == (before.prefix, before.suffix)
        assert not prefix[-1].isspace()
        before = step.measured("")


def test_a_new_line_brings_its_indentation(corpus):
    for step in steps(corpus, "new line"):
        prefix, suffix = text_of(step)
        assert suffix == step.preparation[-1].suffix
        added = prefix.removeprefix(step.preparation[-1].prefix)
        assert added.startswith("\n")
        assert not added.strip()


def test_what_is_accepted_is_what_that_side_wrote(corpus):
    for step in steps(corpus, "accept"):
        assert step.preparation_tokens == 16
        for answer in ("one", "two"):
            assert text_of(step, answer)[0] == step.preparation[-1].prefix + answer + "s"


def test_a_backspace_takes_the_last_letter(corpus):
    for step in steps(corpus, "backspace"):
        assert text_of(step)[0] == step.preparation[-1].prefix[:-1]


def test_an_undo_brings_back_the_lines_that_were_deleted(corpus):
    whole = None
    for step in steps(corpus, "undo"):
        whole = step.preparation[0] if len(step.preparation) > 1 else whole
        assert step.measured("") == whole
        assert len(step.preparation[-1].prefix) < len(whole.prefix)


def test_a_bracket_is_closed_behind_the_cursor(corpus):
    for step in steps(corpus, "bracket"):
        prefix, suffix = text_of(step)
        assert prefix == step.preparation[-1].prefix + "("
        assert suffix == ")" + step.preparation[-1].suffix


def test_a_jump_stays_in_its_document(corpus):
    lines = library_lines()
    starts = range(0, len(lines), JUMP_LINES)
    for number, step in enumerate(steps(corpus, "jump")):
        start = starts[1 + number % (len(starts) - 1)]
        assert text_of(step)[0].startswith(lines[start]), "a hundred lines below the one before"
        assert {view.uri for view in (*step.preparation, step.measured(""))} == {step.measured("").uri}
    assert JUMP_LINES >= 100


def test_cold_documents_share_nothing_from_their_first_line_on(corpus):
    views = [step.measured("") for step in steps(corpus, "cold")]
    assert len({view.prefix.partition("\n")[0] for view in views}) == len({view.uri for view in views}) == NUM_STEPS


def test_pages_have_the_size_that_was_asked_for(corpus):
    page = corpus.page()
    count = sum(len(line.split()) + 1 for line in lines_of(page.before))
    assert BEFORE - 40 < count <= BEFORE + 10


def test_keystrokes_type_the_text():
    text = "".join(library_lines()[:200])
    keys = keystrokes(text)
    assert "".join(keys) == text
    assert all(len(key) == 1 or not key.strip() for key in keys)
