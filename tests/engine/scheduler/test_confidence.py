"""How sure the model is: an answer ends before it becomes a guess, and says how probable it is if asked."""

import math

import pytest

from lsp_server.ipc.requests import Chunk, Sampling
from tests.engine.fakes import FIM, Scribe

WORDS = ["return", " value", " + ", "other", "\n", "()"]
WISH = "return value + other()\nreturn other()"


def answered(make_bench, probabilities: dict[str, float], confidence: float = 0.0, **rest):
    backend = Scribe(WORDS, WISH)
    backend.logprobs = {word.encode(): math.log(probability) for word, probability in probabilities.items()}
    bench = make_bench(backend)
    bench.answer("a", prompt=FIM, max_tokens=100, sampling=Sampling(confidence=confidence), **rest)
    return bench


def test_without_a_threshold_nothing_is_too_improbable(make_bench):
    bench = answered(make_bench, dict.fromkeys(WORDS, 1e-6))
    assert (bench.text("a"), bench.reason("a")) == (WISH, "end")


def test_the_text_ends_before_the_token_that_makes_it_improbable(make_bench):
    bench = answered(make_bench, {" + ": 0.1}, confidence=0.3)
    assert (bench.text("a"), bench.reason("a")) == ("return value", "low_confidence")
    assert bench.end("a").timings.decoded_tokens == 2


def test_the_tokens_of_a_line_count_together(make_bench):
    bench = answered(make_bench, dict.fromkeys(("return", " value", " + ", "other"), 0.7), confidence=0.3)
    assert 0.7**3 > 0.3 > 0.7**4
    assert bench.text("a") == "return value + "


def test_a_line_break_clears_the_account(make_bench):
    bench = answered(make_bench, {"other": 0.4}, confidence=0.3)
    assert 0.4 > 0.3 > 0.4**2
    assert (bench.text("a"), bench.reason("a")) == (WISH, "end")


def test_the_line_break_itself_belongs_to_its_line(make_bench):
    bench = answered(make_bench, {"other": 0.5, "\n": 0.5}, confidence=0.3)
    assert bench.text("a") == "return value + other()"


def test_as_probable_as_asked_is_enough(make_bench):
    bench = answered(make_bench, {" + ": 0.5}, confidence=0.5)
    assert bench.reason("a") == "end"


def test_an_answer_may_be_unsure_from_the_start(make_bench):
    bench = answered(make_bench, {"return": 0.1}, confidence=0.5)
    assert (bench.text("a"), bench.reason("a")) == ("", "low_confidence")
    assert bench.end("a").timings.decoded_tokens == 0


def test_what_spells_the_typed_text_is_not_held_against_the_model(make_bench):
    bench = answered(make_bench, {"return": 0.01}, confidence=0.5, typed="retu")
    assert bench.text("a").startswith("rn value")


def test_how_a_word_goes_on_counts_among_those_that_go_on_from_what_was_typed(make_bench):
    backend = Scribe(WORDS, WISH)
    backend.healing_logprobs = {b"return": math.log(0.4)}
    bench = make_bench(backend)
    for request_id, confidence in (("a", 0.3), ("b", 0.5)):
        sampling = Sampling(confidence=confidence)
        bench.answer(request_id, prompt=FIM, typed="retu", max_tokens=100, sampling=sampling)
    assert bench.text("a").startswith("rn value")
    assert (bench.text("b"), bench.reason("b")) == ("", "low_confidence")


def test_the_sampler_and_the_slot_are_given_back(make_bench):
    bench = answered(make_bench, {" + ": 0.1}, confidence=0.3)
    assert bench.backend.num_samplers == 0
    assert not [slot for slot in bench.slots if slot.owner]


# Probabilities of chunks


def chunks(bench) -> dict[str, float | None]:
    return {event.text: event.logprob for event in bench.events["a"] if isinstance(event, Chunk)}


def test_chunks_say_nothing_of_probability_unless_asked(make_bench):
    assert set(chunks(answered(make_bench, {})).values()) == {None}
    assert set(chunks(answered(make_bench, {}, confidence=0.1)).values()) == {None}


def test_a_chunk_has_the_probability_of_its_tokens(make_bench):
    found = chunks(answered(make_bench, {" value": 0.5, "other": 0.25}, logprobs=True))
    assert found[" value"] == pytest.approx(math.log(0.5))
    assert found["other"] == pytest.approx(math.log(0.25))
    assert found[" + "] == 0


def test_a_character_of_several_tokens_has_the_probability_of_all(make_bench):
    backend = Scribe(WORDS, "x😀y")
    backend.logprobs = {byte.to_bytes(1): math.log(0.5) for byte in "😀".encode()}
    bench = make_bench(backend)
    bench.answer("a", prompt=FIM, max_tokens=100, logprobs=True)
    assert chunks(bench) == {"x": 0, "😀": pytest.approx(4 * math.log(0.5)), "y": 0}


def test_the_chunks_of_an_unsure_answer_do_not_count_the_token_left_out(make_bench):
    found = chunks(answered(make_bench, {" + ": 0.1, " value": 0.5}, confidence=0.3, logprobs=True))
    assert sum(found.values()) == pytest.approx(math.log(0.5))
