"""What is cut from a prompt that does not fit, and in which order."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsp_server.base.errors import PromptError
from lsp_server.engine.scheduler.truncate import STEP_SHARE, SUFFIX_SHARE, truncate
from lsp_server.ipc.requests import Marker, Text

BEGIN, PREFIX, SUFFIX, MIDDLE = markers = [Marker(role) for role in ("begin", "prefix", "suffix", "middle")]
ROLES = {marker.role: -1 - number for number, marker in enumerate(markers)}


class Letters:
    """One token a character; markers are negative."""

    def tokenize(self, text: str) -> list[int]:
        return [ord(character) for character in text]

    def marker(self, role: str) -> int:
        return ROLES[role]


def fitted(parts: list, budget: int) -> str:
    """The tokens of a fitted prompt as text, markers as `|`."""
    return "".join("|" if token < 0 else chr(token) for token in truncate(tuple(parts), Letters(), budget))


def fim(prefix: str, suffix: str, *blocks: str) -> list:
    drops = [Text(block, "drop") for block in blocks]
    return [BEGIN, *drops, PREFIX, Text(prefix, "keep_tail"), SUFFIX, Text(suffix, "keep_head"), MIDDLE]


def test_a_prompt_that_fits_is_left_alone():
    assert fitted(fim("prefix", "suffix", "block"), 21) == "|block|prefix|suffix|"


def test_blocks_are_dropped_first_and_whole():
    assert fitted(fim("prefix", "suffix", "block"), 20) == "||prefix|suffix|"


def test_a_block_is_dropped_with_the_marker_ahead_of_it():
    block = Text("block", "drop", marker="begin")
    assert fitted([block, *fim("p", "s")], 12) == "|block|" + "|p|s|"
    assert fitted([block, *fim("p", "s")], 11) == "||p|s|"


def test_the_earliest_block_is_dropped_first():
    assert fitted(fim("prefix", "suffix", "one", "two"), 20) == "|two|prefix|suffix|"


def test_no_more_blocks_are_dropped_than_must_be():
    assert fitted(fim("p", "s", "1234567890", "two", "three"), 14) == "|twothree|p|s|"


def test_then_the_far_end_of_the_suffix_is_cut():
    assert fitted(fim("p" * 20, "abcdefghijklmnopqrst", "block"), 40) == "||" + "p" * 20 + "|abcdefghijklmnop|"


def test_the_suffix_keeps_its_share():
    text = fitted(fim("p" * 100, "abcdefghijklmnopqrst", "block"), 40)
    assert text.endswith("|abcdefghij|")
    assert int(40 * SUFFIX_SHARE) == len("abcdefghij")


def test_a_suffix_shorter_than_its_share_is_not_cut():
    assert fitted(fim("p" * 100, "suffix"), 40).endswith("|suffix|")


def test_then_the_far_end_of_the_prefix_is_cut():
    text = fitted(fim("x" * 60 + "the end", "s"), 24)
    assert text.endswith("xthe end|s|")


def test_the_window_starts_at_the_same_place_while_the_prefix_grows():
    line = "".join(chr(0x4E00 + i) for i in range(400))
    budget = 80
    step = int(budget * STEP_SHARE)
    starts = [fitted(fim(line[:length], "suffix"), budget)[2] for length in range(100, 400)]
    moves = [i for i, (a, b) in enumerate(pairwise(starts)) if a != b]
    assert {b - a for a, b in pairwise(moves)} == {step}


def test_the_window_starts_at_the_same_place_while_a_long_suffix_changes():
    prefix = "".join(chr(0x4E00 + i) for i in range(200))
    starts = {fitted(fim(prefix, "s" * length), 80)[2] for length in range(20, 60)}
    assert len(starts) == 1


def test_what_must_stay_and_does_not_fit_is_a_prompt_error():
    with pytest.raises(PromptError, match=r"needs 9 tokens and only 8 fit\. .*context_tokens"):
        fitted([BEGIN, Text("keep it!", "keep_all")], 8)


def test_everything_else_is_cut_before_giving_up():
    parts = [BEGIN, Text("drop", "drop"), Text("keep"), PREFIX, Text("p" * 50, "keep_tail"), SUFFIX, MIDDLE]
    assert fitted(parts, 8) == "|keep|||"


@pytest.mark.parametrize("budget", [3, 0, -1, -50])
def test_markers_that_do_not_fit_are_a_prompt_error(budget):
    with pytest.raises(PromptError):
        fitted(fim("p" * 30, "s" * 30, "block"), budget)


@pytest.mark.parametrize("budget", [-1, -20, -1000])
def test_a_window_smaller_than_the_answer_is_a_prompt_error(budget):
    with pytest.raises(PromptError):
        fitted([Text("s" * 30, "keep_head"), Text("p" * 30, "keep_tail")], budget)


def test_a_window_smaller_than_the_answer_fits_nothing_however_many_parts_could_be_cut():
    with pytest.raises(PromptError):
        fitted([Text("", "keep_head")] * 5, -8)


def test_the_error_names_what_cannot_be_cut():
    with pytest.raises(PromptError, match="needs 4 tokens and only -5 fit"):
        fitted(fim("p" * 30, "s" * 30), -5)


any_part = st.one_of(
    st.sampled_from(markers),
    st.builds(
        Text,
        st.text("abc", max_size=60),
        st.sampled_from(["keep_all", "keep_tail", "keep_head", "drop"]),
    ),
)
any_prompt = st.lists(any_part, max_size=10)


@given(any_prompt, st.integers(-50, 200))
def test_the_budget_is_never_exceeded(parts, budget):
    try:
        tokens = truncate(tuple(parts), Letters(), budget)
    except PromptError:
        share = max(0, int(budget * SUFFIX_SHARE))
        least = {"keep_all": 1000, "keep_head": share, "keep_tail": 0, "drop": 0}
        needed = sum(1 if isinstance(part, Marker) else min(len(part.text), least[part.overflow]) for part in parts)
        assert needed > budget, "given up too early"
    else:
        assert len(tokens) <= budget


@given(any_prompt, st.integers(0, 200))
def test_markers_and_what_must_stay_are_never_lost(parts, budget):
    try:
        text = fitted(parts, budget)
    except PromptError:
        return
    fixed = [part for part in parts if isinstance(part, Marker) or part.overflow == "keep_all"]
    assert text.count("|") == sum(isinstance(part, Marker) for part in parts)
    rest = iter(text)
    wanted = "".join("|" if isinstance(part, Marker) else part.text for part in fixed)
    assert all(character in rest for character in wanted), "in their order"


@given(any_prompt, st.integers(0, 200))
def test_what_fits_is_never_cut(parts, spare):
    whole = "".join("|" if isinstance(part, Marker) else part.text for part in parts)
    assert fitted(parts, len(whole) + spare) == whole
