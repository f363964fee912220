"""The models that benchmarks are run on: llama.cpp loads them, and they write as much as they are asked."""

from __future__ import annotations

import pytest

from lsp_server.catalog.resolve import embedded_model
from lsp_server.engine.backends.llama.backend import LlamaBackend
from lsp_server.ipc.launch import EngineOptions
from tests.bench import synthetic
from tests.engine.drive import prompt_of, write

TINY = synthetic.Shape(width=256, layers=4, heads=4, key_value_heads=2, feed_forward=672)
NUM_TOKENS = 40


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """A model of a few layers, with rows that are no multiple of a block of 256 among them."""
    path = tmp_path_factory.mktemp("synthetic") / "tiny.gguf"
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(synthetic.SHAPES, "tiny", TINY)
        synthetic.write("tiny", path, embedded_model())
    backend = LlamaBackend(EngineOptions(str(path), threads=1))
    yield backend
    backend.close()


def test_it_has_the_shape_and_window_of_its_family(tiny):
    assert tiny.info.name == "deepseek-coder-tiny-shape"
    assert tiny.info.trained_context_tokens == 16384
    assert "Q4_K" in tiny.info.description
    assert tiny.info.markers["suffix"] == "<｜fim▁hole｜>"


def test_it_writes_without_end_in_ascii(tiny):
    written = write(tiny, prompt_of(tiny, "def area(width, height):\n"), count=NUM_TOKENS)
    assert not any(map(tiny.is_end, written))
    assert b"".join(map(tiny.piece, written)).isascii()


def test_every_layer_s_output_is_as_large_as_its_input(tiny):
    """Or else a deep one's logits would be nonsense: of all tokens, or of none."""
    tokens = prompt_of(tiny, "def area(width, height):\n")
    writes = {tuple(write(tiny, [*tokens, end], count=4, sequence=0)) for end in tokens[2:6] if tiny.truncate(0, 0)}
    assert len(writes) > 1, "what it writes depends on what it read"
