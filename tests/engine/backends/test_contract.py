"""What every backend promises the scheduler, asked of the fake and of the real model."""

import math
import threading
import time

import pytest

from lsp_server.base.errors import PromptError
from lsp_server.engine.backends.base import DecodeStatus
from lsp_server.engine.backends.fake import FakeBackend
from lsp_server.engine.backends.llama.backend import LlamaBackend
from lsp_server.ipc.launch import EngineOptions
from lsp_server.ipc.requests import Sampling
from tests.engine.drive import GREEDY, entries, evaluate, prompt_of, sample, write
from tests.gguf.embedded import EMBEDDED

SMALL = {"context_tokens": 1024, "cache_tokens": 1536}
TEXTS = [
    "",
    "def add(a, b):\n    return a + b\n",
    "tabs\tand  spaces   \n\n\n",
    "\r\nline\r\nline\r\n",
    "naïve – 日本語 – 😀👩‍👩‍👧",
    "nul\x00byte",
    "<｜fim▁begin｜><|EOT|><｜end▁of▁sentence｜>",
]


@pytest.fixture(scope="module", params=["fake", "llama"])
def shared_backend(request, model_path):
    if request.param == "fake":
        backend = FakeBackend(EngineOptions(model_path="fake:decode_ms=1", backend="fake", **SMALL))
    else:
        backend = LlamaBackend(EngineOptions(model_path=str(model_path), threads=1, **SMALL))
    yield backend
    backend.close()


@pytest.fixture
def backend(shared_backend):
    """The same model for all tests, with an empty cache for each."""
    yield shared_backend
    shared_backend.interrupt(False)
    for sequence in range(shared_backend.num_sequences):
        shared_backend.truncate(sequence, 0)


def test_speed_is_told_where_there_is_one(backend):
    assert (backend.info.prefill_tokens_per_s > 0) == isinstance(backend, LlamaBackend)


@pytest.mark.parametrize("batch_tokens", [1, 32])
def test_small_batches_do(model_path, batch_tokens):
    backend = LlamaBackend(EngineOptions(model_path=str(model_path), threads=1, batch_tokens=batch_tokens, **SMALL))
    assert backend.info.prefill_tokens_per_s > 0
    assert backend.batch_tokens <= 32
    backend.close()


def test_a_batch_that_is_too_large_is_refused_before_anything_is_written(backend):
    too_many = [1] * (backend.batch_tokens + 1)
    with pytest.raises(AssertionError, match="more tokens than the batch has room for"):
        evaluate(backend, too_many)
    assert evaluate(backend, too_many[1:]) is DecodeStatus.OK


@pytest.mark.parametrize("text", TEXTS)
def test_pieces_of_tokens_are_the_text(backend, text):
    assert b"".join(map(backend.piece, backend.tokenize(text))) == text.encode()


@pytest.mark.parametrize("text", TEXTS)
def test_user_text_is_never_a_marker_or_an_end(backend, text):
    markers = {backend.marker(role) for role in ("begin", "prefix", "suffix", "middle")}
    assert not [token for token in backend.tokenize(text) if token in markers or backend.is_end(token)]


def test_a_templates_text_is_control_tokens_where_it_spells_them():
    backend = LlamaBackend(EngineOptions(model_path=str(EMBEDDED), threads=1, **SMALL))
    text = f"a{backend.info.markers['prefix']}b"
    assert backend.marker("prefix") in backend.tokenize_control(text)
    assert backend.marker("prefix") not in backend.tokenize(text)
    backend.close()


@pytest.mark.parametrize("text", ["\ud800", "a\udc00b", "\udfff\ud800 x"])
def test_lone_surrogates_become_tokens(backend, text):
    assert backend.tokenize(text)


def test_every_role_has_its_marker(backend):
    roles = ("begin", "prefix", "suffix", "middle")
    assert len({backend.marker(role) for role in roles}) == len(roles)
    assert set(backend.info.markers) >= set(roles)


def test_markers_are_not_text(backend):
    assert {backend.piece(backend.marker(role)) for role in ("begin", "prefix", "suffix", "middle")} == {b""}


def test_an_unknown_role_is_a_prompt_error(backend):
    with pytest.raises(PromptError, match="'spouse'"):
        backend.marker("spouse")


def test_the_cache_holds_at_least_one_window(backend):
    assert backend.info.cache_tokens >= backend.info.context_tokens


def test_greedy_text_is_the_same_every_time(backend):
    prompt = prompt_of(backend, "def add(a, b):\n    return ")
    first = write(backend, prompt, sequence=0)
    assert write(backend, prompt, sequence=1) == first


def test_a_seed_draws_the_same_every_time(backend):
    sampling = Sampling(temperature=0.8, seed=7)
    prompt = prompt_of(backend, "for ")
    first = write(backend, prompt, sequence=0, sampling=sampling)
    assert write(backend, prompt, sequence=1, sampling=sampling) == first


def test_decode_appends(backend):
    prompt = prompt_of(backend, "import os\nimport ")
    whole = write(backend, prompt, sequence=0)
    assert evaluate(backend, prompt[:5], sequence=1) is DecodeStatus.OK
    assert write(backend, prompt[5:], start=5, sequence=1) == whole


def test_a_truncated_sequence_goes_on_like_a_fresh_one(backend):
    kept = prompt_of(backend, "class A:\n    def ")[:6]
    other = backend.tokenize("something else")
    fresh = write(backend, kept + other, sequence=0)
    write(backend, prompt_of(backend, "class A:\n    def "), sequence=1)
    assert backend.truncate(1, len(kept))
    assert write(backend, other, start=len(kept), sequence=1) == fresh


def test_sequences_do_not_see_each_other(backend):
    left, right = prompt_of(backend, "x = "), prompt_of(backend, "class ")
    alone = write(backend, left, sequence=0)
    write(backend, right, sequence=1)
    backend.truncate(0, 0)
    assert write(backend, left, sequence=0) == alone


def test_two_sequences_in_one_batch_write_what_they_write_alone(backend):
    prompts = [prompt_of(backend, "def first(items):\n    return "), prompt_of(backend, "import ", "\nx = 1\n")]
    alone = [write(backend, prompt, sequence=2) for prompt in prompts if backend.truncate(2, 0)]
    together: list[list[int]] = [[], []]
    new, starts = prompts, [0, 0]
    while len(together[0]) < len(alone[0]):
        batches = [entries(new[i], starts[i], i) for i in (0, 1)]
        assert backend.decode(batches[0] + batches[1]) is DecodeStatus.OK
        starts = [starts[i] + len(new[i]) for i in (0, 1)]
        rows = [len(new[0]) - 1, len(new[0]) + len(new[1]) - 1]
        new = [[sample(backend, row, GREEDY)] for row in rows]
        together = [together[i] + new[i] for i in (0, 1)]
    assert together == alone


def test_an_interrupted_decode_leaves_nothing_behind_after_truncation(backend):
    prompt = prompt_of(backend, "x = [1, 2, 3]\ny = " * 20)
    expected = write(backend, prompt, sequence=0)
    assert evaluate(backend, prompt[:9], sequence=1) is DecodeStatus.OK
    backend.interrupt(True)
    assert evaluate(backend, prompt[9:], 9, sequence=1) is DecodeStatus.INTERRUPTED
    backend.interrupt(False)
    assert backend.truncate(1, 9)
    assert write(backend, prompt[9:], start=9, sequence=1) == expected


def test_an_interruption_takes_only_the_sequences_of_its_batch(backend):
    prompt = prompt_of(backend, "while ")
    expected = write(backend, prompt, sequence=0)
    assert evaluate(backend, prompt, sequence=1) is DecodeStatus.OK
    backend.interrupt(True)
    assert evaluate(backend, prompt, sequence=2) is DecodeStatus.INTERRUPTED
    backend.interrupt(False)
    backend.truncate(2, 0)
    assert write(backend, expected[:1], start=len(prompt), sequence=1, count=11) == expected[1:]


def test_another_thread_may_interrupt(backend):
    prompt = prompt_of(backend, "value = compute(value)\n" * 60)[: backend.batch_tokens]
    expected = write(backend, prompt, sequence=0)

    def interrupt() -> None:
        time.sleep(0.001)
        backend.interrupt(True)

    thread = threading.Thread(target=interrupt)
    thread.start()
    while evaluate(backend, prompt, sequence=1) is not DecodeStatus.INTERRUPTED:
        backend.truncate(1, 0)
    thread.join()
    backend.interrupt(False)
    backend.truncate(1, 0)
    assert write(backend, prompt, sequence=1) == expected


# Branches


def test_a_branch_writes_what_its_source_writes(backend):
    prompt = prompt_of(backend, "def add(a, b):\n    return ")
    expected = write(backend, prompt, sequence=0)
    backend.truncate(0, len(prompt) - 1)
    backend.fork(0, 1, len(prompt) - 1)
    assert write(backend, prompt[-1:], start=len(prompt) - 1, sequence=1) == expected
    assert write(backend, prompt[-1:], start=len(prompt) - 1, sequence=0) == expected


def test_a_branch_may_take_less_than_all(backend):
    kept = prompt_of(backend, "class A:\n    def ")[:6]
    other = backend.tokenize("something else")
    fresh = write(backend, kept + other, sequence=0)
    write(backend, prompt_of(backend, "class A:\n    def "), sequence=1)
    backend.fork(1, 2, len(kept))
    assert write(backend, other, start=len(kept), sequence=2) == fresh


@pytest.mark.parametrize("kept", [0, 3])
@pytest.mark.parametrize("changed", [0, 1])
def test_what_happens_to_one_does_not_touch_the_other(backend, kept, changed):
    prompt = prompt_of(backend, "import os\nimport ")
    expected = write(backend, prompt, sequence=0)
    backend.truncate(0, len(prompt))
    backend.fork(0, 1, len(prompt))
    assert backend.truncate(changed, kept)
    assert evaluate(backend, prompt_of(backend, "x = ")[:5], kept, changed) is DecodeStatus.OK
    rest = expected[:1]
    assert write(backend, rest, start=len(prompt), sequence=1 - changed, count=11) == expected[1:]


def test_branches_in_one_batch_write_what_they_write_alone(backend):
    prompt = prompt_of(backend, "for name in ")
    alone = [write(backend, [*prompt, *backend.tokenize(text)], sequence=i) for i, text in enumerate(("a", "z"))]
    for sequence in (0, 1):
        backend.truncate(sequence, 0)
    assert evaluate(backend, prompt, sequence=0) is DecodeStatus.OK
    backend.fork(0, 1, len(prompt))
    new = [backend.tokenize("a"), backend.tokenize("z")]
    assert [len(tokens) for tokens in new] == [1, 1]
    together: list[list[int]] = [[], []]
    while len(together[0]) < len(alone[0]):
        start = len(prompt) + len(together[0])
        assert backend.decode(entries(new[0], start, 0) + entries(new[1], start, 1)) is DecodeStatus.OK
        new = [[sample(backend, row)] for row in (0, 1)]
        together = [together[i] + new[i] for i in (0, 1)]
    assert together == alone


def test_an_interruption_of_a_branch_leaves_its_source_alone(backend):
    prompt = prompt_of(backend, "x = [1, 2, 3]\ny = " * 10)
    expected = write(backend, prompt, sequence=0)
    backend.truncate(0, len(prompt))
    backend.fork(0, 1, len(prompt))
    backend.interrupt(True)
    assert evaluate(backend, prompt[1:100], len(prompt), sequence=1) is DecodeStatus.INTERRUPTED
    backend.interrupt(False)
    assert backend.truncate(1, len(prompt))
    for sequence in (0, 1):
        assert write(backend, expected[:1], start=len(prompt), sequence=sequence, count=11) == expected[1:]


def fill(backend, count: int, sequence: int) -> None:
    """Evaluate as many tokens of text."""
    tokens = (backend.tokenize("value = compute(value)\n") * count)[:count]
    for start in range(0, count, backend.batch_tokens):
        part = tokens[start : start + backend.batch_tokens]
        assert evaluate(backend, part, start, sequence) is DecodeStatus.OK


def test_shared_cells_take_room_once(backend):
    count = backend.info.cache_tokens * 6 // 10
    fill(backend, count, 0)
    for sequence in (1, 2):
        backend.fork(0, sequence, count)
        assert evaluate(backend, backend.tokenize("x"), count, sequence) is DecodeStatus.OK


def test_a_full_cache_evaluates_nothing(backend):
    prompt = prompt_of(backend, "while ")
    expected = write(backend, prompt, sequence=0)
    backend.truncate(0, len(prompt))
    room = backend.info.cache_tokens - len(prompt)
    fill(backend, room - 5, 1)
    assert evaluate(backend, backend.tokenize("x = 1\ny = 2\nz = 3\n"), room - 5, 1) is DecodeStatus.CACHE_FULL
    backend.truncate(1, 0)
    assert write(backend, expected[:1], start=len(prompt), sequence=0, count=11) == expected[1:]


# Healing and probabilities


@pytest.mark.parametrize("text", [*TEXTS[1:], "x", " retu", "    "])
def test_every_beginning_of_a_token_begins_a_token(backend, text):
    for piece in map(backend.piece, backend.tokenize(text)):
        assert all(backend.begins_token(piece[:size]) for size in range(1, len(piece) + 1))


@pytest.mark.parametrize("text", [b"no token is as long as this", b"\n\xff\n", b"x\ny"])
def test_what_no_token_begins_with_is_told_apart(backend, text):
    assert not backend.begins_token(text)


@pytest.mark.parametrize("sampling", [GREEDY, Sampling(temperature=1.5, seed=5)], ids=["greedy", "drawn"])
@pytest.mark.parametrize("text", [*TEXTS[1:], "x", " retu", "    ", "é"])
def test_a_rest_is_spelt(backend, text, sampling):
    healing_bytes = text.encode()
    tokens = prompt_of(backend, "def f(x):\n")
    start = 0
    sampler = backend.new_sampler(sampling)
    while healing_bytes:
        assert evaluate(backend, tokens, start) is DecodeStatus.OK
        start += len(tokens)
        tokens = [backend.sample(sampler, len(tokens) - 1, healing_bytes)]
        piece = backend.piece(tokens[0])
        assert not backend.is_end(tokens[0])
        assert piece
        assert piece.startswith(healing_bytes) or healing_bytes.startswith(piece)
        healing_bytes = healing_bytes[len(piece) :]
    backend.free_sampler(sampler)


@pytest.mark.parametrize("healing_bytes", [b"", b" ", b"    "])
def test_what_must_be_visible_adds_no_white_space(backend, healing_bytes):
    tokens = prompt_of(backend, "def f(x):\n")
    assert evaluate(backend, tokens) is DecodeStatus.OK
    for seed in range(20):
        sampling = Sampling(temperature=2.0, top_p=1.0, seed=seed)
        token = sample(backend, len(tokens) - 1, sampling, healing_bytes, visible=True)
        assert not backend.piece(token)[len(healing_bytes) :][:1].isspace()


def test_a_logarithm_of_a_probability_is_one(backend):
    prompt = prompt_of(backend, "def f(x):\n    return ")
    assert evaluate(backend, prompt) is DecodeStatus.OK
    row = len(prompt) - 1
    for token in [sample(backend, row), *backend.tokenize("x = 1\n")]:
        logprob = backend.logprob(row, token)
        assert math.isfinite(logprob)
        assert logprob <= 0
        assert backend.logprob(row, token) == logprob
