"""From a request's text to tokens: what is typed does not move the anchor, and what does not fit is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsp_server.base.errors import PromptError
from lsp_server.engine.backends.fake import FakeBackend
from lsp_server.engine.scheduler.tokenize import MAX_ANCHORS, RequestTokenizer
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
def request_tokenizer(tokenizer):
    return RequestTokenizer(tokenizer, WINDOW)


def request_of(text: Text = SHORT, max_tokens: int = 8, **rest) -> Generate:
    return Generate((Marker("begin"), text), max_tokens, **rest)


def test_the_typed_text_follows_the_anchor_and_is_tokenised_apart(request_tokenizer, tokenizer):
    tokenized = request_tokenizer.tokenize_request(request_of(typed="typed"))
    assert tokenized.anchor == [tokenizer.marker("begin"), *b"short"]
    assert tokenized.typed == list(b"typed")
    assert tokenized.max_tokens == 8


@pytest.mark.parametrize("typed", ["", "t", "t" * 10])
def test_room_is_kept_for_what_will_be_typed(request_tokenizer, typed):
    tokenized = request_tokenizer.tokenize_request(request_of(LONG, reserve_tokens=10, typed=typed))
    assert len(tokenized.anchor) <= WINDOW - 8 - 10
    assert tokenized.max_tokens == 8


@given(st.integers(0, 200), st.integers(0, 20), st.integers(0, 30))
def test_typing_does_not_move_the_anchor(length, reserve, max_tokens):
    request_tokenizer = RequestTokenizer(FakeBackend(fake_options()), WINDOW)
    text = Text("abcdefghij" * 20 + "k" * length, "keep_tail")
    anchors = [
        request_tokenizer.tokenize_request(
            request_of(text, max_tokens, reserve_tokens=reserve, typed="t" * typed)
        ).anchor
        for typed in range(reserve + 1)
    ]
    assert anchors == [anchors[0]] * len(anchors)


@given(st.integers(0, 80), st.integers(0, 40), st.integers(0, 40))
def test_prompt_and_answer_fit_the_window_or_are_refused(typed, reserve, max_tokens):
    request_tokenizer = RequestTokenizer(FakeBackend(fake_options()), WINDOW)
    try:
        tokenized = request_tokenizer.tokenize_request(
            request_of(LONG, max_tokens, reserve_tokens=reserve, typed="t" * typed)
        )
    except PromptError:
        return
    assert len(tokenized.anchor) + len(tokenized.typed) + tokenized.max_tokens <= WINDOW
    assert tokenized.max_tokens <= max_tokens
    assert (tokenized.max_tokens > 0) == (max_tokens > 0)


def test_text_beyond_the_reserve_shortens_the_answer(request_tokenizer):
    anchor = request_tokenizer.tokenize_request(request_of(LONG, reserve_tokens=10)).anchor
    room = WINDOW - len(anchor)
    assert (
        request_tokenizer.tokenize_request(request_of(LONG, reserve_tokens=10, typed="t" * (room - 3))).max_tokens == 3
    )
    assert (
        request_tokenizer.tokenize_request(request_of(LONG, reserve_tokens=10, typed="t" * (room - 1))).max_tokens == 1
    )


def test_typed_text_that_leaves_no_room_is_a_prompt_error(request_tokenizer):
    with pytest.raises(PromptError, match=r"\(60 tokens\) leaves no room .* Plan the prompt anew"):
        request_tokenizer.tokenize_request(request_of(typed="t" * 60))


def test_text_denser_than_the_reserve_was_estimated_for_moves_the_anchor_in_steps(request_tokenizer):
    lengths = []
    for typed in range(11, 41):
        tokenized = request_tokenizer.tokenize_request(request_of(LONG, reserve_tokens=10, typed="t" * typed))
        assert len(tokenized.anchor) + typed + tokenized.max_tokens <= WINDOW
        assert tokenized.max_tokens >= 1
        lengths.append(len(tokenized.anchor))
    assert len(set(lengths)) <= 4


def test_for_no_answer_no_room_is_needed(request_tokenizer):
    typed = "t" * (WINDOW - len("|short"))
    assert request_tokenizer.tokenize_request(request_of(max_tokens=0, typed=typed)).max_tokens == 0
    with pytest.raises(PromptError, match="no room"):
        request_tokenizer.tokenize_request(request_of(max_tokens=0, typed=typed + "t"))
    with pytest.raises(PromptError, match="no room"):
        request_tokenizer.tokenize_request(request_of(max_tokens=1, typed=typed))


@pytest.mark.parametrize("prompt", [(), (Text(""),), (Text("drop" * 99, "drop"),)])
def test_an_empty_prompt_is_a_prompt_error(request_tokenizer, prompt):
    with pytest.raises(PromptError, match="empty"):
        request_tokenizer.tokenize_request(Generate(prompt, 8))


def test_an_unknown_marker_is_a_prompt_error(request_tokenizer):
    with pytest.raises(PromptError, match="'spouse'"):
        request_tokenizer.tokenize_request(Generate((Marker("spouse"),), 8))


def test_a_prompt_that_was_refused_is_refused_again(request_tokenizer):
    for _ in range(2):
        with pytest.raises(PromptError, match="only 56 fit"):
            request_tokenizer.tokenize_request(request_of(Text("x" * 100)))


# Remembered anchors


def test_an_anchor_is_tokenised_once(request_tokenizer, tokenizer):
    for typed in ("", "a", "ab"):
        request_tokenizer.tokenize_request(request_of(typed=typed))
    assert tokenizer.asked == ["short", "a", "ab"]


def test_an_anchor_is_cut_anew_for_another_room(request_tokenizer):
    lengths = {
        len(request_tokenizer.tokenize_request(request_of(LONG, max_tokens)).anchor) for max_tokens in (4, 24, 44)
    }
    assert len(lengths) == 3


def test_the_last_few_anchors_are_remembered(request_tokenizer, tokenizer):
    names = [f"anchor {number}" for number in range(MAX_ANCHORS)]
    for name in names:
        request_tokenizer.tokenize_request(request_of(Text(name)))
    request_tokenizer.tokenize_request(request_of(Text(names[0])))  # used again, so the second is now the oldest
    request_tokenizer.tokenize_request(request_of(Text("one more")))
    tokenizer.asked.clear()
    for name in (names[0], *names[2:], "one more"):
        request_tokenizer.tokenize_request(request_of(Text(name)))
    assert tokenizer.asked == []
    request_tokenizer.tokenize_request(request_of(Text(names[1])))
    assert tokenizer.asked == [names[1]]
