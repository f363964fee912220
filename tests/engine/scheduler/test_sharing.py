"""What the scheduler does with several requests, with too little room, and with faults."""

import pytest

from lsp_server.base.errors import EngineError
from lsp_server.engine.backends.base import DecodeStatus
from lsp_server.engine.backends.fake import FakeBackend
from lsp_server.engine.scheduler.batches import ROUND_ROBIN_TOKENS
from lsp_server.ipc.requests import Failed, Marker, Priority, Text
from tests.engine.fakes import fake_options

LONG = "x = compute(y)\n" * 30  # several slices of prefill
WORDY, WORDY_TOO = "abc9", "xyz9"  # the fake model writes dozens of tokens after these


def fake(script: str = "") -> FakeBackend:
    return FakeBackend(fake_options(script))


# Who goes first


def test_the_more_urgent_goes_first(make_bench):
    bench = make_bench(num_sequences=1)
    for priority in sorted(Priority, reverse=True):
        bench.submit(priority.name, WORDY, priority=priority)
    bench.run()
    assert bench.ended == [priority.name for priority in sorted(Priority)]


def test_of_equals_the_first_to_arrive_goes_first(make_bench):
    bench = make_bench(num_sequences=1)
    for request_id in ("c", "a", "b"):
        bench.submit(request_id, WORDY)
    bench.run()
    assert bench.ended == ["c", "a", "b"]


@pytest.mark.parametrize("cancels", [False, True])
def test_a_document_that_waits_keeps_its_turn_when_its_request_is_replaced(make_bench, cancels):
    bench = make_bench(num_sequences=1)
    for name in ("running", "typed", "other"):
        bench.submit(name, WORDY, document=name)
    bench.step()
    if cancels:
        bench.scheduler.cancel("typed")
    bench.submit("typed on", WORDY_TOO, document="typed")
    bench.run()
    assert bench.ended == ["typed", "running", "typed on", "other"]


def test_a_document_that_was_answered_queues_anew(make_bench):
    bench = make_bench(num_sequences=1)
    bench.submit("running", WORDY, document="typed")
    bench.submit("other", WORDY, document="other")
    bench.step(3)
    assert bench.text("running")
    bench.submit("typed on", WORDY_TOO, document="typed")
    bench.run()
    assert bench.ended == ["running", "other", "typed on"]


def test_turns_are_forgotten_where_nobody_waits(make_bench):
    bench = make_bench(num_sequences=1)
    bench.submit("left", WORDY, document="left")
    bench.scheduler.cancel("left")
    for name in ("first", "left"):
        bench.submit(f"{name} again", WORDY, document=name)
    bench.run()
    assert bench.ended == ["left", "first again", "left again"]


def test_an_urgent_prefill_overtakes_one_that_is_under_way(make_bench):
    bench = make_bench()
    bench.submit("warm-up", LONG, priority=Priority.WARM_UP)
    bench.step()
    bench.submit("typed", WORDY, max_tokens=1)
    bench.step()
    assert bench.ended == ["typed"]


def test_a_running_request_gets_its_token_while_another_is_prefilled(make_bench):
    bench = make_bench()
    bench.submit("a", WORDY, max_tokens=4)
    bench.step()
    bench.submit("b", LONG)
    bench.step(3)
    assert len(bench.text("a")) == 4
    assert bench.text("b") == ""


class Timed(FakeBackend):
    """Takes a second for a batch and some for each of its tokens, by the clock of a bench."""

    def on(self, bench, further_s: float) -> None:
        self.bench, self.further_s = bench, further_s

    def decode(self, batch):
        self.bench.now += 1 + self.further_s * (len(batch) - 1)
        return super().decode(batch)


def timed_bench(make_bench, further_s: float):
    """A bench on a backend that takes its time, where it is known what a batch of one token takes."""
    backend = Timed(fake_options(num_sequences=4))
    bench = make_bench(backend)
    backend.on(bench, further_s)
    bench.answer("before", WORDY)
    return bench


def ask_some(make_bench, further_s: float, priorities=(Priority.INTERACTIVE,) * 3, document=str):
    """How long each of some texts takes, as long as each other, and how long all do."""
    bench = timed_bench(make_bench, further_s)
    began = bench.now
    for number, priority in enumerate(priorities):
        name = str(number)
        bench.submit(name, WORDY_TOO, max_tokens=25, priority=priority, document=document(number), kind=name)
    bench.run()
    for number in range(len(priorities)):
        bench.assert_answered(str(number), WORDY_TOO, 25)
    return [bench.end(str(number)).timings.total_ms / 1000 for number in range(len(priorities))], bench.now - began


def test_texts_are_written_together_where_that_costs_nothing(make_bench):
    took_s, all_s = ask_some(make_bench, 0.0)
    assert min(took_s) > all_s - 5


def test_texts_are_written_one_by_one_where_each_costs_as_much(make_bench):
    took_s, all_s = ask_some(make_bench, 1.0)
    assert took_s == sorted(took_s)
    assert took_s[0] < all_s / 2
    assert took_s[1] < all_s * 3 / 4


def test_a_long_text_lets_others_go_first_now_and_then(make_bench):
    bench = timed_bench(make_bench, 1.0)
    bench.submit("long", WORDY_TOO, max_tokens=ROUND_ROBIN_TOKENS + 30)
    bench.submit("short", WORDY, max_tokens=20)
    bench.run()
    assert bench.ended == ["before", "short", "long"]
    bench.assert_answered("long", WORDY_TOO, ROUND_ROBIN_TOKENS + 30)
    bench.assert_answered("short", WORDY, 20)


@pytest.mark.parametrize("priority", [Priority.ALTERNATIVES, Priority.CHAT])
def test_what_is_less_urgent_waits_where_it_would_slow_what_is_typed_at(make_bench, priority):
    priorities = (priority, Priority.INTERACTIVE)
    took_s, all_s = ask_some(make_bench, 1.0, priorities)
    assert took_s[1] < all_s * 2 / 3
    together_s, all_together_s = ask_some(make_bench, 0.05, priorities)
    assert min(together_s) > all_together_s - 5


def test_other_texts_of_the_same_document_are_written_with_its_first(make_bench):
    priorities = (Priority.INTERACTIVE, Priority.ALTERNATIVES)
    took_s, all_s = ask_some(make_bench, 1.0, priorities, document=lambda _: "the same")
    assert min(took_s) > all_s - 5


def test_as_many_run_at_once_as_there_are_sequences(make_bench):
    bench = make_bench(num_sequences=3)
    texts = {name: name * 5 for name in "abcde"}
    for name, text in texts.items():
        bench.submit(name, text, max_tokens=20)
    bench.step()
    assert bench.scheduler.dump().count("waiting") == 2
    bench.run()
    for name, text in texts.items():
        bench.assert_answered(name, text, 20)


def test_a_cache_too_small_for_all_makes_some_wait(make_bench):
    bench = make_bench(context_tokens=64, cache_tokens=64)
    for name in "abcd":
        bench.submit(name, name * 20, max_tokens=10)
    bench.step()
    assert bench.scheduler.dump().count("waiting") == 2
    bench.run()
    for name in "abcd":
        bench.assert_answered(name, name * 20, 10)


def test_idle_slots_make_room(make_bench):
    bench = make_bench(context_tokens=64, cache_tokens=64)
    for name in "abcdef":
        bench.submit(name, name * 40, max_tokens=10)
        bench.run()
        bench.assert_answered(name, name * 40, 10)


# Times


def test_times_are_counted_from_arrival(make_bench):
    bench = make_bench()
    bench.submit("a", WORDY, max_tokens=2)
    bench.now += 0.25
    bench.step()
    bench.now += 0.5
    bench.run()
    timings = bench.end("a").timings
    assert (timings.queue_ms, timings.first_token_ms, timings.total_ms) == (250, 250, 750)


# Faults


def test_a_prompt_that_does_not_fit_fails_with_a_sentence(make_bench):
    bench = make_bench(context_tokens=64)
    bench.submit("big", "x" * 60, max_tokens=10)
    bench.submit("small", WORDY)
    bench.run()
    assert bench.end("big") == Failed(
        "The prompt needs 61 tokens and only 54 fit. Use a model with a longer context, raise engine.context_tokens, "
        "or ask for a shorter answer."
    )
    bench.assert_answered("small", WORDY)


def test_a_prompt_is_cut_to_leave_room_for_the_answer(make_bench):
    bench = make_bench(context_tokens=64)
    bench.submit("a", prompt=(Marker("begin"), Text("x" * 500 + "the end", "keep_tail")), max_tokens=24)
    bench.run()
    kept = bench.end("a").timings.prompt_tokens - 1
    assert 30 < kept <= 39
    bench.assert_answered("a", ("x" * 500 + "the end")[-kept:], 24)


def test_an_answer_longer_than_the_window_fails(make_bench):
    bench = make_bench(context_tokens=64)
    bench.submit("a", WORDY, max_tokens=100)
    bench.run()
    assert isinstance(bench.end("a"), Failed)


def test_a_request_larger_than_the_cache_ends(make_bench):
    bench = make_bench(context_tokens=64, cache_tokens=32)
    bench.submit("a", "x" * 40)
    bench.run()
    assert isinstance(bench.end("a"), Failed)


@pytest.mark.parametrize("prompt", [(), (Text(""),), (Text("drop" * 99, "drop"),)])
def test_an_empty_prompt_ends(make_bench, prompt):
    bench = make_bench(context_tokens=64)
    bench.submit("before", WORDY)
    bench.run()
    bench.submit("a", prompt=prompt)
    bench.run()
    assert bench.ended == ["before", "a"]


def test_an_unknown_marker_fails_with_a_sentence(make_bench):
    bench = make_bench()
    bench.submit("a", prompt=(Marker("spouse"),))
    bench.run()
    assert bench.end("a") == Failed("The fake model has no marker 'spouse'.")


def test_a_request_for_no_text_only_fills_the_cache(make_bench):
    bench = make_bench()
    bench.submit("warm-up", "def f(3", max_tokens=0, priority=Priority.WARM_UP)
    bench.run()
    assert (bench.text("warm-up"), bench.reason("warm-up")) == ("", "length")
    bench.submit("a", "def f(3x")
    bench.run()
    assert bench.end("a").timings.reused_tokens == len("|def f(3")


def test_a_broken_backend_is_the_callers_to_handle(make_bench):
    bench = make_bench(fake("fail_after=3"))
    bench.submit("a", WORDY, max_tokens=100)
    bench.submit("b", WORDY_TOO, max_tokens=100)
    bench.step(2)
    with pytest.raises(EngineError):
        bench.step()
    bench.scheduler.fail_all("The engine broke.")
    bench.check()
    assert bench.end("a") == bench.end("b") == Failed("The engine broke.")
    assert bench.backend.num_samplers == 0


def test_a_decode_that_breaks_half_way_leaves_nothing_unknown_in_the_cache(make_bench, monkeypatch):
    bench = make_bench()
    decode = bench.backend.decode

    def break_half_way(batch):
        decode(batch[: len(batch) // 2])
        raise EngineError("The fake model broke.")

    monkeypatch.setattr(bench.backend, "decode", break_half_way)
    bench.submit("a", WORDY)
    with pytest.raises(EngineError):
        bench.step()
    bench.scheduler.fail_all("The engine broke.")
    bench.check()


def test_a_cache_that_is_always_full_fails_everyone_with_a_sentence(make_bench):
    bench = make_bench(fake("full_after=4"))
    for name in "abc":
        bench.submit(name, name * 10, max_tokens=100)
    bench.run()
    for name in "abc":
        assert bench.end(name) == Failed("The model's cache is full. Raise engine.cache_tokens.")


def test_a_cache_that_is_full_once_costs_only_what_is_idle(make_bench, monkeypatch):
    bench = make_bench(num_sequences=2)
    bench.submit("old", WORDY)
    bench.submit("older", WORDY_TOO)
    bench.run()
    answers = iter([DecodeStatus.CACHE_FULL])
    decode = bench.backend.decode
    monkeypatch.setattr(bench.backend, "decode", lambda batch: next(answers, None) or decode(batch))
    bench.submit("new", "something new")
    bench.run()
    bench.assert_answered("new", "something new")


def test_a_cache_that_is_full_costs_the_guesses_before_the_requests(make_bench, monkeypatch):
    bench = make_bench(num_sequences=2)
    bench.warm_up("ahead", LONG)
    bench.step()
    bench.submit("typed", WORDY)
    bench.step()
    answers = iter([DecodeStatus.CACHE_FULL])
    decode = bench.backend.decode
    monkeypatch.setattr(bench.backend, "decode", lambda batch: next(answers, None) or decode(batch))
    bench.run()
    bench.assert_answered("typed", WORDY)


def test_samplers_are_given_back(make_bench):
    bench = make_bench()
    for name in "abc":
        bench.submit(name, name, max_tokens=20)
    bench.step()
    assert bench.backend.num_samplers == 3
    bench.scheduler.cancel("a")
    bench.run()
    assert bench.backend.num_samplers == 0


def test_the_dump_has_none_of_the_users_text(make_bench):
    bench = make_bench(num_sequences=1)
    bench.submit("a", "secret", document="secret.py", max_tokens=50)
    bench.submit("b", "secret")
    bench.step(3)
    dump = bench.scheduler.dump()
    assert "request a: inline, interactive, missing 1, 3/50 decoded" in dump
    assert "secret" not in dump
