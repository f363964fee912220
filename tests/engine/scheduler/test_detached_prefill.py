"""Prefill belongs to the anchor: what was cancelled or superseded goes on for the next request with the same anchor."""

import pytest

from tests.engine.fakes import Forgetful, fake_options

ANCHOR = "x = compute(y)\n" * 25  # several slices of prefill
OTHER = "class A:\n    pass\n" * 20
SLICE = 64  # of a pace that has measured nothing


def detached_prefill(make_bench, how: str = "cancelled", **options):
    """A bench on which request `old` ended after two slices of its anchor."""
    bench = make_bench(**options)
    bench.submit("old", ANCHOR, document="d", kind="inline", deadline_ms=500)
    bench.step(2)
    match how:
        case "cancelled":
            bench.scheduler.cancel("old")
        case "superseded":
            bench.submit("newer", ANCHOR, typed="x", document="d", kind="inline", heal=False)
        case "deadline":
            bench.now += 0.5
            bench.scheduler._expire()
    bench.check()
    assert bench.reason("old") == how
    return bench


def num_detached(bench) -> int:
    return bench.scheduler.dump().count("detached\n") + bench.scheduler.dump().endswith("detached")


@pytest.mark.parametrize("how", ["cancelled", "superseded", "deadline"])
def test_the_prefill_goes_on(make_bench, how):
    bench = detached_prefill(make_bench, how)
    assert num_detached(bench) == 1
    assert bench.scheduler.has_work


@pytest.mark.parametrize("how", ["cancelled", "deadline"])
def test_it_ends_when_the_anchor_is_in_the_cache_and_says_nothing(make_bench, how):
    bench = detached_prefill(make_bench, how)
    bench.run()
    assert bench.contents[0] == ANCHOR
    assert bench.ended == ["old"]
    assert bench.backend.num_samplers == 0


@pytest.mark.parametrize("slices", [0, 1, 2])
def test_the_next_request_inherits_what_is_done(make_bench, slices):
    bench = detached_prefill(make_bench)
    bench.step(slices)
    bench.submit("new", ANCHOR, typed="ty", document="d", heal=False)
    bench.run()
    bench.assert_answered("new", ANCHOR + "ty")
    assert bench.reused("new") == (2 + slices) * SLICE
    assert [slot.sequence for slot in bench.slots if slot.tokens] == [0], "in place"


def test_a_superseding_request_inherits_at_once(make_bench):
    bench = detached_prefill(make_bench, "superseded")
    bench.run()
    bench.assert_answered("newer", ANCHOR + "x")
    assert bench.reused("newer") == 2 * SLICE


def test_typing_faster_than_the_prefill_still_finishes_it(make_bench):
    bench = make_bench()
    typed = "typed text that goes on and on"
    for length in range(len(typed)):
        bench.submit(f"{length}", ANCHOR, typed=typed[:length], document="d", heal=False)
        bench.step()
    bench.submit("last", ANCHOR, typed=typed, document="d", heal=False)
    bench.run()
    bench.assert_answered("last", ANCHOR + typed)
    assert bench.reused("last") >= len("|" + ANCHOR)
    assert bench.backend.num_decodes < 60


def test_the_typed_text_of_a_detached_prefill_is_not_evaluated(make_bench):
    bench = make_bench()
    bench.submit("old", ANCHOR, typed="typed", document="d")
    bench.step()
    bench.scheduler.cancel("old")
    bench.run()
    assert bench.contents[0] == ANCHOR


def test_a_detached_prefill_waits_while_somebody_else_is_served(make_bench):
    bench = detached_prefill(make_bench)
    held = list(bench.slots[0].tokens)
    bench.submit("other", OTHER, document="e")
    while "other" not in bench.ended:
        assert bench.slots[0].tokens == held
        bench.step()
    bench.assert_answered("other", OTHER)
    bench.run()
    assert bench.contents[0] == ANCHOR


def test_a_detached_prefill_is_dropped_when_its_document_goes_elsewhere(make_bench):
    bench = detached_prefill(make_bench)
    bench.submit("elsewhere", OTHER, document="d")
    bench.step()
    assert num_detached(bench) == 0
    bench.run()
    bench.assert_answered("elsewhere", OTHER)
    assert len(bench.slots[0].tokens) == 2 * SLICE, "what was done stays"


def test_a_detached_prefills_slot_is_taken_when_there_is_no_other(make_bench):
    bench = detached_prefill(make_bench, num_sequences=1)
    bench.submit("other", OTHER, document="e")
    bench.run()
    bench.assert_answered("other", OTHER)
    assert bench.contents[0].startswith(OTHER)


def test_a_detached_prefills_cells_are_taken_when_there_are_no_others(make_bench):
    bench = detached_prefill(make_bench, context_tokens=400, cache_tokens=420)
    bench.submit("other", OTHER, document="e")
    bench.run()
    bench.assert_answered("other", OTHER)
    assert num_detached(bench) == 0


def test_a_warm_up_goes_before_a_detached_prefill_and_may_take_its_slot(make_bench):
    bench = detached_prefill(make_bench, num_sequences=1)
    bench.warm_up("ahead", OTHER, document="e")
    bench.run()
    assert bench.reason("ahead") == "length"
    assert bench.contents[0] == OTHER


def test_a_cancelled_warm_up_leaves_no_orphan(make_bench):
    bench = make_bench()
    bench.warm_up("ahead", ANCHOR)
    bench.step()
    bench.scheduler.cancel("ahead")
    assert not bench.scheduler.has_work
    bench.check()


@pytest.mark.parametrize("steps", [0, 100])
def test_what_waits_or_writes_leaves_no_orphan(make_bench, steps):
    bench = make_bench()
    bench.submit("old", "abc9", document="d", max_tokens=1000)
    bench.step(min(steps, 3))
    bench.scheduler.cancel("old")
    assert not bench.scheduler.has_work


def test_a_request_whose_typed_text_is_being_evaluated_leaves_no_orphan(make_bench):
    bench = make_bench()
    bench.answer("warm", ANCHOR, document="d")
    bench.submit("old", ANCHOR, typed="t" * 200, document="d")
    bench.step()
    assert not bench.text("old")
    bench.scheduler.cancel("old")
    assert not bench.scheduler.has_work


def test_several_orphans_are_finished_one_by_one(make_bench):
    bench = make_bench()
    for name in "ab":
        bench.submit(name, name + ANCHOR, document=name)
        bench.step()
        bench.scheduler.cancel(name)
    assert num_detached(bench) == 2
    bench.run()
    assert bench.contents[:2] == ["a" + ANCHOR, "b" + ANCHOR]
    for name in "ab":
        bench.answer(f"{name} again", name + ANCHOR, document=name)
        assert bench.reused(f"{name} again") == len(name + ANCHOR)


def test_a_fault_takes_the_orphans_too(make_bench):
    bench = detached_prefill(make_bench)
    bench.scheduler.fail_all("The engine broke.")
    assert not bench.scheduler.has_work
    assert bench.ended == ["old"]
    bench.check()


def test_an_interrupted_orphan_begins_its_slice_again(make_bench):
    bench = detached_prefill(make_bench)
    bench.interrupted_step()
    assert len(bench.slots[0].tokens) == 2 * SLICE
    bench.run()
    assert bench.contents[0] == ANCHOR


def test_a_model_that_cannot_drop_a_tail_inherits_too(make_bench):
    bench = make_bench(Forgetful(fake_options()))
    bench.submit("old", ANCHOR, typed="ty", document="d", heal=False)
    bench.step(2)
    bench.submit("new", ANCHOR, typed="typ", document="d", heal=False)
    bench.run()
    bench.assert_answered("new", ANCHOR + "typ")
    assert bench.reused("new") == 2 * SLICE
