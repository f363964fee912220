"""What a slot already holds of a prompt: the leading tokens, and tokens cut differently that spell the same."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lsp_server.engine.scheduler.reuse import keep_sampled

# A vocabulary in which the same text can be cut in many ways, with a control token that has no text.
PIECES = [b"", b"a", b"b", b"aa", b"ab", b"ba", b"aab", b"\n"]
some_tokens = st.lists(st.integers(0, len(PIECES) - 1), max_size=12)
text_tokens = st.lists(st.integers(1, len(PIECES) - 1), max_size=12)


def piece(token: int) -> bytes:
    return PIECES[token]


def spelt(tokens: list[int]) -> bytes:
    return b"".join(map(piece, tokens))


def tokens_of(*words: str) -> list[int]:
    return [PIECES.index(word.encode()) for word in words]


@pytest.mark.parametrize(
    ("held", "canonical", "expected"),
    [
        ((), (), (0, 0)),
        (("aa", "b"), ("aa", "b"), (2, 2)),
        (("a", "a", "b"), ("aab",), (3, 1)),
        (("aab",), ("a", "a", "b"), (1, 3)),
        (("a", "ab"), ("aa", "b"), (2, 2)),
        (("a", "ab", "\n"), ("aa", "b"), (2, 2)),  # what was written beyond is not wanted
        (("a", "b"), ("aa", "b"), (0, 0)),
        (("aa",), ("a", "b"), (0, 0)),
        (("a", "a"), ("aab",), (0, 0)),  # ends inside a token: nothing to go on from
        (("a", "", "b"), ("a", "b"), (1, 1)),  # a control token in between spells nothing, and is not text
    ],
)
def test_tokens_cut_differently_serve_up_to_a_common_end(held, canonical, expected):
    assert keep_sampled(tokens_of(*held), tokens_of(*canonical), piece) == expected


@given(some_tokens, text_tokens)
@example(tokens_of("a", "ab"), tokens_of("aa", "b"))
def test_what_is_kept_spells_what_it_replaces(held, canonical):
    kept, replaced = keep_sampled(held, canonical, piece)
    assert spelt(held[:kept]) == spelt(canonical[:replaced])
    assert all(map(piece, held[:kept])), "no control token among them"


@given(some_tokens, text_tokens)
def test_as_much_is_kept_as_can_be(held, canonical):
    kept, replaced = keep_sampled(held, canonical, piece)
    places = [
        (i, j)
        for i in range(len(held) + 1)
        for j in range(len(canonical) + 1)
        if all(map(piece, held[:i])) and spelt(held[:i]) == spelt(canonical[:j])
    ]
    assert (kept, replaced) == max(places)


@given(text_tokens, some_tokens)
def test_a_text_written_by_the_model_and_accepted_is_kept_whole(written, more):
    """Whatever way the model cut it: the bytes of the last token end where the text does."""
    canonical = list(spelt(written))  # bytes as tokens: every end is an end
    kept, replaced = keep_sampled(written, canonical, lambda token: PIECES[token] if token < 8 else bytes([token]))
    assert (kept, replaced) == (len(written), len(canonical))
