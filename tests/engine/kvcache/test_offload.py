"""Documents that are moved out of the cache and come back: in the fake's books, and in llama.cpp's memory."""

import pytest

from lsp_server.engine.backends.base import DecodeStatus
from lsp_server.engine.backends.llama.backend import LlamaBackend
from lsp_server.engine.kvcache import cache as cache_module
from lsp_server.engine.kvcache.offload import OffloadedSlot, OffloadedSlots
from lsp_server.engine.scheduler import placement as placement_module
from lsp_server.ipc.launch import EngineOptions
from tests.engine.drive import evaluate, prompt_of, write

FIRST, SECOND, THIRD = ("import os\n" * 12, "class A:\n" * 13, "x = 1\ny = 2\n" * 10)
ROOM = 1 << 30


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    """Short texts are worth it."""
    for module in (cache_module, placement_module):
        monkeypatch.setattr(module, "MIN_OFFLOADED_TOKENS", 16)


@pytest.fixture
def bench(make_bench):
    return make_bench(host_cache_bytes=ROOM)


def offloaded(tokens: list[int], size: int | None = None) -> OffloadedSlot:
    return OffloadedSlot(tokens, set(), 0, True, bytes(len(tokens) if size is None else size))


def add(store: OffloadedSlots, new: OffloadedSlot) -> None:
    if store.reserve(new.tokens, len(new.state)):
        store.add(new)


# The store


def test_the_one_that_shares_most_is_found_the_newest_of_equals():
    store = OffloadedSlots(100)
    first, second, third = offloaded([1, 2, 3]), offloaded([1, 2, 4, 5]), offloaded([9])
    for each in (first, second, third):
        add(store, each)
    assert store.best_for([1, 2, 3, 7]) == (first, 3)
    assert store.best_for([1, 2]) == (second, 2)
    assert store.best_for([7]) == (None, 0)
    store.remove(second)
    assert store.best_for([1, 2]) == (first, 2)


def test_room_is_made_by_dropping_the_oldest():
    store = OffloadedSlots(25)
    for number in range(5):
        add(store, offloaded([number], size=10))
    assert (len(store), store.used_bytes) == (2, 20)
    assert store.best_for([2]) == (None, 0)
    assert store.best_for([3])[1] == 1
    add(store, offloaded([7], size=26))
    assert len(store) == 2, "what is larger than all the room there is takes nobody's"


def test_one_that_goes_on_with_another_takes_its_place():
    store = OffloadedSlots(100)
    for tokens in ([1, 2], [1, 2, 3], [1, 2]):
        add(store, offloaded(tokens))
    assert [each.tokens for each in store._offloaded] == [[1, 2, 3], [1, 2]]


# The scheduler


def offload_idle(bench) -> int:
    """Until there is nothing to do; how often there was."""
    count = 0
    while bench.scheduler.offload_idle():
        bench.check()
        count += 1
    return count


def test_a_document_that_is_left_is_moved_out_of_the_cache_and_comes_back(bench):
    bench.answer("a", FIRST, document="a")
    assert offload_idle(bench) == 0, "it is the one in use"
    bench.answer("b", SECOND, document="b")
    assert offload_idle(bench) == 1
    assert [len(slot.tokens) > 0 for slot in bench.slots].count(True) == 1
    bench.answer("back", FIRST + "more", document="a")
    assert bench.reused("back") == len("|" + FIRST)
    bench.assert_answered("back", FIRST + "more")
    assert offload_idle(bench) == 1
    bench.answer("again", SECOND, document="b")
    bench.assert_answered("again", SECOND)


def test_other_anchors_of_the_same_document_stay_where_they_are(bench):
    bench.answer("a", FIRST + "def f():", document="a")
    bench.answer("b", FIRST + "class A:", document="a")
    assert offload_idle(bench) == 0


def test_what_is_evicted_comes_back(make_bench):
    bench = make_bench(host_cache_bytes=ROOM, cache_tokens=300, context_tokens=256)
    for name, text in (("a", FIRST), ("b", SECOND), ("c", THIRD)):
        bench.answer(name, text, document=name)
    for name, text in (("a", FIRST), ("b", SECOND), ("c", THIRD)):
        bench.answer(f"{name} again", text, document=name)
        assert bench.reused(f"{name} again") >= len(text)
        bench.assert_answered(f"{name} again", text)


def test_what_is_overwritten_comes_back(make_bench):
    bench = make_bench(host_cache_bytes=ROOM, num_sequences=1)
    for name, text in (("a", FIRST), ("b", SECOND), ("a again", FIRST)):
        bench.answer(name, text)
    assert bench.reused("a again") >= len(FIRST)
    bench.assert_answered("a again", FIRST)


def test_a_warm_up_comes_back_too(bench):
    bench.warm_up("w", FIRST, document="a")
    bench.run()
    bench.answer("b", SECOND, document="b")
    assert offload_idle(bench) == 1
    bench.answer("a", FIRST, document="a")
    assert bench.reused("a") >= len(FIRST)


def test_what_a_pause_has_prepared_stays_in_the_cache(bench):
    bench.answer("short", FIRST[60:] + "short", document="a")
    bench.warm_up("whole", FIRST, document="a")
    bench.run()
    assert offload_idle(bench) == 0, "the next letter wants it"
    bench.answer("letter", FIRST, typed="x", document="a")
    assert bench.reused("letter") >= len(FIRST)


def test_what_does_not_fit_stays_in_the_cache(make_bench):
    bench = make_bench(host_cache_bytes=len(FIRST) - 20)
    for name, text in (("a", FIRST), ("b", SECOND)):
        bench.answer(name, text, document=name)
    assert offload_idle(bench) == 0
    bench.answer("a again", FIRST, document="a")
    assert bench.reused("a again") >= len(FIRST)


def test_a_warm_up_loses_nobodys_anchor(make_bench):
    """Every slot is a person's, one more document is saved, and something is prepared for that one."""
    bench = make_bench(host_cache_bytes=ROOM, num_sequences=2)
    for name, text in (("a", FIRST), ("b", SECOND), ("c", THIRD)):
        bench.answer(name, text, document=name)
    assert len(bench.scheduler.cache.offloaded) == 1
    bench.warm_up("w", FIRST[:60] + "def f():\n", document="a")
    bench.run()
    for name, text in (("a", FIRST), ("b", SECOND), ("c", THIRD)):
        bench.answer(f"{name} again", text, document=name)
        assert bench.reused(f"{name} again") >= len(text), name


def test_nothing_is_saved_without_room(make_bench):
    bench = make_bench(host_cache_bytes=0)
    bench.answer("a", FIRST, document="a")
    bench.answer("b", SECOND, document="b")
    assert offload_idle(bench) == 0
    assert len(bench.scheduler.cache.offloaded) == 0


def test_what_the_backend_cannot_put_back_is_evaluated_again(bench, monkeypatch):
    bench.answer("a", FIRST, document="a")
    bench.answer("b", SECOND, document="b")
    offload_idle(bench)
    monkeypatch.setattr(bench.backend, "restore", lambda *_: False)
    bench.answer("back", FIRST, document="a")
    assert bench.reused("back") == len("|")
    bench.assert_answered("back", FIRST)


@pytest.mark.parametrize("interactive", [True, False])
def test_a_slot_comes_back_as_it_was(bench, interactive):
    bench.answer("a", FIRST, document="a")
    cache, (slot, target, *_) = bench.scheduler.cache, bench.slots
    cache.slots.touch(slot, interactive=interactive)
    before = (list(slot.tokens), set(slot.sampled), slot.num_anchor_tokens)
    assert slot.sampled
    cache.offload(slot)
    assert slot.tokens == []
    kept, _ = cache.offloaded.best_for(before[0])
    cache.restore(kept, target)
    assert (target.tokens, target.sampled, target.num_anchor_tokens) == before
    assert target.interactive is interactive
    assert len(cache.offloaded) == 0
    bench.check()


# llama.cpp


@pytest.fixture(scope="module")
def llama(model_path):
    options = EngineOptions(str(model_path), threads=1, context_tokens=512, cache_tokens=1024, num_sequences=3)
    backend = LlamaBackend(options)
    yield backend
    backend.close()


@pytest.fixture
def emptied(llama):
    yield llama
    for sequence in range(llama.num_sequences):
        llama.truncate(sequence, 0)


def test_a_sequence_is_the_same_in_another_place(emptied):
    tokens = prompt_of(emptied, "import os\n" * 20 + "def f(")
    evaluate(emptied, tokens[:-1])
    state = emptied.save(0)
    assert len(state) > 1000
    expected = write(emptied, tokens[-1:], start=len(tokens) - 1)
    emptied.truncate(0, 0)
    evaluate(emptied, prompt_of(emptied, "class A:\n" * 30), sequence=1)  # in the cells that it had
    assert emptied.restore(2, state)
    assert write(emptied, tokens[-1:], start=len(tokens) - 1, sequence=2) == expected


def test_what_does_not_fit_leaves_nothing_behind(emptied):
    tokens = [100] * 400
    evaluate(emptied, tokens)
    state = emptied.save(0)
    evaluate(emptied, tokens, sequence=1)
    assert not emptied.restore(2, state)
    assert evaluate(emptied, tokens[:10], sequence=2) is DecodeStatus.OK, "as into an empty one"
    for sequence in range(3):
        emptied.truncate(sequence, 0)
    assert emptied.restore(2, state), "and once there is room it does"
