"""Typing comes first: what is less urgent gives way in the cache, and goes on later as if nothing had happened."""

import functools
import itertools

import pytest

from lsp_server.engine.backends.base import DecodeStatus
from lsp_server.engine.backends.fake import FakeBackend
from lsp_server.engine.scheduler.sequence import MAX_TYPING_TOKENS
from lsp_server.ipc.requests import Priority, Sampling
from tests.engine.fakes import Dictated, Forgetful, fake_options

WORDY, WORDY_TOO = "abc9", "xyz9"  # the fake model writes dozens of tokens after these
WINDOW = 1024
LESS_URGENT = {
    "chat": {"priority": Priority.CHAT},
    "alternative": {"priority": Priority.ALTERNATIVES},
    "long completion": {"priority": Priority.INTERACTIVE},
}
TYPED = "y = 1\n" * 100
QUESTION = "question " * 30


class Timed(FakeBackend):
    """Takes a tenth of a second for a batch, by the clock of a bench."""

    def decode(self, batch):
        self.bench.now += 0.1
        return super().decode(batch)


class Endless(Timed):
    """Never ends a text by itself, so that a test decides how long it is."""

    def is_end(self, token):
        return False

    def piece(self, token):
        return super().piece(token) or b"|"


def one_window(make_bench, kind: type[FakeBackend] = Endless, **options: int):
    """A bench whose cache is one context."""
    backend = kind(fake_options(**{"context_tokens": WINDOW, "cache_tokens": WINDOW} | options))
    backend.bench = bench = make_bench(backend)
    return bench


@functools.cache
def alone(make_bench, text: str, max_tokens: int, kind: type[FakeBackend] = Endless, **rest):
    """A bench on which a request ran undisturbed."""
    bench = one_window(make_bench, kind)
    bench.answer("a", text, max_tokens=max_tokens, **rest)
    return bench


def is_preempted(bench, name: str) -> bool:
    return f"request {name}: " in (dump := bench.scheduler.dump()) and ", preempted," in next(
        line for line in dump.splitlines() if f"request {name}: " in line
    )


def step_until(bench, condition) -> None:
    for _ in range(3000):
        if condition():
            return
        bench.step()
    pytest.fail(f"it never came to that:\n{bench.scheduler.dump()}")


@pytest.mark.parametrize("host_cache_bytes", [0, 1 << 20])
@pytest.mark.parametrize("other", LESS_URGENT.values(), ids=LESS_URGENT)
@pytest.mark.parametrize("num_written", [0, 1, 500])
def test_typing_waits_for_nothing_less_urgent(make_bench, other, host_cache_bytes, num_written):
    quiet = alone(make_bench, TYPED, 16).end("a").timings.first_token_ms
    bench = one_window(make_bench, host_cache_bytes=host_cache_bytes)
    bench.submit("long", QUESTION, max_tokens=700, **other)
    step_until(bench, lambda: len(bench.text("long")) >= num_written)
    bench.submit("typed", TYPED, max_tokens=16, document="d")
    bench.run()
    assert bench.ended == ["typed", "long"]
    assert bench.end("typed").timings.first_token_ms <= 2 * quiet
    assert bench.text("typed") == alone(make_bench, TYPED, 16).text("a")
    assert bench.text("long") == alone(make_bench, QUESTION, 700).text("a")
    assert bench.end("long").timings.decoded_tokens == 700


def test_there_is_room_for_both_until_the_cache_is_full(make_bench):
    bench = one_window(make_bench)
    bench.submit("chat", "question", max_tokens=400, priority=Priority.CHAT)
    bench.step(3)
    bench.answer("typed", "y = 1\n" * 50, max_tokens=16)
    timings = bench.end("chat").timings
    assert timings.decoded_tokens == 400
    assert bench.backend.num_decodes < 400 + 50, "nothing was evaluated twice"


def test_a_slot_is_given_up_as_cells_are(make_bench):
    bench = one_window(make_bench, num_sequences=1)
    bench.submit("chat", "question", max_tokens=300, priority=Priority.CHAT)
    bench.step(20)
    for number in range(3):
        bench.submit(f"typed {number}", WORDY + "x" * number, max_tokens=8)
        bench.step(4)
    assert is_preempted(bench, "chat")
    bench.run()
    assert bench.ended == ["typed 0", "typed 1", "typed 2", "chat"]
    assert bench.text("chat") == alone(make_bench, "question", 300).text("a")


@pytest.mark.parametrize("other", [{"priority": Priority.INTERACTIVE}, {"priority": Priority.CHAT}])
def test_equals_do_not_give_way(make_bench, other):
    bench = one_window(make_bench)
    for name in ("first", "second"):
        bench.submit(name, f"{name} question " * 10, max_tokens=MAX_TYPING_TOKENS, **other)
    bench.submit("third", TYPED, max_tokens=MAX_TYPING_TOKENS, **other)
    step_until(bench, lambda: bench.text("first"))
    assert not any(is_preempted(bench, name) for name in ("first", "second", "third"))
    bench.run()
    assert set(bench.ended) == {"first", "second", "third"}


def test_several_give_way_at_once_and_the_oldest_comes_back_first(make_bench):
    bench = one_window(make_bench)
    texts = {name: f"{name} " * 30 for name in ("old", "older", "alternative")}
    priorities = {"alternative": Priority.ALTERNATIVES}
    for name, text in texts.items():
        bench.submit(name, text, max_tokens=40, priority=priorities.get(name, Priority.CHAT))
    bench.step(30)
    for number in range(2):
        bench.submit(f"typed {number}", "xy"[number] * 450, max_tokens=16)
    step_until(bench, lambda: all(is_preempted(bench, name) for name in texts if name not in bench.ended))
    bench.run()
    assert set(bench.ended) == {*texts, "typed 0", "typed 1"}
    for name, text in texts.items():
        assert bench.text(name) == alone(make_bench, text, 40).text("a")


def preempted_chat(make_bench, backend: type[FakeBackend] = Endless, **rest):
    """A bench on which a chat was preempted while it was written, and a typed request runs."""
    bench = one_window(make_bench, backend)
    bench.submit("chat", QUESTION, **{"max_tokens": 300, "priority": Priority.CHAT} | rest)
    step_until(bench, lambda: bench.text("chat"))
    bench.submit("typed", "z" * 800, max_tokens=100)
    step_until(bench, lambda: is_preempted(bench, "chat"))
    return bench


def test_a_cancel_ends_what_was_preempted(make_bench):
    bench = preempted_chat(make_bench)
    bench.scheduler.cancel("chat")
    assert bench.reason("chat") == "cancelled"
    bench.run()
    assert bench.ended == ["chat", "typed"]
    assert bench.backend.num_samplers == 0


def test_a_deadline_ends_what_was_preempted(make_bench):
    bench = preempted_chat(make_bench, deadline_ms=1_000_000)
    bench.now += 2000
    bench.step()
    assert bench.reason("chat") == "deadline"


def test_what_was_preempted_is_superseded_as_anything_is(make_bench):
    bench = preempted_chat(make_bench, document="d", kind="chat")
    bench.submit("newer", "question", priority=Priority.CHAT, document="d", kind="chat")
    bench.run()
    assert bench.reason("chat") == "superseded"
    assert sorted(bench.ended) == ["chat", "newer", "typed"]


def test_what_was_preempted_fails_with_the_others(make_bench):
    bench = preempted_chat(make_bench)
    bench.scheduler.fail_all("The engine broke.")
    bench.check()
    assert sorted(bench.ended) == ["chat", "typed"]
    assert bench.backend.num_samplers == 0


def test_a_cancel_while_it_is_evaluated_again_leaves_the_books_right(make_bench):
    bench = preempted_chat(make_bench)
    step_until(bench, lambda: "typed" in bench.ended and not is_preempted(bench, "chat"))
    bench.scheduler.cancel("chat")
    bench.run()
    bench.answer("again", QUESTION)
    assert bench.text("again") == alone(make_bench, QUESTION, 8).text("a")


def test_the_sampler_goes_on_where_it_was(make_bench):
    """This one writes the same text whatever is in the cache: what it was told, from where its sampler is."""
    told = "".join(chr(0xE000 + number) for number in range(200))

    class Told(Dictated):
        def __init__(self, options):
            super().__init__(told.encode(), context_tokens=WINDOW, cache_tokens=WINDOW)

    bench = one_window(make_bench, Told)
    bench.submit("chat", QUESTION, max_tokens=700, priority=Priority.CHAT)
    for step in range(7):  # two thirds of the times, in the middle of a character
        step_until(bench, lambda step=step: len(bench.text("chat")) > step)
        bench.step(step % 3)
        bench.submit(f"typed {step}", "xyzuvw!"[step] * 1000, max_tokens=3)
        step_until(bench, lambda step=step: f"typed {step}" in bench.ended)
    bench.run()
    assert bench.text("chat") == told
    assert bench.reason("chat") == "end"


def test_healing_and_confidence_go_on_where_they_were(make_bench):
    rest = {"typed": "de", "max_tokens": 500, "logprobs": True, "sampling": Sampling(confidence=0.8)}
    quiet = alone(make_bench, QUESTION, **rest)
    bench = one_window(make_bench)
    bench.submit("chat", QUESTION, priority=Priority.CHAT, **rest)
    step_until(bench, lambda: bench.text("chat"))
    bench.submit("typed", "z" * 800, max_tokens=100)
    bench.run()
    written, undisturbed = (
        [(event.text, event.logprob) for event in events[1:-1]] for events in (bench.events["chat"], quiet.events["a"])
    )
    assert written == undisturbed
    assert bench.reason("chat") == quiet.reason("a") == "low_confidence"


def test_a_model_that_cannot_go_back_evaluates_all_again(make_bench):
    class EndlessForgetful(Endless, Forgetful):
        pass

    bench = preempted_chat(make_bench, EndlessForgetful)
    bench.run()
    assert bench.text("chat") == alone(make_bench, QUESTION, 300).text("a")


def test_a_cache_that_is_full_costs_the_less_urgent_only_time(make_bench, monkeypatch):
    bench = one_window(make_bench)
    bench.submit("chat", WORDY, max_tokens=100, priority=Priority.CHAT)
    bench.step(3)
    bench.submit("typed", WORDY_TOO, max_tokens=20)
    answers = iter([DecodeStatus.CACHE_FULL])
    decode = bench.backend.decode
    monkeypatch.setattr(bench.backend, "decode", lambda batch: next(answers, None) or decode(batch))
    bench.run()
    assert bench.ended == ["typed", "chat"]
    assert bench.text("chat") == alone(make_bench, WORDY, 100).text("a")


def test_who_is_preempted_comes_back_when_typing_pauses(make_bench):
    """Nothing of a chat is lost however often it is preempted, and it gets on in every pause."""
    bench = one_window(make_bench)
    bench.submit("chat", QUESTION, max_tokens=200, priority=Priority.CHAT)
    lengths = []
    for number in range(8):
        bench.step(20)
        lengths.append(len(bench.text("chat")))
        bench.submit(f"typed {number}", "z" * 900, typed="w" * number, max_tokens=5, document="d")
        step_until(bench, lambda number=number: f"typed {number}" in bench.ended)
    assert all(later > earlier for earlier, later in itertools.pairwise(lengths))
    bench.run()
    assert bench.text("chat") == alone(make_bench, QUESTION, 200).text("a")


# Who shares a batch


def test_nothing_less_urgent_is_written_while_typing_is_prefilled(make_bench):
    bench = one_window(make_bench, cache_tokens=2 * WINDOW)
    bench.submit("chat", "question", max_tokens=500, priority=Priority.CHAT)
    bench.step(5)
    written = bench.text("chat")
    bench.submit("typed", TYPED, max_tokens=16)
    step_until(bench, lambda: bench.text("typed"))
    assert bench.text("chat") == written


def test_a_long_prompt_waits_for_what_is_typed(make_bench):
    bench = one_window(make_bench, cache_tokens=2 * WINDOW)
    bench.submit("typed", WORDY, max_tokens=16)
    bench.step(2)
    bench.submit("chat", QUESTION, max_tokens=5, priority=Priority.CHAT)
    bench.run()
    assert bench.ended == ["typed", "chat"]
    assert bench.end("typed").timings.total_ms == pytest.approx(alone(make_bench, WORDY, 16).end("a").timings.total_ms)
