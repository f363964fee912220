"""The books of the cache: what each sequence holds, in which cells, and who is missed least."""

import random

import pytest

from lsp_server.engine.kvcache.slots import Slots


def slots_holding(*contents: str, cache_tokens: int = 1000, speculative: tuple[int, ...] = ()) -> Slots:
    """Idle slots, the first of them used the longest time ago."""
    slots = Slots(len(contents), cache_tokens)
    for slot, content in zip(slots.slots, contents, strict=True):
        slots.append(slot, content.encode(), first_sampled=len(content))
        slots.touch(slot, interactive=slot.sequence not in speculative)
    return slots


def best(slots: Slots, prompt: str) -> tuple[int, int]:
    slot, shared = slots.best_for(list(prompt.encode()), slots.slots)
    return slot.sequence, shared


def lru_victim(slots: Slots) -> int:
    return slots.lru_victim(slots.slots).sequence


# Choosing


def test_the_slot_that_shares_most_is_the_best():
    assert best(slots_holding("abc", "abcdef", "ab"), "abcdefgh") == (1, 6)


def test_of_equals_the_latest_used_is_the_best():
    slots = slots_holding("abcx", "abcy", "z")
    assert best(slots, "abc") == (1, 3)
    slots.touch(slots.slots[0], interactive=True)
    assert best(slots, "abc") == (0, 3)


def test_among_no_slots_there_is_none():
    slots = slots_holding("abc")
    assert slots.best_for(b"abc", []) == (None, 0)
    assert slots.lru_victim([]) is None


def test_an_empty_slot_is_missed_least():
    assert lru_victim(slots_holding("first text", "", "other text")) == 1


def test_then_a_speculative_one_however_new():
    assert lru_victim(slots_holding("first text", "second", "guess", speculative=(2,))) == 2


def test_then_the_least_recently_used():
    slots = slots_holding("aaa", "bbb", "ccc")
    slots.touch(slots.slots[0], interactive=True)
    assert lru_victim(slots) == 1


def test_a_person_who_uses_a_speculative_slot_makes_it_theirs():
    slots = slots_holding("aaa", "bbb", speculative=(1,))
    slots.touch(slots.slots[1], interactive=True)
    assert lru_victim(slots) == 0


# Content


def test_what_the_model_wrote_is_known_by_position():
    slots = Slots(1, 100)
    (slot,) = slots.slots
    slots.append(slot, b"prompt", first_sampled=6)
    slots.append(slot, b"!?", first_sampled=6)
    assert slot.sampled == {6, 7}
    slots.truncate(slot, 7)
    assert slot.sampled == {6}
    slots.append(slot, b"typed", first_sampled=12)
    assert slot.sampled == {6}


def test_a_batch_may_end_the_prompt_and_begin_the_text():
    slots = Slots(1, 100)
    slots.append(slots.slots[0], b"prompt!", first_sampled=6)
    assert slots.slots[0].sampled == {6}


def test_cells_shared_by_branches_are_counted_once():
    slots = slots_holding("abcdef", "")
    source, target = slots.slots
    slots.fork(source, target, 4)
    assert bytes(target.tokens) == b"abcd"
    assert slots.used_tokens == 6
    slots.append(target, b"xy", first_sampled=99)
    assert slots.used_tokens == 8


def test_a_shared_cell_is_free_when_the_last_that_holds_it_lets_go():
    slots = slots_holding("abcdef", "")
    source, target = slots.slots
    slots.fork(source, target, 4)
    slots.truncate(source, 0)
    assert slots.used_tokens == 4
    slots.truncate(target, 3)
    assert slots.used_tokens == 3
    slots.truncate(target, 0)
    assert slots.used_tokens == 0


def test_a_branch_knows_what_the_model_wrote():
    slots = Slots(2, 100)
    source, target = slots.slots
    slots.append(source, b"prompt!?", first_sampled=6)
    slots.fork(source, target, 7)
    assert target.sampled == {6}


def test_a_branch_goes_into_an_empty_slot():
    slots = slots_holding("abc", "def")
    with pytest.raises(AssertionError, match="empty"):
        slots.fork(*slots.slots, 2)


@pytest.mark.parametrize("seed", range(20))
def test_the_books_agree_with_a_model_that_keeps_sets(seed):
    rng = random.Random(seed)
    slots = Slots(4, 10_000)
    cells: list[list[object]] = [[] for _ in slots.slots]
    for _ in range(300):
        slot = rng.choice(slots.slots)
        mine = cells[slot.sequence]
        match rng.choice(["append", "truncate", "branch"]):
            case "append":
                count = rng.randint(0, 5)
                slots.append(slot, [rng.randrange(9) for _ in range(count)], first_sampled=rng.randint(0, 20))
                mine += [object() for _ in range(count)]
            case "truncate":
                count = rng.randint(0, len(mine) + 2)
                slots.truncate(slot, count)
                del mine[count:]
            case "branch":
                target = rng.choice([other for other in slots.slots if other is not slot])
                count = rng.randint(0, len(mine))
                slots.truncate(target, 0)
                slots.fork(slot, target, count)
                cells[target.sequence] = mine[:count]
        slots.check_integrity()
        assert [len(slot.tokens) for slot in slots.slots] == [len(held) for held in cells]
        assert slots.used_tokens == len({cell for held in cells for cell in held})


# Integrity


def test_integrity_counts_the_cells():
    with pytest.raises(AssertionError, match="more tokens"):
        slots_holding("abc", "def", cache_tokens=5).check_integrity()


def test_integrity_counts_shared_cells_once():
    slots = slots_holding("abcd", "", cache_tokens=5)
    slots.fork(*slots.slots, 4)
    slots.check_integrity()


def test_integrity_forbids_cells_that_nobody_counted():
    slots = slots_holding("abc")
    slots.slots[0].cells.append(99)
    with pytest.raises(AssertionError, match="not counted"):
        slots.check_integrity()


def test_integrity_forbids_a_token_without_a_cell():
    slots = slots_holding("abc")
    slots.slots[0].tokens.append(99)
    with pytest.raises(AssertionError, match="without a cell"):
        slots.check_integrity()


def test_integrity_forbids_two_slots_for_one_request():
    slots = slots_holding("abc", "def")
    for slot in slots.slots:
        slot.owner = "me"
    with pytest.raises(AssertionError, match="two slots"):
        slots.check_integrity()
