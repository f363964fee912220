"""How much of a guess is checked: as much as pays, and next to nothing where none does."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsp_server.engine.drafting.lengths import LOSS_SHARE, MAX_BUDGET_STEPS, DraftLengths
from lsp_server.engine.drafting.lookup import MAX_DRAFTED
from lsp_server.engine.scheduler.batches import Guess
from lsp_server.engine.scheduler.step_times import MAX_SLOWED, StepTimes

STEP_S = 0.05
FURTHER_S = 0.02


def cost_s(num_tokens: int) -> float:
    """What a batch takes on the machine that is played."""
    return STEP_S + FURTHER_S * (num_tokens - 1)


class Played:
    """A model whose guesses are right with the same odds, each token; it keeps the time.

    A step behind one of another size takes `change_s` longer.
    """

    def __init__(self, cost=cost_s, num_decoding: int = 1, change_s: float = 0.0) -> None:
        self.cost, self.num_decoding, self.change_s = cost, num_decoding, change_s
        self.last_size = 0
        self.step_times = StepTimes(64 / cost(64))
        self.lengths = DraftLengths(self.step_times)
        self.rng = random.Random(1)
        self.seconds = 0.0
        self.num_tokens = 0

    def write(self, odds: float, steps: int, size: int = MAX_DRAFTED, looking_s: float = 0.0) -> list[int]:
        """Steps with a guess each, where looking for it can be afforded; how many tokens of it were checked."""
        checked = []
        for _ in range(steps):
            is_looked_for = self.lengths.can_afford_lookup(looking_s)
            guesses = [Guess([1] * size, "any") if is_looked_for else None, *[None] * (self.num_decoding - 1)]
            count = self.lengths.choose(guesses, 100)[0]
            right = next((at for at in range(count) if self.rng.random() >= odds), count)
            seconds = self.cost(self.num_decoding + count)
            if self.num_decoding + count != self.last_size:
                seconds += self.change_s
            self.last_size = self.num_decoding + count
            self.step_times.measure(self.num_decoding + count, seconds)
            self.lengths.charge(self.num_decoding, count, right, is_looked_for * looking_s)
            if count:
                self.lengths.learn("any", count, right)
            self.seconds += seconds
            self.num_tokens += self.num_decoding + right
            checked.append(count)
        return checked

    @property
    def speed(self) -> float:
        """Over that without drafts."""
        return self.num_tokens / self.seconds * self.cost(self.num_decoding) / self.num_decoding


def mean(numbers: list[int]) -> float:
    return sum(numbers) / len(numbers)


def test_what_is_always_right_is_checked_at_length():
    played = Played()
    assert mean(played.write(1.0, 200)[100:]) > 10
    assert played.speed > 2


def test_what_is_never_right_is_left_alone():
    played = Played()
    assert mean(played.write(0.0, 1000)[500:]) < 0.1


@pytest.mark.parametrize("odds", [0.0, 0.1, 0.2, 0.3, 0.5])
@pytest.mark.parametrize("further_s", [0.0, 0.01, 0.02, 0.05])
def test_guesses_lose_next_to_nothing(odds, further_s):
    played = Played(lambda num_tokens: STEP_S + further_s * (num_tokens - 1))
    played.write(odds, 3000)
    assert played.speed > 1 - LOSS_SHARE - 2 * MAX_BUDGET_STEPS / 3000


def test_it_begins_again_where_guesses_become_right():
    played = Played()
    played.write(0.0, 1000)
    assert mean(played.write(1.0, 2000)[1500:]) > 10


def test_it_ends_again_where_they_become_wrong():
    played = Played()
    played.write(1.0, 1000)
    assert mean(played.write(0.0, 1000)[500:]) < 0.1


def test_what_was_wrong_by_chance_is_soon_tried_again():
    played = Played()
    played.write(0.0, 5)
    assert mean(played.write(1.0, 300)[200:]) > 10


def test_one_slow_batch_does_not_end_it():
    played = Played()
    played.write(1.0, 110)
    played.step_times.measure(1 + MAX_DRAFTED, 100 * STEP_S)
    assert mean(played.write(1.0, 10)) > 10


def test_a_slow_start_does_not_make_guesses_seem_free():
    played = Played()
    played.step_times.measure(1, 10 * STEP_S)
    assert sum(map(bool, played.write(0.0, 200))) < 20


def test_steps_among_larger_ones_do_not_make_guesses_seem_free():
    played = Played(lambda num_tokens: STEP_S * (0.85 + 0.15 * num_tokens), change_s=0.2 * STEP_S)
    assert sum(map(bool, played.write(0.0, 1000))) < 100
    assert played.speed > 0.97


def test_a_machine_that_writes_faster_now_is_noticed_while_guesses_are_tried():
    played = Played(lambda num_tokens: STEP_S * (4 if num_tokens == 1 else 5))
    assert mean(played.write(0.7, 100)[50:]) > 3
    played.cost = lambda num_tokens: STEP_S * (1 if num_tokens == 1 else 5)
    assert mean(played.write(0.7, 600)[400:]) < 1


def test_sizes_that_cost_no_more_are_preferred():
    played = Played(lambda num_tokens: STEP_S * (1 + (num_tokens > 4)))  # as where rows are taken by fours
    assert played.write(0.7, 500)[-1] == 3


@pytest.mark.parametrize("num_decoding", [2, 4])
def test_who_has_no_guess_does_not_wait_for_those_of_another(num_decoding):
    played = Played(num_decoding=num_decoding)
    checked = played.write(1.0, 300)
    assert all(played.cost(num_decoding + count) <= MAX_SLOWED * played.cost(num_decoding) for count in checked[50:])
    free = Played(lambda _: STEP_S, num_decoding)
    assert mean(free.write(1.0, 300)[100:]) > 10


@given(
    st.lists(st.integers(0, 20) | st.none(), min_size=1, max_size=4),
    st.integers(0, 40),
    st.floats(0, 10),
    st.floats(0, 1000),
)
def test_no_more_than_there_is_and_than_fits(sizes, room, seconds, tokens_per_s):
    step_times = StepTimes(tokens_per_s)
    lengths = DraftLengths(step_times)
    guesses = [None if size is None else Guess([1] * size, f"{size}") for size in sizes]
    assert lengths.choose(guesses, room) == [0] * len(sizes), "before anything was measured"
    step_times.measure(len(sizes), seconds)
    chosen = lengths.choose(guesses, room)
    assert all(0 <= count <= (size or 0) for count, size in zip(chosen, sizes, strict=True))
    assert sum(chosen) <= room


def test_the_likelier_guess_has_more_of_it_checked():
    step_times = StepTimes(0.0)
    lengths = DraftLengths(step_times)
    step_times.measure(2, STEP_S)
    lengths.learn("good", 10, 10)
    lengths.learn("bad", 10, 0)
    good, bad = lengths.choose([Guess([1] * 8, "good"), Guess([1] * 8, "bad")], 6)
    assert good > bad


def test_looking_for_guesses_leaves_something_for_trying_them():
    played = Played()
    looking_s = 0.03 * STEP_S
    played.write(0.0, 500, looking_s=looking_s)
    assert mean(played.write(1.0, 200, looking_s=looking_s)[100:]) > 5


def test_a_machine_that_writes_faster_now_does_not_make_wrong_guesses_seem_free():
    played = Played(lambda num_tokens: 3 * STEP_S)
    played.write(0.0, 100)
    played.cost = lambda num_tokens: STEP_S * (1 if num_tokens == 1 else 1.5)
    assert sum(map(bool, played.write(0.0, 300))) < 60
