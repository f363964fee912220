"""Which decode under way an arrival or a cancel may throw away: one that serves nobody once it is in."""

import pytest

from lsp_server.base.errors import EngineError
from lsp_server.engine.backends.fake import FakeBackend
from lsp_server.ipc.requests import Priority
from tests.engine.fakes import fake_options

ANCHOR = "x = compute(y)\n" * 20  # several slices of prefill
OTHER = "class A:\n    pass\n" * 20


class Watching:
    """Asks the scheduler a question while a decode is under way, as the other thread does."""

    def __init__(self, bench, monkeypatch) -> None:
        self.bench = bench
        self.answers: list[bool] = []
        self.question = lambda: False
        decode = bench.backend.decode

        def watched(batch):
            self.answers.append(self.question())
            return decode(batch)

        monkeypatch.setattr(bench.backend, "decode", watched)

    def ask(self, question) -> bool:
        """The answer during the next decode."""
        self.question = question
        self.bench.step()
        return self.answers[-1]

    def interrupts_for(self, text: str, **rest) -> bool:
        """Whether the next decode would be interrupted for such a request."""
        request, tokenized = self.bench.tokenize_request(text, **rest)
        return self.ask(lambda: self.bench.scheduler.should_interrupt_for(request, tokenized))

    def interrupts_to_cancel(self, request_id: str) -> bool:
        return self.ask(lambda: self.bench.scheduler.should_interrupt_to_cancel(request_id))


@pytest.fixture
def watching(make_bench, monkeypatch):
    return Watching(make_bench(), monkeypatch)


def test_an_unrelated_request_interrupts_a_detached_prefill(watching):
    bench = watching.bench
    bench.submit("old", ANCHOR, document="d")
    bench.step(2)
    bench.scheduler.cancel("old")
    assert watching.interrupts_for(OTHER, document="e")


@pytest.mark.parametrize("typed", ["", "typed"])
def test_a_request_with_the_same_anchor_does_not(watching, typed):
    bench = watching.bench
    bench.submit("old", ANCHOR, document="d")
    bench.step(2)
    bench.scheduler.cancel("old")
    assert not watching.interrupts_for(ANCHOR, document="d", typed=typed)


def test_prefill_that_the_newer_request_wants_too_is_not_interrupted(watching):
    watching.bench.submit("old", ANCHOR, document="d", typed="ty")
    for _ in range(3):
        assert not watching.interrupts_for(ANCHOR, document="d", typed="typ")


def test_prefill_of_another_anchor_of_the_document_is_interrupted(watching):
    watching.bench.submit("old", ANCHOR, document="d")
    assert watching.interrupts_for(OTHER, document="d")


def test_an_anchor_that_goes_on_from_the_one_under_way_wants_its_tokens(watching):
    watching.bench.submit("old", ANCHOR, document="d")
    assert not watching.interrupts_for(ANCHOR + OTHER, document="d")


def test_text_that_the_newer_request_does_not_want_is_interrupted(watching):
    watching.bench.submit("old", "abc9", document="d", max_tokens=100)
    watching.bench.step(3)
    assert watching.interrupts_for("abc9", document="d", typed="!")


def test_text_that_was_typed_as_it_is_being_written_is_not_interrupted(watching, reference):
    written = reference("abc9", 50)[0]
    watching.bench.submit("old", "abc9", document="d", max_tokens=100)
    watching.bench.step(3)
    assert not watching.interrupts_for("abc9", document="d", typed=written)


@pytest.mark.parametrize("other", [{"document": "e"}, {"document": "d", "kind": "menu"}, {"document": ""}])
def test_what_another_waits_for_is_not_interrupted(watching, other):
    watching.bench.submit("old", ANCHOR, document="d")
    assert not watching.interrupts_for(OTHER, **other)


def test_one_of_several_that_is_still_waited_for_is_reason_enough(watching):
    watching.bench.submit("old", "abc9", document="d", max_tokens=100)
    watching.bench.submit("other", "xyz9", document="e", max_tokens=100)
    watching.bench.step(2)
    assert not watching.interrupts_for(OTHER, document="d")
    watching.bench.scheduler.cancel("other")
    assert watching.interrupts_for(OTHER, document="d")


def test_the_more_urgent_interrupts_the_less_urgent(watching):
    watching.bench.warm_up("ahead", ANCHOR, document="e")
    assert watching.interrupts_for(OTHER, document="d")


def test_the_less_urgent_does_not_interrupt_the_more_urgent(watching):
    watching.bench.submit("typed", ANCHOR, document="d")
    assert not watching.interrupts_for(OTHER, document="e", priority=Priority.CHAT)


def test_a_person_who_wants_what_is_being_warmed_up_does_not_interrupt_it(watching):
    watching.bench.warm_up("ahead", ANCHOR, document="d")
    assert not watching.interrupts_for(ANCHOR, document="d", typed="x")


def test_a_cancel_interrupts_what_is_being_written(watching):
    watching.bench.submit("old", "abc9", max_tokens=100)
    watching.bench.step(2)
    assert watching.interrupts_to_cancel("old")
    assert not watching.interrupts_to_cancel("nobody")


def test_a_cancel_does_not_interrupt_the_prefill_of_an_anchor(watching):
    watching.bench.submit("old", ANCHOR)
    assert not watching.interrupts_to_cancel("old")


def test_a_request_interrupts_a_prefill_whose_cancel_is_on_its_way(watching):
    """Both arrive during one decode, so the worker has taken neither."""
    bench = watching.bench
    bench.submit("old", ANCHOR, document="d")
    request, tokenized = bench.tokenize_request(OTHER, document="e")

    def cancel_then_ask() -> bool:
        assert not bench.scheduler.should_interrupt_to_cancel("old")
        return bench.scheduler.should_interrupt_for(request, tokenized)

    assert watching.ask(cancel_then_ask)


def test_a_request_interrupts_a_prefill_whose_successor_is_on_its_way(watching):
    bench = watching.bench
    bench.submit("old", ANCHOR, document="d")
    successor, other = (
        bench.tokenize_request(ANCHOR, document="d", typed="t"),
        bench.tokenize_request(OTHER, document="e"),
    )

    def ask_twice() -> bool:
        assert not bench.scheduler.should_interrupt_for(*successor), "it wants the same tokens"
        return bench.scheduler.should_interrupt_for(*other)

    assert watching.ask(ask_twice)


def test_a_cancel_interrupts_the_prefill_of_typed_text(watching):
    watching.bench.answer("warm", ANCHOR, document="d")
    watching.bench.submit("old", ANCHOR, typed="t" * 200, document="d")
    assert watching.interrupts_to_cancel("old")


def test_a_cancel_does_not_interrupt_what_others_share(watching):
    for name in ("a", "b"):
        watching.bench.submit(name, name + "bc9", max_tokens=100)
    watching.bench.step(2)
    assert not watching.interrupts_to_cancel("a")


def test_when_nothing_is_under_way_nothing_is_interrupted(make_bench):
    bench = make_bench()
    bench.submit("old", ANCHOR, document="d")
    bench.step()
    assert not bench.scheduler.should_interrupt_for(*bench.tokenize_request(OTHER, document="d"))
    assert not bench.scheduler.should_interrupt_to_cancel("old")


def test_after_a_decode_that_broke_nothing_is_under_way(make_bench):
    bench = make_bench(FakeBackend(fake_options("fail_after=1")))
    bench.submit("old", "abc9", document="d")
    with pytest.raises(EngineError, match="told to fail"):
        bench.step()
    bench.scheduler.fail_all("The engine broke.")
    assert not bench.scheduler.should_interrupt_for(*bench.tokenize_request(OTHER, document="d"))
