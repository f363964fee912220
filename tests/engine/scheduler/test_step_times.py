"""What batches take is learnt, and how many texts are written at once follows from it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsp_server.engine.scheduler.step_times import StepTimes

STEP_S = 0.03


def learnt(cost, sizes) -> StepTimes:
    step_times = StepTimes(0.0)
    for size in sorted(sizes):
        for _ in range(2):  # the first of a size does not count
            step_times.measure(size, cost(size))
    return step_times


def mean_wait_s(cost, num_texts: int, at_once: int) -> float:
    """Until a text is done, of texts of one token that are written in groups."""
    ends = [cost(at_once) * (1 + number // at_once) for number in range(num_texts)]
    return sum(ends) / num_texts


def test_all_are_written_until_it_is_known_what_that_costs():
    assert StepTimes(100.0).best_num_at_once(8) == 8


def test_all_are_written_where_that_costs_no_more_than_one():
    assert learnt(lambda _: STEP_S, [1, 8]).best_num_at_once(8) == 8


def test_one_is_written_where_each_costs_as_much():
    assert learnt(lambda size: size * STEP_S, [1, 8]).best_num_at_once(8) == 1


def test_some_are_written_where_all_cost_too_much():
    assert learnt(lambda size: STEP_S * (0.6 + 0.4 * size), [1, 8]).best_num_at_once(8) == 4


def test_a_size_that_was_never_measured_lies_between_those_that_were():
    step_times = learnt(lambda size: STEP_S if size < 4 else 10 * STEP_S, [1, 2, 3, 8])
    assert step_times.best_num_at_once(8) == 3


@given(st.integers(1, 16), st.floats(0.001, 1), st.floats(0, 1), st.sets(st.integers(1, 16)))
def test_texts_are_not_done_later_than_all_at_once_or_one_by_one(num_texts, first_s, further_s, sizes):
    def cost(size: int) -> float:
        return first_s + further_s * (size - 1)

    step_times = learnt(cost, {1, num_texts} | sizes)
    at_once = step_times.best_num_at_once(num_texts)
    assert 1 <= at_once <= num_texts
    shortest = min(mean_wait_s(cost, num_texts, count) for count in (1, num_texts))
    # The last group is taken to be as large as the others, which it may not be.
    assert mean_wait_s(cost, num_texts, at_once) <= shortest * (1 + 1 / at_once)


@pytest.mark.parametrize(("size", "steps"), [(1, 2), (3, 2.7), (20, 15)])
def test_what_was_not_measured_is_hoped_to_be_somewhat_faster_than_others_suggest(size, steps):
    step_times = learnt(lambda size: size * STEP_S, [2, 10])
    assert step_times.seconds(size) == pytest.approx(steps * STEP_S)


@pytest.mark.parametrize("size", [3, 20])
def test_what_was_not_measured_is_no_faster_than_prefill(size):
    step_times = StepTimes(1 / STEP_S)
    step_times.measure(1, STEP_S)
    assert step_times.seconds(size) == pytest.approx(size * STEP_S / 1.5)


def test_a_step_behind_a_larger_one_or_the_first_of_its_size_does_not_count():
    step_times = learnt(lambda size: size * STEP_S, [1, 8])
    slow_s = 100 * STEP_S
    step_times.measure(4, slow_s)  # the first of its size
    step_times.measure(1, slow_s)  # behind a larger one
    step_times.measure(512, slow_s, only_decodes=False)
    step_times.measure(8, slow_s)  # behind a prefill
    step_times.measure(1, slow_s)
    assert [step_times.seconds(size) / STEP_S for size in (1, 4, 8)] == pytest.approx([1, 0.9 * 4, 8])


@pytest.mark.parametrize(("took", "counts"), [(1, True), (8, False)])
def test_a_step_that_should_have_been_slower_counts_where_it_took_much_less(took, counts):
    step_times = learnt(lambda size: 9 * STEP_S, [1, 2])
    for _ in range(5):
        step_times.measure(2, 9 * STEP_S)
        step_times.measure(1, took * STEP_S)
    assert step_times.seconds(1) == (took if counts else 9) * STEP_S


def test_a_step_behind_a_smaller_one_counts():
    step_times = learnt(lambda size: size * STEP_S, [1, 8])
    step_times.measure(1, STEP_S)
    step_times.measure(1, STEP_S)
    step_times.measure(8, 2 * STEP_S)
    assert step_times.seconds(8) == 2 * STEP_S


def test_a_step_slowed_by_a_guess_before_it_is_charged_as_it_was_and_one_behind_a_prefill_is_not():
    step_times = learnt(lambda size: size * STEP_S, [1, 8])
    step_times.measure(1, 3 * STEP_S)
    assert step_times.last_step_s(1) == 3 * STEP_S
    step_times.measure(512, 50 * STEP_S, only_decodes=False)
    step_times.measure(1, 3 * STEP_S)
    assert step_times.last_step_s(1) == STEP_S


def test_what_was_not_measured_for_long_is_forgotten():
    step_times = learnt(lambda size: size * STEP_S, [1, 8])
    assert step_times.is_known(8)
    for _ in range(600):
        step_times.measure(1, STEP_S)
    assert not step_times.is_known(8)
    assert step_times.is_known(1)


@given(st.lists(st.tuples(st.integers(1, 9), st.floats(0.001, 1)), min_size=1, max_size=700))
def test_asking_what_sizes_take_changes_nothing_of_what_they_take_later(steps):
    asked, unasked = StepTimes(100.0), StepTimes(100.0)
    for size, seconds in steps:
        asked.measure(size, seconds)
        unasked.measure(size, seconds)
        for each in range(1, 12):
            asked.seconds(each)
    assert [asked.seconds(each) for each in range(1, 12)] == [unasked.seconds(each) for each in range(1, 12)]
