"""Where a run goes: on in place, or into a branch that leaves what others may come back to."""

import pytest

from lsp_server.engine.scheduler.placement import MAX_HEALED, num_healed
from lsp_server.ipc.requests import Priority
from tests.engine.fakes import FIM, Scribe

HEAD = "import os\n" * 5
ANCHOR, OTHER = HEAD + "def f(x):\n", HEAD + "class A:\n    pass\n"
THIRD, FOURTH = "import sys\n" + HEAD, "# nothing in common\n" * 3


def used(bench) -> list[int]:
    """The slots that hold something."""
    return [slot.sequence for slot in bench.slots if slot.tokens]


def holding(bench, anchor: str) -> list[int]:
    """The slots that hold an anchor whole."""
    return [slot.sequence for slot, text in zip(bench.slots, bench.contents, strict=True) if text.startswith(anchor)]


# On in place


def test_the_same_anchor_goes_on_in_place(make_bench):
    bench = make_bench()
    for typed in ("", "    r", "    ret", "    return x", "    re"):
        bench.answer(f"{typed}.", ANCHOR, typed=typed, document="d", heal=False)
        assert used(bench) == [0]
        bench.assert_answered(f"{typed}.", ANCHOR + typed)
    assert bench.reused("    return x.") == len("|" + ANCHOR + "    ret")
    assert bench.reused("    re.") == len("|" + ANCHOR + "    r"), "all but the last, for its logits"


def test_an_anchor_that_begins_with_the_old_one_goes_on_in_place(make_bench):
    bench = make_bench()
    bench.answer("a", ANCHOR)
    bench.answer("b", ANCHOR + "    return x\n")
    assert used(bench) == [0]
    assert bench.reused("b") == len("|" + ANCHOR)


@pytest.mark.parametrize("accepted", range(1, 8))
def test_what_was_written_and_accepted_is_there_already(make_bench, accepted):
    bench = make_bench()
    bench.answer("a", ANCHOR, document="d")
    text = bench.text("a")[:accepted]
    bench.answer("b", ANCHOR, typed=text, document="d")
    bench.assert_answered("b", ANCHOR + text)
    assert bench.reused("b") == len("|" + ANCHOR + text) - 1, "all but the last, for its logits"


def test_what_was_written_is_kept_as_the_model_cut_it(make_bench):
    bench = make_bench(Scribe(["return", "retu", "rn"], "return x + y", writes=["retu", "rn"]))
    bench.answer("a", prompt=FIM, max_tokens=6)
    assert bench.text("a") == "return x +"
    bench.answer("b", prompt=FIM, typed="return x", heal=False)
    assert bench.text("b") == " + y"
    assert len(bench.tokenized["b"].typed) == 3, "return, space, x"
    cut = [bench.backend.piece(token) for token in bench.slots[0].tokens[len(bench.tokenized["b"].anchor) :]]
    assert cut[:4] == [b"retu", b"rn", b" ", b"x"]
    assert bench.reused("b") == len(bench.tokenized["b"].anchor) + 3


# Branches


def test_another_anchor_branches_off_the_shared_head(make_bench):
    bench = make_bench()
    bench.answer("a", ANCHOR)
    bench.answer("b", OTHER)
    bench.assert_answered("b", OTHER)
    assert bench.reused("b") == len("|" + HEAD)
    assert [holding(bench, ANCHOR), holding(bench, OTHER)] == [[0], [1]]
    shared = set(bench.slots[0].cells) & set(bench.slots[1].cells)
    assert len(shared) == len("|" + HEAD)


def test_answers_to_one_prompt_share_what_was_typed_too(make_bench):
    bench = make_bench()
    asked = {"text": "one", "typed": "typed", "heal": False}
    bench.answer("a", **asked)
    for name in "bc":
        bench.submit(name, priority=Priority.ALTERNATIVES, **asked)
    bench.run()
    for name in "bc":
        timings = bench.end(name).timings
        assert timings.reused_tokens == timings.prompt_tokens - 1


def test_undo_comes_back_to_what_it_left(make_bench):
    bench = make_bench()
    bench.answer("a", ANCHOR, typed="    x", heal=False)
    bench.answer("b", OTHER)
    bench.answer("undo", ANCHOR, typed="    x", heal=False)
    bench.assert_answered("undo", ANCHOR + "    x")
    assert bench.reused("undo") == len("|" + ANCHOR + "    ")


def test_a_branch_is_not_harmed_by_what_happens_to_its_source(make_bench):
    bench = make_bench(num_sequences=2)
    for name, text in [("a", ANCHOR), ("b", OTHER), ("c", FOURTH), ("d", OTHER + "x"), ("e", ANCHOR + "y")]:
        bench.answer(name, text)
        bench.assert_answered(name, text)


def test_a_run_under_way_can_be_branched_from(make_bench):
    bench = make_bench()
    bench.submit("a", ANCHOR, max_tokens=50)
    bench.step(4)
    bench.submit("b", ANCHOR, typed="    x", heal=False)
    bench.run()
    bench.assert_answered("a", ANCHOR, 50)
    bench.assert_answered("b", ANCHOR + "    x")
    assert bench.reused("b") == len("|" + ANCHOR)


def test_an_empty_slot_is_taken_before_another_text_is_overwritten(make_bench):
    bench = make_bench(num_sequences=3)
    for name, text in (("a", ANCHOR), ("b", FOURTH), ("c", THIRD)):
        bench.answer(name, text)
    assert used(bench) == [0, 1, 2]


def test_then_the_least_recently_used_is_overwritten(make_bench):
    bench = make_bench(num_sequences=2)
    for name, text in (("a", ANCHOR), ("b", FOURTH), ("a again", ANCHOR + "more"), ("c", THIRD)):
        bench.answer(name, text)
    assert [len(holding(bench, text)) for text in (ANCHOR, FOURTH, THIRD)] == [1, 0, 1]


def test_the_only_slot_is_used_again(make_bench):
    bench = make_bench(num_sequences=1)
    for name, text in (("a", ANCHOR), ("b", OTHER), ("c", FOURTH), ("d", ANCHOR)):
        bench.answer(name, text)
        bench.assert_answered(name, text)
    assert bench.reused("b") == len("|" + HEAD)


# Warm-ups


def test_a_warm_up_branches_and_leaves_a_persons_slot_alone(make_bench):
    bench = make_bench()
    bench.answer("typed", ANCHOR, typed="    x", document="d")
    before = list(bench.slots[0].tokens)
    bench.warm_up("ahead", ANCHOR + "    x = 1\n    y", document="d")
    bench.run()
    assert bench.slots[0].tokens == before
    assert holding(bench, ANCHOR + "    x = 1\n    y") == [1]


def test_a_warm_up_takes_a_speculative_slot_before_a_persons(make_bench):
    bench = make_bench(num_sequences=3)
    bench.answer("old", FOURTH)
    bench.answer("typed", ANCHOR)
    for number in range(4):
        bench.warm_up(f"ahead {number}", OTHER + str(number) * 9)
        bench.run()
    assert [len(holding(bench, text)) for text in (FOURTH, ANCHOR)] == [1, 1]
    assert holding(bench, OTHER + "3" * 9)


def test_where_every_slot_is_a_persons_the_least_recently_used_makes_room_for_a_warm_up(make_bench):
    bench = make_bench(num_sequences=3)
    for name, text in (("one", FOURTH), ("two", OTHER), ("three", ANCHOR)):
        bench.answer(name, text)
    for number in range(4):
        bench.warm_up(f"ahead {number}", THIRD + str(number) * 9)
        bench.run()
    assert [len(holding(bench, text)) for text in (FOURTH, OTHER, ANCHOR)] == [0, 1, 1], "one, however often"


def test_what_was_warmed_up_is_there_for_the_person(make_bench):
    bench = make_bench()
    bench.answer("typed", ANCHOR, typed="    x", document="d")
    ahead = ANCHOR + "    x = 1\n    y"
    bench.warm_up("ahead", ahead, document="d")
    bench.run()
    assert bench.reason("ahead") == "length"
    bench.answer("next", ahead, typed=" =", document="d", heal=False)
    bench.assert_answered("next", ahead + " =")
    assert bench.reused("next") == len("|" + ahead)


def test_a_warm_up_of_what_is_there_already_evaluates_nothing(make_bench):
    bench = make_bench()
    bench.warm_up("ahead", ANCHOR)
    bench.run()
    before = bench.backend.num_decodes
    bench.warm_up("again", ANCHOR)
    bench.run()
    assert bench.reason("again") == "length"
    assert bench.backend.num_decodes == before


def test_a_person_takes_the_slot_of_a_warm_up_that_serves_them_best(make_bench):
    bench = make_bench()
    bench.warm_up("ahead", ANCHOR * 5, document="d")
    bench.step()
    bench.submit("typed", ANCHOR * 5, document="d")
    bench.run()
    assert bench.reason("ahead") == "superseded"
    bench.assert_answered("typed", ANCHOR * 5)
    assert bench.reused("typed") == 64, "what the warm-up had done by then"


def test_a_person_takes_the_slot_of_a_warm_up_when_there_is_no_other(make_bench):
    bench = make_bench(num_sequences=1)
    bench.warm_up("ahead", ANCHOR * 5)
    bench.step()
    bench.submit("typed", FOURTH)
    bench.run()
    assert bench.reason("ahead") == "superseded"
    bench.assert_answered("typed", FOURTH)


def test_a_warm_up_waits_while_every_slot_is_in_use(make_bench):
    bench = make_bench(num_sequences=1)
    bench.submit("typed", ANCHOR, max_tokens=20)
    bench.step()
    bench.warm_up("ahead", ANCHOR + "more", document="d")
    bench.run()
    assert bench.ended == ["typed", "ahead"]
    bench.assert_answered("typed", ANCHOR, 20)


@pytest.mark.parametrize("priority", [Priority.ALTERNATIVES, Priority.CHAT])
def test_what_somebody_waits_for_is_not_robbed(make_bench, priority):
    bench = make_bench(num_sequences=1)
    bench.submit("slow", ANCHOR, max_tokens=20, priority=priority)
    bench.step(2)
    bench.submit("typed", ANCHOR + "x")
    bench.run()
    bench.assert_answered("slow", ANCHOR, 20)
    bench.assert_answered("typed", ANCHOR + "x")


# Taking tokens back


class Words:
    """A vocabulary of words; a token is its own text."""

    def __init__(self, *words: bytes) -> None:
        self.words = words

    def piece(self, token: bytes) -> bytes:
        return token

    def begins_token(self, text: bytes) -> bool:
        return len(text) == 1 or any(word.startswith(text) for word in self.words)


@pytest.mark.parametrize(
    ("tokens", "taken"),
    [
        ([b"x"], 1),
        ([b"=", b" ", b"x"], 1),
        ([b" ret", b"u"], 2),  # ` return` is one token
        ([b"=", b" ret", b"u"], 2),
        ([b" re", b"t", b"u", b"r"], 4),
        ([b" ", b"r", b"e", b"t", b"u"], 4),  # no further back is looked
        ([b"r", b"e", b"t", b"u"], 4),
        ([b" ret", b"z"], 1),  # cut there in training too
        ([b" ret", b"z", b"u"], 1),
        ([b"n", b"o", b" such", b" word"], 1),  # not the beginning of a token at all: the last, none the less
    ],
)
def test_as_many_tokens_are_taken_back_as_one_could_cover(tokens, taken):
    words = Words(b" return", b"return", b"=")
    assert num_healed(tokens, words, fixed_indent=False) == taken
    assert num_healed(tokens, words, fixed_indent=True) == 1
    assert taken <= MAX_HEALED


@pytest.mark.parametrize("fixed_indent", [False, True])
def test_of_nothing_typed_nothing_is_taken_back(fixed_indent):
    assert num_healed([], Words(b"x"), fixed_indent=fixed_indent) == 0
