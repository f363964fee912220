"""Which slot a prompt gets."""

import pytest

from lsp_server.engine.slots import Slots, common_prefix


def slots_holding(*contents: str, cache_tokens: int = 1000) -> Slots:
    """Idle slots, the first of them used the longest time ago."""
    slots = Slots(len(contents), cache_tokens)
    for slot, content in zip(slots.slots, contents, strict=True):
        slot.tokens = list(content.encode())
        slots.touch(slot)
    return slots


def acquire(slots: Slots, prompt: str, owner: str = "me") -> tuple[int, int] | None:
    found = slots.acquire(prompt.encode(), owner)
    return found and (found[0].sequence, found[1])


@pytest.mark.parametrize(("left", "right", "shared"), [("", "", 0), ("abc", "abd", 2), ("ab", "abc", 2), ("x", "y", 0)])
def test_common_prefix(left, right, shared):
    assert common_prefix(left.encode(), right.encode()) == shared


def test_the_longest_reuse_wins():
    assert acquire(slots_holding("abc", "abcdef", "ab"), "abcdefgh") == (1, 6)


def test_an_empty_slot_is_taken_before_another_text_is_overwritten():
    assert acquire(slots_holding("first text", "", "other text"), "new") == (1, 0)


def test_a_slot_that_shares_only_its_head_is_passed_over_for_an_empty_one():
    assert acquire(slots_holding("<>import a; a long text", ""), "<>def f(): another long text") == (1, 0)


def test_a_slot_that_shares_only_its_head_is_passed_over_for_an_older_one():
    slots = slots_holding("##oldest text of all", "<>import a; a long text")
    assert acquire(slots, "<>def f(): another long text") == (0, 0)


def test_the_least_recently_used_is_overwritten_when_nothing_is_shared():
    slots = slots_holding("aaa", "bbb", "ccc")
    slots.touch(slots.slots[0])
    assert acquire(slots, "ddd") == (1, 0)


def test_a_taken_slot_is_not_given_away():
    slots = slots_holding("abcdef", "x")
    assert acquire(slots, "abcdef", "first") == (0, 6)
    assert acquire(slots, "abcdef", "second") == (1, 0)
    assert acquire(slots, "abcdef", "third") is None


def test_a_released_slot_keeps_what_it_holds():
    slots = slots_holding("abcdef", "x")
    slot, _ = slots.acquire(b"abcdef", "first")
    slots.release(slot)
    assert acquire(slots, "abcdef") == (0, 6)


def test_the_least_recent_idle_slot_is_the_first_to_go():
    slots = slots_holding("", "old", "new")
    assert slots.least_recent_idle().sequence == 1
    slots.acquire(b"old", "me")
    assert slots.least_recent_idle().sequence == 2


def test_nothing_is_idle_when_all_is_empty_or_taken():
    slots = slots_holding("", "mine")
    slots.acquire(b"mine", "me")
    assert slots.least_recent_idle() is None


def test_integrity_counts_the_cells():
    with pytest.raises(AssertionError, match="more tokens"):
        slots_holding("abc", "def", cache_tokens=5).check_integrity()


def test_integrity_forbids_two_slots_for_one_request():
    slots = slots_holding("abc", "def")
    for slot in slots.slots:
        slot.owner = "me"
    with pytest.raises(AssertionError, match="two slots"):
        slots.check_integrity()
