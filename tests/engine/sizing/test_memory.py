"""Memory is predicted within a tenth of what is used, of models of several shapes, each in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import gguf
import msgspec
import pytest

from lsp_server.base.errors import ModelFileError
from lsp_server.engine.sizing.gguf import Header, read_header
from lsp_server.engine.sizing.hardware import detect_machine
from lsp_server.engine.sizing.memory import repacked_types, shape_of
from lsp_server.engine.sizing.parameters import Sizing
from lsp_server.ipc.launch import EngineOptions
from tests.gguf.writer import Shape, Type, write

ROOT = Path(__file__).parents[3]
MIB = 1 << 20
TOLERANCE = 0.1
# Of resident memory there is also the vocabulary's tables, the code, and numpy's arrays.
BESIDES_BYTES = 12 * MIB
SHAPES = {
    "multi-head, as DeepSeek-Coder": Shape(),
    "grouped-query, as Qwen": Shape(key_value_heads=2, tied=True),
    "multi-query, as DeepSeek-Coder 5.7B": Shape(key_value_heads=1, feed_forward=4096, num_tokens=8192),
    "heads differ by layer": Shape(architecture="deci", key_value_heads=(8, 4, 2, 1)),
    "heads wider than the model": Shape(key_length=128),
    "quantised as most are": Shape(width=1024, heads=16, key_value_heads=16, layers=2, weights=Type.Q4_K),
}  # fmt: skip


def measure(path: Path, limit_mebibytes: int = 0, **options: Any) -> dict[str, Any]:
    """What `measure_memory.py` says of a model, or raises if it died."""
    wanted = EngineOptions(str(path), threads=1, **options)
    command = [sys.executable, "-m", "tests.engine.sizing.measure_memory", msgspec.json.encode(wanted).decode()]
    found = subprocess.run([*command, str(limit_mebibytes)], capture_output=True, text=True, check=False, cwd=ROOT)
    assert found.returncode == 0, found.stderr
    return json.loads(found.stdout)


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")

    def model(name: str) -> Path:
        path = folder / f"{list(SHAPES).index(name)}.gguf"
        return path if path.exists() else write(path, SHAPES[name])

    return model


def assert_predicted(found: dict[str, Any]) -> None:
    used = found["used"]
    for part, predicted in (
        ("model", found["total"] - found["cache"] - used["compute"] - used["output"]),
        ("KV", found["cache"]),
    ):
        assert used[part] == pytest.approx(predicted, rel=TOLERANCE), part
    assert sum(used.values()) == pytest.approx(found["total"], rel=TOLERANCE)
    # A page becomes resident when it is first used, and of the compute buffer one prompt uses a part.
    least, most = found["total"] - used["compute"] - used["output"], found["total"] + BESIDES_BYTES
    assert (1 - TOLERANCE) * least <= found["grown"] <= (1 + TOLERANCE) * most


@pytest.mark.parametrize("name", SHAPES)
def test_what_llama_cpp_allocates_and_what_becomes_resident_is_predicted(models, name):
    assert_predicted(measure(models(name), cache_tokens=4096))


def test_a_quantised_cache_and_long_batches_are_predicted(models):
    name = "grouped-query, as Qwen"
    found = measure(models(name), cache_tokens=16384, cache_type="q8_0", physical_batch_tokens=512)
    assert_predicted(found)
    assert found["parameters"]["cache_type"] == "q8_0"


def test_scores_of_attention_that_is_not_flash_attention_are_predicted(models):
    name = "heads differ by layer"
    assert_predicted(measure(models(name), cache_tokens=4096, flash_attention=False))


def test_the_embedded_model_is_predicted(model_path):
    assert_predicted(measure(model_path))


def test_latent_attention_keeps_no_values():
    metadata = {"general.architecture": "deepseek2"} | {
        f"deepseek2.{key}": value
        for key, value in {
            "block_count": 27, "embedding_length": 2048, "attention.head_count": 16, "attention.head_count_kv": 1,
            "attention.key_length": 576, "attention.value_length": 512, "attention.key_length_mla": 192,
        }.items()
    }  # fmt: skip
    assert shape_of(Header(metadata, ())).cache_token_bytes("f16") == 27 * 576 * 2


@pytest.mark.parametrize(
    ("system", "is_copied"),
    [
        ("CPU : AVX2 = 1 | REPACK = 1 |", {"Q4_K": True, "Q6_K": False, "Q8_0": False}),
        ("CPU : NEON = 1 | DOTPROD = 1 | REPACK = 1 |", {"Q4_K": True, "Q6_K": True, "Q8_0": True}),
        ("CPU : AVX2 = 1 | REPACK = 0 |", {"Q4_K": False}),
        ("CPU : SSE3 = 1 | REPACK = 1 |", {"Q4_K": False}),
    ],
)
def test_which_types_a_cpu_copies(system, is_copied):
    types = repacked_types(system)
    assert {name: Type[name].value in types for name in is_copied} == is_copied


def test_a_header_says_what_gguf_s_own_reader_says(models):

    path = models("heads differ by layer")
    theirs, ours = gguf.GGUFReader(path), read_header(path)
    assert [(each.name, each.dimensions, each.num_bytes, each.type) for each in ours.tensors] == [
        (each.name, tuple(map(int, each.shape)), each.n_bytes, each.tensor_type.value) for each in theirs.tensors
    ]
    for key, value in ours.metadata.items():
        contents = theirs.fields[key].contents()
        assert (list(value) if isinstance(value, tuple) else value) == pytest.approx(contents), key
    assert "tokenizer.ggml.tokens" not in ours.metadata, "long, and of no use here"


def test_a_model_in_parts_is_read_as_one(models, tmp_path):
    content = models("heads differ by layer").read_bytes()
    for number in (1, 2):
        (tmp_path / f"model-0000{number}-of-00002.gguf").write_bytes(content)
    one = read_header(models("heads differ by layer"))
    assert len(read_header(tmp_path / "model-00001-of-00002.gguf").tensors) == 2 * len(one.tensors)


@pytest.mark.parametrize("length", [1500, 5000, 20_000, 100_000])
def test_a_header_that_is_cut_short_is_refused(model_path, tmp_path, length):
    path = tmp_path / "cut.gguf"
    path.write_bytes(model_path.read_bytes()[:length])
    with pytest.raises(ModelFileError, match="Download it again"):
        read_header(path)


# Where memory cannot be had


@pytest.mark.skipif(sys.platform == "win32", reason="a process's memory is limited by resource.setrlimit")
def test_a_cache_that_cannot_be_allocated_becomes_smaller_and_that_is_told(models):
    """The machine has the memory and the process may not have it: only trying tells."""
    name = "multi-head, as DeepSeek-Coder"
    found = measure(models(name), limit_mebibytes=450, cache_tokens=1 << 17)
    assert found["parameters"]["cache_type"] == "q8_0"
    assert 4096 <= found["parameters"]["cache_tokens"] < 1 << 17
    notes = " ".join(found["notes"])
    assert "not enough memory for the cache" in notes
    assert_predicted(found)


@pytest.mark.skipif(sys.platform == "win32", reason="a process's memory is limited by resource.setrlimit")
def test_a_model_whose_smallest_cache_has_no_room_is_refused_with_what_to_do(tmp_path):
    """Half a mebibyte a token even in q8_0, which is what the weights of this shape are not."""
    shape = Shape(width=64, layers=64, feed_forward=64, num_tokens=8192, key_length=512)
    path = write(tmp_path / "cached.gguf", shape)
    with pytest.raises(AssertionError, match=r"ModelTooLargeError: There is not enough memory .* smaller model"):
        measure(path, limit_mebibytes=250)


def test_a_cache_beyond_the_machine_s_memory_is_not_even_tried(models, tmp_path):
    """Where memory is promised freely, filling it would end in the process being killed."""
    wide = Shape(width=1024, heads=8, key_value_heads=8, layers=24, feed_forward=32, num_tokens=1024, weights=Type.F16)

    shape = shape_of(read_header(write(tmp_path / "wide.gguf", wide)))
    sizing = Sizing(EngineOptions("wide.gguf", cache_tokens=1 << 22), shape, detect_machine())
    chosen = sizing.choose()
    assert chosen.cache_tokens < 1 << 22
    assert sizing.notes(chosen)


# Positions


def test_a_window_beyond_training_is_refused_and_the_scaling_of_positions_left_alone(tmp_path):
    """As in DeepSeek-Coder's files: trained for 16,384 tokens with a linear factor of 4."""
    path = write(tmp_path / "scaled.gguf", Shape(rope_factor=4.0, layers=1, key_value_heads=1, num_tokens=8192))
    found = measure(path, context_tokens=1 << 16)
    assert found["parameters"]["context_tokens"] == found["trained_context_tokens"] == 16384
    assert "trained for 16384 tokens" in found["notes"][0]
    positions = "\n".join(found["positions"])
    assert "rope scaling          = linear" in positions
    assert positions.count("= 0.25") == 2, "of the file, and of the context"
