"""Which memories can be rolled back: llama.cpp is asked, and what it says is so."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import llama_cpp
import numpy as np
import numpy.typing as npt
import pytest

from lsp_server.engine.backends.base import BatchToken
from lsp_server.engine.backends.llama.backend import LlamaBackend
from lsp_server.ipc.launch import EngineOptions
from tests.gguf import families

LENGTH, KEPT = 4 * families.SLIDING_WINDOW, 2 * families.SLIDING_WINDOW + 5


@pytest.fixture(scope="module")
def path(tmp_path_factory) -> Path:
    file = tmp_path_factory.mktemp("window") / "mellum2.gguf"
    return families.write(file, families.MINIATURES["mellum2"], np.random.default_rng(1))


@pytest.fixture
def backend(path: Path) -> Iterator[LlamaBackend]:
    opened = open_backend(path)
    yield opened
    opened.close()


def open_backend(path: Path) -> LlamaBackend:
    return LlamaBackend(EngineOptions(str(path), threads=1, cache_tokens=1024))


def run(backend: LlamaBackend, first: int, last: int, sequence: int = 0, shift: int = 0) -> npt.NDArray[np.float32]:
    """The logits behind the last of these tokens."""
    tokens = [
        BatchToken((37 * position + shift) % 250, position, sequence, wants_logits=position == last - 1)
        for position in range(first, last)
    ]
    backend.decode(tokens)
    return backend.logits(len(tokens) - 1).copy()


def test_a_window_as_large_as_the_cache_can_be_rolled_back(backend):
    assert llama_cpp.llama_model_n_swa(backend._model) == families.SLIDING_WINDOW
    assert backend.info.supports_rollback
    fresh = run(backend, 0, LENGTH)
    backend.truncate(0, 0)
    run(backend, 0, KEPT)
    run(backend, KEPT, LENGTH, shift=11)  # another text, which leaves again
    assert backend.truncate(0, KEPT)
    again = run(backend, KEPT, LENGTH)
    assert fresh.std() > 0.1, "the weights say something"
    np.testing.assert_allclose(again, fresh, atol=1e-2)


def test_it_is_forked_as_others_are_and_not_saved(backend):
    """llama.cpp saves the last window only, which could not be cut."""
    fresh = run(backend, 0, LENGTH)
    backend.fork(0, 1, KEPT)
    np.testing.assert_allclose(run(backend, KEPT, LENGTH, sequence=1), fresh, atol=1e-2)
    assert backend.info.parameters.host_cache_bytes == 0
    state = backend.save(0)
    assert backend.restore(2, state)
    assert llama_cpp.llama_memory_seq_pos_min(backend._memory, 2) > 0


@pytest.mark.parametrize(
    ("function", "with_window", "without"),
    [
        ("llama_memory_seq_rm", False, False),  # a recurrent memory
        ("llama_memory_can_shift", False, True),  # a window that holds only its own cells
    ],
)
def test_a_memory_that_cannot_is_not_taken_for_one_that_can(
    path, model_path, monkeypatch, function, with_window, without
):
    real = getattr(llama_cpp, function)

    def refuse(memory, *arguments):
        is_whole_sequence = len(arguments) == 3 and arguments[1] == 0
        return real(memory, *arguments) if is_whole_sequence else False

    monkeypatch.setattr(llama_cpp, function, refuse)
    for file, expected in ((path, with_window), (model_path, without)):
        backend = open_backend(file)
        assert backend.info.supports_rollback == expected
        backend.close()
