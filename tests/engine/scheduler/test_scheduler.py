"""What one request gets of the scheduler: its text, the cache's reuse, its end. A fake model, a clock moved by hand."""

import pytest

from lsp_server.engine.drafting.proposer import drafting_scheduler
from lsp_server.ipc.requests import Chunk
from tests.engine.fakes import Dictated, Forgetful, fake_options

LONG = "x = compute(y)\n" * 30  # several slices of prefill
WORDY, WORDY_TOO = "abc9", "xyz9"  # the fake model writes dozens of tokens after these


# Text


def test_the_fake_model_is_wordy_where_these_tests_need_it(reference):
    assert reference(WORDY, 50)[1] == reference(WORDY_TOO, 50)[1] == "length"


@pytest.mark.parametrize("text", ["a", "def f():\n    return ", "é😀\r\n", LONG])
@pytest.mark.parametrize("max_tokens", [1, 7, 100])
def test_the_text_is_what_the_model_writes(make_bench, text, max_tokens):
    bench = make_bench()
    bench.submit("a", text, max_tokens=max_tokens)
    bench.run()
    bench.assert_answered("a", text, max_tokens)


def test_the_text_does_not_depend_on_the_size_of_batches(make_bench):
    bench = make_bench(batch_tokens=3)
    bench.submit("a", LONG)
    bench.run()
    bench.assert_answered("a", LONG)


def test_an_answer_ends_with_the_model_or_with_its_length(make_bench):
    bench = make_bench()
    bench.submit("long", "some text", max_tokens=500)
    bench.submit("short", "some text", max_tokens=2)
    bench.run()
    assert bench.reason("long") == "end"
    assert bench.reason("short") == "length"
    assert bench.end("short").timings.decoded_tokens == 2


def test_characters_arrive_whole(make_bench):
    written = "é😀日本"
    bench = make_bench(Dictated(written.encode()))
    bench.submit("a", "x", max_tokens=100)
    bench.run()
    assert [event.text for event in bench.events["a"] if isinstance(event, Chunk)] == list(written)


def test_a_character_that_max_tokens_cuts_is_left_out(make_bench):
    bench = make_bench(Dictated("ab😀".encode()))
    bench.submit("a", "x", max_tokens=4)
    bench.run()
    assert (bench.text("a"), bench.reason("a")) == ("ab", "length")


def test_a_character_that_the_end_cuts_is_left_out(make_bench):
    bench = make_bench(Dictated(b"ab" + "😀".encode()[:2]))
    bench.submit("a", "x")
    bench.run()
    assert (bench.text("a"), bench.reason("a")) == ("ab", "end")


def test_waiting_to_be_taken_counts(make_bench):
    bench = make_bench()
    request, tokenized = bench.tokenize_request("x", max_tokens=1, deadline_ms=500)
    for request_id, waited in (("soon", 0.2), ("late", 0.6)):
        bench.events[request_id] = []
        bench.scheduler.submit(request_id, request, tokenized, bench.now - waited)
        bench.run()
    assert bench.reason("late") == "deadline"
    assert bench.end("soon").timings.queue_ms == pytest.approx(200)
    assert bench.end("soon").timings.first_token_ms >= 200


def test_what_arrives_before_a_decode_is_looked_at_first(make_bench):
    """A message that comes between the last look and the decode can interrupt neither: nothing is evaluated."""
    bench = make_bench()
    news = [True, False]
    bench.scheduler = drafting_scheduler(
        bench.backend, bench._emit, lambda: bench.now, has_pending_messages=lambda: news.pop(0)
    )
    bench.submit("a", "x", max_tokens=1)
    bench.step()
    assert bench.backend.num_decodes == 0
    assert bench.ended == []
    bench.step()
    assert bench.backend.num_decodes == 1
    assert bench.reason("a") == "length"


def test_bytes_that_are_no_text_do_no_harm(make_bench):
    bench = make_bench(Dictated(b"a\xffb"))
    bench.submit("a", "x")
    bench.run()
    assert bench.text("a") == "a\ufffdb"


# Reuse


def test_a_prompt_that_goes_on_from_the_last_one_reuses_it(make_bench):
    bench = make_bench()
    bench.submit("a", "def f(3", max_tokens=3)
    bench.run()
    bench.submit("b", "def f(3" + bench.text("a") + "more", max_tokens=5)
    bench.run()
    bench.assert_answered("b", "def f(3" + bench.text("a") + "more", 5)
    # All but the last token written, which was never evaluated.
    assert bench.end("b").timings.reused_tokens == len("|def f(3") + 3 - 1
    assert bench.end("b").timings.prompt_tokens == len("|def f(3") + 3 + len("more")


def test_of_the_same_prompt_all_but_the_last_token_is_reused(make_bench):
    bench = make_bench()
    for request_id in ("a", "b"):
        bench.submit(request_id, "the same")
        bench.run()
        bench.assert_answered(request_id, "the same")
    assert bench.end("a").timings.reused_tokens == 0
    assert bench.end("b").timings.reused_tokens == len("the same")


def test_typing_on_costs_what_was_typed(make_bench):
    bench = make_bench()
    anchor, typed = "def f(3):\n", "    x = compute(y)"
    for length in range(len(typed) + 1):
        bench.answer(f"{length}", anchor, typed=typed[:length], document="d", heal=False)
        bench.assert_answered(f"{length}", anchor + typed[:length])
    reused = [bench.reused(f"{length}") for length in range(len(typed) + 1)]
    prompts = [bench.end(f"{length}").timings.prompt_tokens for length in range(len(typed) + 1)]
    assert reused[0] == 0
    assert [prompt - had for prompt, had in zip(prompts, reused, strict=True)][1:] == [1] * len(typed)


def test_the_prefill_of_a_superseded_request_is_reused(make_bench):
    bench = make_bench()
    bench.submit("a", LONG, document="d")
    bench.step(2)
    bench.submit("b", LONG + "y", document="d")
    bench.run()
    bench.assert_answered("b", LONG + "y")
    assert bench.reused("b") > 100


def test_two_documents_typed_in_turn_keep_a_slot_each(make_bench):
    bench = make_bench()
    one, two = "import os\n" + "x = 1\n" * 10, "import os\n" + "class A: pass\n" * 5
    for turn in range(3):
        for document in (one, two):
            bench.submit(f"{document}{turn}", document + "." * turn, document=document)
            bench.run()
    for document in (one, two):
        assert bench.end(f"{document}2").timings.reused_tokens >= len(document)


# A model that cannot drop the end of a sequence


def test_a_model_that_forgets_nothing_by_halves_starts_afresh(make_bench):
    bench = make_bench(Forgetful(fake_options()))
    for request_id, text in [("a", "def f(x):"), ("b", "def f(y):")]:
        bench.answer(request_id, text)
        bench.assert_answered(request_id, text)
    assert bench.reused("b") == 0


def test_such_a_model_goes_on_where_nothing_must_be_dropped(make_bench):
    bench = make_bench(Forgetful(fake_options()))
    bench.answer("a", "def f(3", max_tokens=3)
    # What was written last was never evaluated; all that was is still wanted.
    bench.answer("b", "def f(3" + bench.text("a") + "more")
    bench.assert_answered("b", "def f(3" + bench.text("a") + "more")
    assert bench.reused("b") == len("|def f(3") + 3 - 1


def test_such_a_model_types_on_too(make_bench):
    bench = make_bench(Forgetful(fake_options()))
    for length in range(8):
        bench.answer(f"{length}", "anchor9", typed="typing "[:length], document="d", heal=False)
        bench.assert_answered(f"{length}", "anchor9" + "typing "[:length])


def test_an_interruption_costs_such_a_model_all_it_had(make_bench):
    bench = make_bench(Forgetful(fake_options()))
    bench.submit("a", LONG)
    bench.step(2)
    bench.interrupted_step()
    assert bench.slots[0].tokens == []
    bench.run()
    bench.assert_answered("a", LONG)


# Several at once, out of turn


def test_an_interrupted_batch_is_done_again(make_bench):
    bench = make_bench()
    bench.submit("a", LONG)
    bench.submit("b", WORDY_TOO)
    for interrupted in (True, False, True, True, False) * 3:
        bench.interrupted_step() if interrupted else bench.step()
    bench.run()
    bench.assert_answered("a", LONG)
    bench.assert_answered("b", WORDY_TOO)


# Superseding, cancelling, deadlines


def test_a_newer_request_for_the_document_supersedes(make_bench):
    bench = make_bench()
    bench.submit("old", WORDY, document="d")
    bench.step(2)
    bench.submit("new", "abcd", document="d")
    bench.run()
    assert bench.reason("old") == "superseded"
    bench.assert_answered("new", "abcd")


def test_a_waiting_request_is_superseded_too(make_bench):
    bench = make_bench(num_sequences=1)
    bench.submit("other", "x", max_tokens=50)
    bench.submit("old", WORDY, document="d")
    bench.step()
    bench.submit("new", "abcd", document="d")
    assert bench.reason("old") == "superseded"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"document": "d"}, {"document": "e"}),
        ({"document": "d", "kind": "inline"}, {"document": "d", "kind": "menu"}),
        ({"document": ""}, {"document": ""}),
    ],
)
def test_other_requests_are_not_superseded(make_bench, old, new):
    bench = make_bench()
    bench.submit("old", WORDY, **old)
    bench.submit("new", WORDY, **new)
    bench.run()
    bench.assert_answered("old", WORDY)
    bench.assert_answered("new", WORDY)


def test_cancel_before_the_first_step(make_bench):
    bench = make_bench()
    bench.submit("a", "x")
    bench.scheduler.cancel("a")
    assert bench.reason("a") == "cancelled"
    assert not bench.scheduler.has_work


def test_cancel_while_waiting(make_bench):
    bench = make_bench(num_sequences=1)
    bench.submit("runs", WORDY)
    bench.submit("waits", WORDY)
    bench.step()
    bench.scheduler.cancel("waits")
    bench.run()
    assert bench.events["waits"] == [bench.end("waits")]
    bench.assert_answered("runs", WORDY)


def test_cancel_in_prefill(make_bench):
    bench = make_bench()
    bench.submit("a", LONG)
    bench.step()
    bench.scheduler.cancel("a")
    bench.check()
    assert bench.events["a"] == [bench.end("a")]
    assert bench.reason("a") == "cancelled"
    bench.run()
    assert bench.events["a"] == [bench.end("a")], "what goes on for the cache's sake says nothing"


def test_cancel_in_decode(make_bench, reference):
    bench = make_bench()
    bench.submit("a", WORDY, max_tokens=100)
    bench.submit("b", WORDY_TOO)
    bench.step(3)
    bench.scheduler.cancel("a")
    bench.run()
    assert bench.reason("a") == "cancelled"
    assert reference(WORDY, 100)[0].startswith(bench.text("a"))
    bench.assert_answered("b", WORDY_TOO)


def test_cancel_what_has_ended_or_never_was(make_bench):
    bench = make_bench()
    bench.submit("a", "x")
    bench.run()
    bench.scheduler.cancel("a")
    bench.scheduler.cancel("nobody")
    assert bench.ended == ["a"]


def test_a_deadline_ends_a_running_request(make_bench):
    bench = make_bench()
    bench.submit("a", WORDY, max_tokens=100, deadline_ms=500)
    bench.step(2)
    bench.now += 0.5
    bench.step()
    assert bench.reason("a") == "deadline"


def test_a_deadline_ends_a_waiting_request(make_bench):
    bench = make_bench(num_sequences=1)
    bench.submit("runs", WORDY)
    bench.submit("waits", WORDY, deadline_ms=500)
    bench.step()
    bench.now += 0.6
    bench.step()
    assert bench.reason("waits") == "deadline"
    assert "runs" not in bench.ended


def test_before_its_deadline_a_request_runs(make_bench):
    bench = make_bench()
    bench.submit("a", WORDY, deadline_ms=500)
    bench.now += 0.49
    bench.run()
    bench.assert_answered("a", WORDY)
