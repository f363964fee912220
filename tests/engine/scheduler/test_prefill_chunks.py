"""How long a slice of prefill is: as long as measured speed allows, within bounds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsp_server.engine.scheduler.prefill_chunks import (
    BACKGROUND_S,
    INTERRUPTIBLE_S,
    MAX_TOKENS,
    SHARED_S,
    UNINTERRUPTIBLE_S,
    ChunkSizer,
)

MIN_TOKENS = 64  # of llama.cpp's flash attention
measurements = st.lists(st.tuples(st.integers(0, 1000), st.just(0.0) | st.floats(1e-9, 100)), max_size=20)


def paced(tokens_per_s: float, *, can_interrupt: bool = True) -> ChunkSizer:
    """A pace that has seen one speed for long."""
    chunk_sizer = ChunkSizer(10_000, MIN_TOKENS, can_interrupt=can_interrupt)
    for _ in range(50):
        chunk_sizer.measure(256, 256 / tokens_per_s)
    return chunk_sizer


@pytest.mark.parametrize("shared", [False, True])
def test_until_something_was_measured_slices_are_short(shared):
    assert ChunkSizer(512, MIN_TOKENS, can_interrupt=True).chunk_tokens(shared=shared) == MIN_TOKENS


def test_what_nobody_waits_for_goes_in_short_slices():
    chunk_sizer = paced(800)
    assert chunk_sizer.chunk_tokens(shared=False, background=True) == int(800 * BACKGROUND_S) // MIN_TOKENS * MIN_TOKENS
    assert chunk_sizer.chunk_tokens(shared=False, background=True) < chunk_sizer.chunk_tokens(shared=False)
    assert chunk_sizer.chunk_tokens(shared=True, background=True) == chunk_sizer.chunk_tokens(shared=True)


@pytest.mark.parametrize("tokens_per_s", [200.0, 20_000.0])
def test_what_is_known_to_begin_with_counts(tokens_per_s):
    chunk_sizer = ChunkSizer(10_000, MIN_TOKENS, can_interrupt=True, tokens_per_s=tokens_per_s)
    assert chunk_sizer.chunk_tokens(shared=False) == paced(tokens_per_s).chunk_tokens(shared=False)


@pytest.mark.parametrize("tokens_per_s", [200, 400, 2000, 20_000])
@pytest.mark.parametrize("can_interrupt", [False, True])
@pytest.mark.parametrize("shared", [False, True])
def test_a_slice_takes_as_long_as_it_may(tokens_per_s, can_interrupt, shared):
    seconds = SHARED_S if shared else INTERRUPTIBLE_S if can_interrupt else UNINTERRUPTIBLE_S
    size = paced(tokens_per_s, can_interrupt=can_interrupt).chunk_tokens(shared=shared)
    assert size == pytest.approx(min(max(MIN_TOKENS, tokens_per_s * seconds), MAX_TOKENS), abs=MIN_TOKENS)


def test_what_cannot_be_interrupted_goes_in_shorter_slices():
    slices = [paced(4000, can_interrupt=can).chunk_tokens(shared=False) for can in (False, True)]
    assert slices[0] < slices[1]


def test_beside_others_slices_are_shorter():
    assert paced(1600).chunk_tokens(shared=True) < paced(1600).chunk_tokens(shared=False)


@pytest.mark.parametrize(("tokens_per_s", "expected"), [(1, MIN_TOKENS), (1_000_000, MAX_TOKENS)])
def test_a_slice_has_bounds(tokens_per_s, expected):
    assert paced(tokens_per_s).chunk_tokens(shared=False) == expected


def test_a_slice_fits_a_batch():
    chunk_sizer = ChunkSizer(48, MIN_TOKENS, can_interrupt=True)
    assert chunk_sizer.chunk_tokens(shared=False) == 48
    chunk_sizer.measure(512, 0.01)
    assert chunk_sizer.chunk_tokens(shared=False) == 48


@pytest.mark.parametrize(("num_tokens", "seconds"), [(MIN_TOKENS - 1, 1e-6), (1, 10), (512, 0.0)])
def test_small_batches_and_clocks_that_stood_still_tell_nothing(num_tokens, seconds):
    chunk_sizer = ChunkSizer(512, MIN_TOKENS, can_interrupt=True)
    chunk_sizer.measure(num_tokens, seconds)
    assert chunk_sizer.chunk_tokens(shared=False) == MIN_TOKENS


def test_one_hiccup_does_not_change_everything():
    chunk_sizer = paced(400)
    before = chunk_sizer.chunk_tokens(shared=False)
    chunk_sizer.measure(256, 60.0)
    assert chunk_sizer.chunk_tokens(shared=False) >= before / 2


def test_a_lasting_change_does():
    chunk_sizer = paced(1600)
    for _ in range(50):
        chunk_sizer.measure(256, 256 / 200)
    assert chunk_sizer.chunk_tokens(shared=False) == paced(200).chunk_tokens(shared=False)


@given(measurements, st.integers(1, 2000), st.booleans(), st.booleans())
def test_whatever_was_measured_a_slice_is_within_bounds(measured, batch_tokens, shared, can_interrupt):
    chunk_sizer = ChunkSizer(batch_tokens, MIN_TOKENS, can_interrupt=can_interrupt)
    for num_tokens, seconds in measured:
        chunk_sizer.measure(num_tokens, seconds)
    size = chunk_sizer.chunk_tokens(shared=shared)
    assert 1 <= size <= min(MAX_TOKENS, batch_tokens)
    assert size == batch_tokens or size % MIN_TOKENS == 0


@given(st.integers(1, 2000), st.integers(1, 8))
def test_nothing_is_evaluated_in_less_than_the_least_if_there_is_more(num_tokens, multiple):
    chunk_sizer = ChunkSizer(512, MIN_TOKENS, can_interrupt=True)
    slices, num_missing = [], num_tokens
    while num_missing:
        slices.append(chunk_sizer.cut(num_missing, multiple * MIN_TOKENS))
        num_missing -= slices[-1]
    assert all(size < max(multiple, 2) * MIN_TOKENS + 1 for size in slices)
    assert all(size >= MIN_TOKENS for size in slices) or slices == [num_tokens]
