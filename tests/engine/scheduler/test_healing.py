"""Text typed up to the middle of a token: the model finishes the token, and only what is new is emitted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsp_server.engine.drafting.proposer import drafting_scheduler
from lsp_server.engine.scheduler.tokenize import RequestTokenizer
from lsp_server.ipc.requests import Chunk, Marker, Sampling, Text
from tests.engine.conftest import Bench
from tests.engine.fakes import FIM, Scribe

WORDS = ["    ", "   ", " return", "return", " ret", "ret", " valu", "ues", "value", " values", "()", "(", "é", "\n"]
WISH = "    return values()  # é😀\n"


def scribe(wish: str = WISH) -> Scribe:
    return Scribe(WORDS, wish)


def answer(bench: Bench, typed: str, **rest) -> str:
    bench.answer(f"{len(bench.events)}", prompt=FIM, typed=typed, max_tokens=100, **rest)
    return bench.text(f"{len(bench.events) - 1}")


@pytest.mark.parametrize("typed", [WISH[:cut] for cut in range(len(WISH))])
def test_wherever_the_text_is_cut_the_rest_of_the_wish_comes(make_bench, typed):
    bench = make_bench(scribe())
    assert answer(bench, typed) == WISH[len(typed) :]


def test_the_text_begins_by_completing_the_token(make_bench):
    bench = make_bench(scribe("return"))
    assert answer(bench, "retu") == "rn"


def test_the_whole_token_is_written_where_the_text_had_its_beginning(make_bench):
    bench = make_bench(scribe("return values"))
    bench.answer("a", prompt=FIM, typed="retu", max_tokens=3)
    anchor = len(bench.tokenized["a"].anchor)
    assert [bench.backend.piece(token) for token in bench.slots[0].tokens[anchor:]] == [b"return", b" values"]
    assert bench.end("a").timings.prompt_tokens == anchor, "all that was typed was taken back"


def test_without_healing_the_text_stays_as_it_was_cut(make_bench):
    bench = make_bench(scribe("return values"))
    assert answer(bench, "retu", heal=False) == "rn values"
    pieces = [bench.backend.piece(token) for token in bench.slots[0].tokens]
    assert pieces[pieces.index(b"ret") :][:3] == [b"ret", b"u", b"r"]


def test_healing_may_take_several_steps(make_bench):
    """The model may write what was typed in tokens shorter than the one that was taken back."""
    bench = make_bench(Scribe(WORDS, "return", writes=["ret"]))
    bench.answer("a", prompt=FIM, typed="retur", max_tokens=100)
    assert bench.text("a") == "n"
    assert bench.end("a").timings.decoded_tokens == len(["ret", "u", "r", "n"])


def test_text_the_model_would_not_have_typed_stays(make_bench):
    bench = make_bench(scribe("values"))
    assert answer(bench, "return") == "", "the model has nothing to say to it"
    held = b"".join(map(bench.backend.piece, bench.slots[0].tokens))
    assert held.endswith(b"return")


def test_what_only_spells_the_typed_text_makes_no_chunk(make_bench):
    bench = make_bench(Scribe([], WISH))
    answer(bench, WISH[:-1])
    chunks = [event.text for event in bench.events["0"] if isinstance(event, Chunk)]
    assert chunks == ["\n"]


def test_a_cut_character_is_never_emitted_in_part(make_bench):
    bench = make_bench(Scribe([], "é😀 x"))
    for cut in range(4):
        assert answer(bench, "é😀 x"[:cut]) == "é😀 x"[cut:]


def test_a_fresh_prompt_that_ends_in_a_word_is_not_healed(make_bench):
    bench = make_bench(scribe("urn values"))
    prompt = (Marker("begin"), Marker("prefix"), Text("ret"), Marker("suffix"), Text("\n"), Marker("middle"))
    bench.answer("a", prompt=prompt, max_tokens=100)
    assert bench.text("a") == "urn values"
    assert bench.end("a").timings.prompt_tokens == len(bench.tokenized["a"].anchor)


def test_what_the_model_wrote_itself_is_not_taken_back(make_bench):
    bench = make_bench(scribe("return values()"))
    bench.answer("a", prompt=FIM, max_tokens=3)
    assert bench.text("a") == "return values()"
    anchor = len(bench.tokenized["a"].anchor)
    bench.answer("b", prompt=FIM, typed="return values", max_tokens=3)
    assert bench.text("b") == "()"
    assert bench.end("b").timings.prompt_tokens == anchor + 2


def test_an_interruption_in_the_middle_of_healing_does_no_harm(make_bench):
    bench = make_bench(Scribe([], "return values"))
    bench.submit("a", prompt=FIM, typed="return val", max_tokens=100)
    for interrupted in (True, False, True, False, True) * 3:
        bench.interrupted_step() if interrupted else bench.step()
    bench.run()
    assert bench.text("a") == "ues"


@pytest.mark.parametrize("typed", ["x", "xy"])
def test_text_with_nothing_before_it_is_not_taken_back_whole(make_bench, typed):
    bench = make_bench(num_sequences=1)
    bench.answer("before", "something else")
    bench.answer("a", prompt=(), typed=typed)
    assert bench.reason("a") in ("end", "length")
    assert bench.end("a").timings.decoded_tokens > 0


words = st.lists(st.text("ab", min_size=2, max_size=4), max_size=8, unique=True)


@given(words, words, st.text("ab", min_size=1, max_size=16), st.data())
def test_typed_and_emitted_text_are_the_wish_whatever_the_vocabulary(vocabulary, writes, wish, data):
    typed = wish[: data.draw(st.integers(0, len(wish) - 1))]
    bench = Bench(Scribe(vocabulary, wish, writes=[word for word in writes if word in vocabulary]))
    assert typed + answer(bench, typed) == wish
    again = wish[: data.draw(st.integers(0, len(wish) - 1))]
    assert again + answer(bench, again) == wish, "on what the first request left in the slot"


# The real model


def run(backend, parts, typed: str, **rest) -> tuple[str, bytes]:
    """The text for a prompt, and all bytes behind the anchor that are in the cache after it."""
    chunks: list[str] = []
    scheduler = drafting_scheduler(backend, lambda _, event: chunks.append(getattr(event, "text", "")))
    for sequence in range(backend.num_sequences):
        backend.truncate(sequence, 0)
    request = Bench.ask(prompt=parts, max_tokens=12, typed=typed, **rest)
    tokenized = RequestTokenizer(backend, backend.info.context_tokens).tokenize_request(request)
    scheduler.submit("a", request, tokenized)
    while scheduler.has_work:
        scheduler.step()
        scheduler.check_integrity()
    (tokens,) = [slot.tokens for slot in scheduler.cache.slots.slots if slot.tokens]
    return "".join(chunks), b"".join(map(backend.piece, tokens[len(tokenized.anchor) :]))


def fim(prefix: str, suffix: str) -> tuple:
    return (Marker("begin"), Marker("prefix"), Text(prefix), Marker("suffix"), Text(suffix), Marker("middle"))


CODE = "import os\n\n\ndef main(argument, count):\n    if not argument:\n"


@pytest.mark.parametrize(
    "line", ["        return os.path.join(argument)", "        raise ValueError(count)", "\té = 1"]
)
@pytest.mark.parametrize("sampling", [Sampling(), Sampling(temperature=1.0, seed=3)], ids=["greedy", "drawn"])
def test_the_real_model_goes_on_from_any_cut(llama, line, sampling):
    for cut in range(len(line) + 1):
        text, held = run(llama, fim(CODE, "    return count\n"), line[:cut], sampling=sampling)
        # The last token written is not in the cache.
        assert (line[:cut] + text).encode().startswith(held)
        assert held.startswith(line[:cut].encode())


def test_the_real_model_completes_the_word(llama):
    text, _ = run(llama, fim(CODE, "    return count\n"), "        retu")
    assert text.startswith("rn")


@pytest.mark.parametrize("indentation", [" ", "    ", "        ", "            ", "\t", "\t\t"])
@pytest.mark.parametrize("sampling", [Sampling(), Sampling(temperature=1.5, seed=5)], ids=["greedy", "drawn"])
def test_the_real_model_writes_behind_an_indentation_that_is_meant(llama, indentation, sampling):
    for above in ("", "x = 1\n"):
        typed = above + indentation
        text, held = run(llama, fim(CODE, "    return count\n"), typed, sampling=sampling, fixed_indent=True)
        assert text == text.lstrip()
        assert held.startswith(typed.encode())


def test_an_indentation_is_held_in_the_tokens_it_has_before_a_word(llama):
    """Greedily, a model that expects another depth would spell this one with pieces that never stand together."""
    _, held = run(llama, fim(CODE, "    return count\n"), " " * 12, fixed_indent=True)
    assert held.startswith(b" " * 12)
    assert not held[12:13].isspace()


def test_a_character_that_has_no_token_is_healed_by_its_bytes(llama):
    _, held = run(llama, fim("x = 1\n", "\n"), "# 😀")
    assert held.startswith("# 😀".encode())
