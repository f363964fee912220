"""Drafts in batches: what is guessed right is written at once, what is guessed wrong leaves no trace."""

import random

import pytest

from lsp_server.engine.scheduler.batches import Guess
from lsp_server.ipc.requests import Chunk, Priority, Sampling
from tests.engine.fakes import FIM, Clairvoyant, Forgetful, Scribe, fake_options

TEXT = "x" * 10
LONG = 40


def clairvoyant(odds: float = 1.0) -> Clairvoyant:
    return Clairvoyant(odds, random.Random(1))


def long_text(reference) -> str:
    """A prompt that much is written after."""
    return next(text for number in range(1000) if len(reference(text := f"{TEXT}{number}", LONG)[0]) == LONG)


@pytest.mark.parametrize("odds", [0.0, 0.5, 1.0])
def test_the_text_is_the_same(make_bench, reference, odds):
    bench = make_bench(guesses=clairvoyant(odds))
    text = long_text(reference)
    timings = bench.answer("a", text, max_tokens=LONG).timings
    bench.assert_answered("a", text, LONG)
    assert timings.drafted_tokens >= timings.accepted_tokens
    assert (timings.accepted_tokens > 0) == (odds > 0)
    assert timings.decoded_tokens == LONG


def test_what_is_guessed_right_saves_decodes(make_bench, reference):
    bench = make_bench(guesses=clairvoyant())
    bench.answer("a", long_text(reference), max_tokens=LONG)
    assert bench.backend.num_decodes < LONG / 2


class Slow:
    """Has no guess, and takes its time to say so."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.bench = None
        self.num_asked = 0

    def guess(self, _):
        self.bench.now += self.seconds
        self.num_asked += 1

    def ended(self, _):
        pass


@pytest.mark.parametrize(("seconds", "least", "most"), [(0.0, LONG - 2, LONG), (1000.0, 1, 3)])
def test_where_to_look_for_guesses_takes_long_they_are_looked_for_rarely(make_bench, reference, seconds, least, most):
    source = Slow(seconds)
    source.bench = bench = make_bench(guesses=source)
    bench.answer("a", long_text(reference), max_tokens=LONG)
    assert least <= source.num_asked <= most


def test_every_chunk_says_how_many_guesses_were_right_so_far(make_bench, reference):
    bench = make_bench(guesses=clairvoyant(0.7))
    timings = bench.answer("a", long_text(reference), max_tokens=LONG).timings
    chunks = [event for event in bench.events["a"] if isinstance(event, Chunk)]
    assert len(chunks) == LONG
    counts = [(chunk.drafted_tokens, chunk.accepted_tokens) for chunk in chunks]
    assert counts == sorted(counts)
    assert counts[-1] == (timings.drafted_tokens, timings.accepted_tokens)


def test_several_texts_are_guessed_in_one_batch(make_bench, reference):
    bench = make_bench(guesses=clairvoyant(0.8))
    text = long_text(reference)
    for name in "abc":
        bench.submit(name, text, max_tokens=LONG, priority=Priority.ALTERNATIVES)
    bench.run()
    for name in "abc":
        bench.assert_answered(name, text, LONG)
        assert bench.end(name).timings.accepted_tokens


def test_nothing_is_guessed_beside_a_prefill(make_bench, reference):
    bench = make_bench(guesses=clairvoyant(), batch_tokens=8)
    bench.submit("a", long_text(reference), max_tokens=LONG)
    while not bench.events["a"]:
        bench.step()
    drafted = bench.scheduler._open["a"].timings.drafted_tokens
    bench.submit("b", "y" * 30)
    while not bench.events["b"]:
        bench.step()
        assert bench.scheduler._open["a"].timings.drafted_tokens == drafted
    bench.run()
    assert bench.end("a").timings.drafted_tokens > drafted


def test_no_more_is_guessed_than_may_be_written(make_bench, reference):
    bench = make_bench(guesses=clairvoyant(), context_tokens=64, cache_tokens=64, num_sequences=1)
    text = long_text(reference)
    for max_tokens in range(1, 9):
        timings = bench.answer(f"a{max_tokens}", text, max_tokens=max_tokens).timings
        assert timings.decoded_tokens == max_tokens
        assert timings.drafted_tokens == timings.accepted_tokens < max_tokens


def test_nothing_is_evicted_for_a_guess(make_bench, reference):
    text = long_text(reference)
    room = len(text) + 1 + LONG
    bench = make_bench(guesses=clairvoyant(0.0), context_tokens=room, cache_tokens=room + 12)
    bench.answer("other", "y" * 10, max_tokens=1)
    bench.answer("a", text, max_tokens=LONG)
    assert bench.end("a").timings.drafted_tokens
    assert any("yyy" in content for content in bench.contents)


@pytest.mark.parametrize("stop_after", range(1, 12))
def test_a_cancel_at_any_moment_leaves_nothing_wrong(make_bench, reference, stop_after):
    bench = make_bench(guesses=clairvoyant(0.6))
    text = long_text(reference)
    bench.submit("a", text, max_tokens=LONG)
    bench.step(stop_after)
    bench.interrupted_step()
    bench.scheduler.cancel("a")
    bench.check()
    bench.answer("b", text, max_tokens=LONG)
    bench.assert_answered("b", text, LONG)


def test_the_same_is_drawn_by_chance(make_bench):
    """What is drawn depends on how often was drawn before: never for a guess that comes after a wrong one."""

    class Gambler(Scribe):
        def new_sampler(self, sampling):
            super().new_sampler(sampling)
            return random.Random(sampling.seed)

        def sample(self, sampler, row, healing_bytes=b"", *, visible=False):
            return healing_bytes[0] if healing_bytes else sampler.choice(b"ab")

    class Hopeful:
        def guess(self, run):
            return Guess(b"abab", "any")

        def ended(self, run):
            pass

    texts = []
    for drafts in (True, False):
        backend = Gambler([], "", drafts=drafts)
        bench = make_bench(backend, Hopeful())
        bench.answer("a", prompt=FIM, max_tokens=LONG, sampling=Sampling(temperature=1.0, seed=3))
        texts.append(bench.text("a"))
        assert bool(bench.end("a").timings.accepted_tokens) is drafts
    assert texts[0] == texts[1]
    assert len(texts[0]) == LONG


def test_the_account_of_a_line_is_that_of_the_tokens_written(make_bench):
    class Certain:
        def guess(self, run):
            return Guess(backend.tokenize(" value + other()"), "any")

        def ended(self, run):
            pass

    words = ["return", " value", " + ", "other", "()"]
    backend = Scribe(words, "return value + other()")
    backend.logprobs = {b" + ": -2.0}
    bench = make_bench(backend, Certain())
    bench.answer("a", prompt=FIM, max_tokens=9, sampling=Sampling(confidence=0.3))
    assert (bench.text("a"), bench.reason("a")) == ("return value", "low_confidence")
    bench.answer("b", prompt=FIM, max_tokens=9, logprobs=True)
    chunks = [event for event in bench.events["b"] if isinstance(event, Chunk)]
    assert [chunk.logprob for chunk in chunks] == [0.0, 0.0, -2.0, 0.0, 0.0]
    assert bench.end("b").timings.accepted_tokens == 4


@pytest.mark.parametrize("backend", [Forgetful(fake_options()), None])
def test_none_where_they_cannot_be_forgotten_or_are_switched_off(make_bench, reference, backend):
    source = clairvoyant()
    bench = make_bench(backend, source) if backend else make_bench(guesses=source, drafts=False)
    text = long_text(reference)
    assert bench.answer("a", text, max_tokens=LONG).timings.drafted_tokens == 0
    bench.assert_answered("a", text, LONG)
    assert source.num_ended == 0


def test_what_was_written_before_is_guessed(make_bench, reference):
    """The real source: the same request again finds its answer."""
    bench = make_bench()
    text = long_text(reference)
    bench.answer("a", text, max_tokens=LONG, document="d")
    timings = bench.answer("b", text, max_tokens=LONG, document="d").timings
    bench.assert_answered("b", text, LONG)
    assert timings.accepted_tokens > LONG / 2
