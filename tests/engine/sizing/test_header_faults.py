"""GGUF headers that are damaged or hostile: each is one sentence, and costs little."""

from __future__ import annotations

import struct

import pytest

from lsp_server.base.errors import ModelFileError
from lsp_server.engine.sizing.model_file import read_shape
from tests.fuzz import headers
from tests.gguf.raw import ARRAY, STRING, Value, header

LLAMA = {
    "general.architecture": "llama",
    "llama.block_count": 2,
    "llama.embedding_length": 64,
    "llama.attention.head_count": 4,
    "llama.feed_forward_length": 128,
    "llama.context_length": 512,
}
EMBEDDING = ("token_embd.weight", (64, 10))
NESTED = b"".join(struct.pack("<IQ", ARRAY, 1) for _ in range(5000))


def shape_of(path, content: bytes):
    path.write_bytes(content)
    return read_shape(path)


def test_an_ordinary_header(tmp_path):
    shape = shape_of(tmp_path / "m.gguf", header(LLAMA.items(), [EMBEDDING]))
    assert (shape.num_layers, shape.width, shape.num_tokens, shape.trained_context_tokens) == (2, 64, 10, 512)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *(("general.alignment", value) for value in (0, "32", [32])),
        *(("llama.block_count", value) for value in ("two", [2], 1001, 600_000_000, 0xFFFFFFF0, 2**64 - 1)),
        *(("llama.embedding_length", value) for value in ([64], "64", 2**40)),
        *(("llama.attention.head_count", value) for value in ("4", 2**63, [2**63])),
        *(("llama.attention.key_length", value) for value in ("x", [16], 2**50)),
        *(("llama.feed_forward_length", value) for value in ("x", 2**60)),
        *(("llama.expert_used_count", value) for value in ("x", 2**60)),
        *(("llama.context_length", value) for value in ("x", [1], 2**63)),
        ("nested", Value(ARRAY, NESTED)),
        ("long", Value(STRING, struct.pack("<Q", 2**63))),
        ("of no type", Value(99, b"")),
        ("empty strings", Value(ARRAY, struct.pack("<IQ", STRING, 4_000_000) + bytes(8 * 4_000_000))),
        ("k" * 70_000, 1),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_value_that_no_model_has_is_a_damaged_file(tmp_path, key, value):
    with pytest.raises(ModelFileError, match="Download it again"):
        shape_of(tmp_path / "m.gguf", header((LLAMA | {key: value}).items(), [EMBEDDING]))


@pytest.mark.parametrize(
    "tensors",
    [[("token_embd.weight", ())], [("token_embd.weight", (1,) * 5)], [("token_embd.weight", (64, 2**62))]],
    ids=["no dimensions", "five dimensions", "more tokens than there are"],
)
def test_a_tensor_that_no_model_has_is_a_damaged_file(tmp_path, tensors):
    with pytest.raises(ModelFileError, match="Download it again"):
        shape_of(tmp_path / "m.gguf", header(LLAMA.items(), tensors))


@pytest.mark.parametrize("counts", [(0, 5000), (70_000, 0), (2**63, 0), (0, 2**63)], ids=str)
def test_more_entries_than_a_model_has_are_a_damaged_file(tmp_path, counts):
    content = b"GGUF" + struct.pack("<IQQ", 3, *counts) + bytes(5_000_000)
    with pytest.raises(ModelFileError, match="Download it again"):
        shape_of(tmp_path / "m.gguf", content)


def test_a_text_that_is_too_long_to_keep_is_left_out(tmp_path):
    path = tmp_path / "m.gguf"
    assert shape_of(path, header((LLAMA | {"general.name": "x" * (2 << 20)}).items(), [EMBEDDING])).name == ""


def test_mutated_headers_are_read_or_refused():
    assert list(headers.faults(1500, seed=26)) == []
