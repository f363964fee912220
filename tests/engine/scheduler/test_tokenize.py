"""From a request's text to tokens: what is typed does not move the anchor, and what does not fit is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsp_server.base.errors import PromptError
from lsp_server.engine.backends.fake import FakeBackend
from lsp_server.engine.scheduler.tokenize import MAX_ANCHORS, Preparer
from lsp_server.ipc.requests import Generate, Marker, Text
from tests.engine.fakes import fake_options

WINDOW = 64
LONG = Text("x" * 200 + "the end", "keep_tail")
SHORT = Text("short")


class Counting(FakeBackend):
    """Remembers what it was asked to tokenise."""

    def __init__(self) -> None:
        super().__init__(fake_options())
        self.asked: list[str] = []

    def tokenize(self, text):
        self.asked.append(text)
        return super().tokenize(text)


@pytest.fixture
def tokenizer():
    return Counting()


@pytest.fixture
def preparer(tokenizer):
    return Preparer(tokenizer, WINDOW)


def request_of(text: Text = SHORT, max_tokens: int = 8, **rest) -> Generate:
    return Generate((Marker("begin"), text), max_tokens, **rest)


def test_the_typed_text_follows_the_anchor_and_is_tokenised_apart(preparer, tokenizer):
    prepared = preparer.prepare(request_of(typed="typed"))
    assert prepared.anchor == [tokenizer.marker("begin"), *b"short"]
    assert prepared.typed == list(b"typed")
    assert prepared.max_tokens == 8


@pytest.mark.parametrize("typed", ["", "t", "t" * 10])
def test_room_is_kept_for_what_will_be_typed(preparer, typed):
    prepared = preparer.prepare(request_of(LONG, reserve_tokens=10, typed=typed))
    assert len(prepared.anchor) <= WINDOW - 8 - 10
    assert prepared.max_tokens == 8


@given(st.integers(0, 200), st.integers(0, 20), st.integers(0, 30))
def test_typing_does_not_move_the_anchor(length, reserve, max_tokens):
    preparer = Preparer(FakeBackend(fake_options()), WINDOW)
    text = Text("abcdefghij" * 20 + "k" * length, "keep_tail")
    anchors = [
        preparer.prepare(request_of(text, max_tokens, reserve_tokens=reserve, typed="t" * typed)).anchor
        for typed in range(reserve + 1)
    ]
    assert anchors == [anchors[0]] * len(anchors)


@given(st.integers(0, 80), st.integers(0, 40), st.integers(0, 40))
def test_prompt_and_answer_fit_the_window_or_are_refused(typed, reserve, max_tokens):
    preparer = Preparer(FakeBackend(fake_options()), WINDOW)
    try:
        prepared = preparer.prepare(request_of(LONG, max_tokens, reserve_tokens=reserve, typed="t" * typed))
    except PromptError:
        return
    assert len(prepared.anchor) + len(prepared.typed) + prepared.max_tokens <= WINDOW
    assert prepared.max_tokens <= max_tokens
    assert (prepared.max_tokens > 0) == (max_tokens > 0)


def test_text_beyond_the_reserve_shortens_the_answer(preparer):
    anchor = preparer.prepare(request_of(LONG, reserve_tokens=10)).anchor
    room = WINDOW - len(anchor)
    assert preparer.prepare(request_of(LONG, reserve_tokens=10, typed="t" * (room - 3))).max_tokens == 3
    assert preparer.prepare(request_of(LONG, reserve_tokens=10, typed="t" * (room - 1))).max_tokens == 1


def test_typed_text_that_leaves_no_room_is_a_prompt_error(preparer):
    with pytest.raises(PromptError, match=r"\(60 tokens\) leaves no room .* Plan the prompt anew"):
        preparer.prepare(request_of(typed="t" * 60))


def test_text_denser_than_the_reserve_was_estimated_for_moves_the_anchor_in_steps(preparer):
    lengths = []
    for typed in range(11, 41):
        prepared = preparer.prepare(request_of(LONG, reserve_tokens=10, typed="t" * typed))
        assert len(prepared.anchor) + typed + prepared.max_tokens <= WINDOW
        assert prepared.max_tokens >= 1
        lengths.append(len(prepared.anchor))
    assert len(set(lengths)) <= 4


def test_for_no_answer_no_room_is_needed(preparer):
    typed = "t" * (WINDOW - len("|short"))
    assert preparer.prepare(request_of(max_tokens=0, typed=typed)).max_tokens == 0
    with pytest.raises(PromptError, match="no room"):
        preparer.prepare(request_of(max_tokens=0, typed=typed + "t"))
    with pytest.raises(PromptError, match="no room"):
        preparer.prepare(request_of(max_tokens=1, typed=typed))


@pytest.mark.parametrize("prompt", [(), (Text(""),), (Text("drop" * 99, "drop"),)])
def test_an_empty_prompt_is_a_prompt_error(preparer, prompt):
    with pytest.raises(PromptError, match="empty"):
        preparer.prepare(Generate(prompt, 8))


def test_an_unknown_marker_is_a_prompt_error(preparer):
    with pytest.raises(PromptError, match="'spouse'"):
        preparer.prepare(Generate((Marker("spouse"),), 8))


def test_a_prompt_that_was_refused_is_refused_again(preparer):
    for _ in range(2):
        with pytest.raises(PromptError, match="only 56 fit"):
            preparer.prepare(request_of(Text("x" * 100)))


# Remembered anchors


def test_an_anchor_is_tokenised_once(preparer, tokenizer):
    for typed in ("", "a", "ab"):
        preparer.prepare(request_of(typed=typed))
    assert tokenizer.asked == ["short", "a", "ab"]


def test_an_anchor_is_cut_anew_for_another_room(preparer):
    lengths = {len(preparer.prepare(request_of(LONG, max_tokens)).anchor) for max_tokens in (4, 24, 44)}
    assert len(lengths) == 3


def test_the_last_few_anchors_are_remembered(preparer, tokenizer):
    names = [f"anchor {number}" for number in range(MAX_ANCHORS)]
    for name in names:
        preparer.prepare(request_of(Text(name)))
    preparer.prepare(request_of(Text(names[0])))  # used again, so the second is now the oldest
    preparer.prepare(request_of(Text("one more")))
    tokenizer.asked.clear()
    for name in (names[0], *names[2:], "one more"):
        preparer.prepare(request_of(Text(name)))
    assert tokenizer.asked == []
    preparer.prepare(request_of(Text(names[1])))
    assert tokenizer.asked == [names[1]]
