"""What the real model samples: the most probable of what may come, and probabilities that add up."""

import numpy as np
import pytest

from lsp_server.engine.backends.base import BatchToken, DecodeStatus
from lsp_server.ipc.requests import Sampling
from lsp_server.measure.corpus import library_lines
from tests.engine.drive import GREEDY, evaluate, prompt_of, sample

RESTS = [b"r", b"retu", b"    ", b"x", b"\n", b"\xf0\x9f", b"#"]


@pytest.fixture
def row(llama):
    """A row of logits: what follows a few lines of code."""
    prompt = prompt_of(llama, "import os\n\n\ndef f(x):\n    if not x:\n", "    return 1\n")
    llama.interrupt(False)
    llama.truncate(0, 0)
    assert evaluate(llama, prompt) is DecodeStatus.OK
    yield len(prompt) - 1
    llama.truncate(0, 0)


@pytest.fixture
def logprobs(llama, row) -> np.ndarray:
    return np.array([llama.logprob(row, token) for token in range(llama.vocabulary.num_tokens)])


def test_probabilities_add_up_to_one(logprobs):
    assert np.exp(logprobs).sum() == pytest.approx(1, abs=1e-4)


def test_greedy_is_the_most_probable(llama, row, logprobs):
    assert sample(llama, row) == logprobs.argmax()


def test_greedy_is_what_llama_cpp_takes(llama):
    """At every place of a text."""
    tokens = prompt_of(llama, "".join(library_lines()[:12]))
    assert (
        llama.decode([BatchToken(token, at, 0, wants_logits=True) for at, token in enumerate(tokens)])
        is DecodeStatus.OK
    )
    chain = llama.new_chain(GREEDY)
    assert len(tokens) > 100
    assert [sample(llama, row) for row in range(len(tokens))] == [
        llama.sample(chain, row) for row in range(len(tokens))
    ]
    llama.free_sampler(chain)
    llama.truncate(0, 0)


@pytest.mark.parametrize("healing_bytes", RESTS)
def test_greedy_with_a_rest_is_the_most_probable_of_those_that_agree(llama, row, logprobs, healing_bytes):
    agreeing = [
        token
        for token, piece in enumerate(map(llama.piece, range(len(logprobs))))
        if piece and not llama.is_end(token) and (piece.startswith(healing_bytes) or healing_bytes.startswith(piece))
    ]
    assert sorted(llama.vocabulary.agreeing_with(healing_bytes)) == agreeing
    assert sample(llama, row, GREEDY, healing_bytes) == max(agreeing, key=lambda token: logprobs[token])


@pytest.mark.parametrize("healing_bytes", [b"", *RESTS])
def test_what_must_be_visible_goes_on_with_no_white_space(llama, row, logprobs, healing_bytes):
    agreeing = llama.vocabulary.agreeing_with(healing_bytes).tolist() if healing_bytes else range(len(logprobs))
    visible = [token for token in agreeing if not llama.piece(token)[len(healing_bytes) :][:1].isspace()]
    assert sorted(llama.vocabulary.agreeing_with(healing_bytes, visible=True)) == sorted(visible)
    assert sample(llama, row, GREEDY, healing_bytes, visible=True) == max(visible, key=lambda token: logprobs[token])


@pytest.mark.parametrize("healing_bytes", RESTS)
def test_probabilities_among_those_that_agree_add_up_to_one(llama, row, logprobs, healing_bytes):
    agreeing = llama.vocabulary.agreeing_with(healing_bytes)
    among = np.array([llama.logprob(row, token, healing_bytes) for token in agreeing])
    assert np.exp(among).sum() == pytest.approx(1, abs=1e-4)
    assert np.ptp(among - logprobs[agreeing]) == pytest.approx(0, abs=1e-3), "and are to each other as they were"


@pytest.mark.parametrize("healing_bytes", RESTS)
def test_a_seed_draws_the_same_with_a_rest(llama, row, healing_bytes):
    sampling = Sampling(temperature=1.2, seed=11)
    assert sample(llama, row, sampling, healing_bytes) == sample(llama, row, sampling, healing_bytes)


def test_seeds_differ(llama, row):
    drawn = {sample(llama, row, Sampling(temperature=2.0, top_p=1.0, seed=seed), b" ") for seed in range(30)}
    assert len(drawn) > 1


def test_more_rests_than_are_remembered(llama):
    for number in range(1000):
        assert llama.vocabulary.agreeing_with(b"x%d" % number).size
    assert sorted(llama.vocabulary.agreeing_with(b"\n"))


def test_every_byte_can_be_spelt(llama):
    """Or else a rest could be left that nothing agrees with."""
    assert all(llama.vocabulary.agreeing_with(bytes([byte])).size for byte in range(256))
