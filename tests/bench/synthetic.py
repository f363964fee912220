"""A model of DeepSeek-Coder's shape and vocabulary with random weights, for measuring speed without its weights.

    python -m tests.bench.synthetic 1.3b OUT.gguf [--vocab PATH]

Tensor types are those that `llama-quantize … Q4_K_M` gives (llama.cpp, `src/llama-quant.cpp`), the vocabulary is the
real one: as many bytes are read and as many operations done per token as with the real model. What it writes is
nonsense, in ASCII and without end, so that every answer has the length that was asked for.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import numpy.typing as npt
from gguf import GGMLQuantizationType as Type

VOCABULARY_FILE = "vendor/llama.cpp/models/ggml-vocab-deepseek-coder.gguf"
MOSTLY_Q4_K_M = 15  # enum llama_ftype
NORMAL_TOKEN = 1  # enum llama_token_type
SEED = 1
# What a row that is no multiple of 256 values long falls back to: `tensor_type_fallback` of llama-quant.cpp.
FALLBACK = {Type.Q4_K: Type.Q5_0, Type.Q6_K: Type.Q8_0}

Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Shape:
    """Sizes of a model, from the `config.json` of deepseek-ai/deepseek-coder-*-base."""

    width: int
    layers: int
    heads: int
    key_value_heads: int
    feed_forward: int

    @property
    def key_value_width(self) -> int:
        return self.width // self.heads * self.key_value_heads


SHAPES = {
    "1.3b": Shape(2048, 24, 16, 16, 5504),
    "6.7b": Shape(4096, 32, 32, 32, 11008),
    "33b": Shape(7168, 62, 56, 8, 19200),
}


@dataclass(frozen=True, slots=True)
class Matrix:
    """A quantised tensor: `columns` values a row, of standard deviation `deviation` around zero."""

    name: str
    rows: int
    columns: int
    type: Type
    deviation: float


def has_more_bits(layer: int, layers: int) -> bool:
    """Whether Q4_K_M spends Q6_K on a layer's attn_v and ffn_down: `use_more_bits` of llama-quant.cpp."""
    return layer < layers // 8 or layer >= 7 * layers // 8 or (layer - layers // 8) % 3 == 2


def matrices(shape: Shape, num_tokens: int) -> Iterator[Matrix]:
    """Every matrix of the model. Deviations keep each layer's output as large as its input."""

    def matrix(name: str, rows: int, columns: int, wanted: Type = Type.Q4_K, gain: float = 1.0) -> Matrix:
        kind = wanted if columns % 256 == 0 else FALLBACK[wanted]
        return Matrix(f"{name}.weight", rows, columns, kind, gain * columns**-0.5)

    width, forward = shape.width, shape.feed_forward
    into_residual = (2 * shape.layers) ** -0.5
    yield matrix("token_embd", num_tokens, width, gain=width**0.5)
    for layer in range(shape.layers):
        block = f"blk.{layer}"
        better = Type.Q6_K if has_more_bits(layer, shape.layers) else Type.Q4_K
        yield matrix(f"{block}.attn_q", width, width)
        yield matrix(f"{block}.attn_k", shape.key_value_width, width)
        yield matrix(f"{block}.attn_v", shape.key_value_width, width, better)
        yield matrix(f"{block}.attn_output", width, width, gain=into_residual)
        yield matrix(f"{block}.ffn_gate", forward, width)
        yield matrix(f"{block}.ffn_up", forward, width)
        yield matrix(f"{block}.ffn_down", width, forward, better, gain=into_residual)
    yield matrix("output", num_tokens, width, Type.Q6_K)


def norms(shape: Shape) -> list[str]:
    """Every vector of the model."""
    blocks = [f"blk.{layer}.{kind}_norm.weight" for layer in range(shape.layers) for kind in ("attn", "ffn")]
    return [*blocks, "output_norm.weight"]


def random_blocks(matrix: Matrix, random: np.random.Generator) -> Bytes:
    """Rows of quantised blocks: random bytes, with scales that give the deviation. Layouts: `ggml-common.h`."""
    values, size = gguf.GGML_QUANT_SIZES[matrix.type]
    num_blocks = matrix.rows * matrix.columns // values
    blocks = np.frombuffer(random.bytes(num_blocks * size), dtype=np.uint8).reshape(num_blocks, size).copy()
    deviation = matrix.deviation
    if matrix.type is Type.Q4_K:  # d, dmin, 8 scales and 8 minima of 6 bits, all of them 33; quants 0 to 15
        scale = deviation / (33 * 4.61)
        blocks[:, 0:2], blocks[:, 2:4] = half(scale), half(scale * 7.5)
        blocks[:, 4:16] = [0xA1] * 8 + [0x11] * 4
    elif matrix.type is Type.Q6_K:  # quants -32 to 31, 16 scales of 8 bits, d
        blocks[:, 192:208] = 4
        blocks[:, 208:210] = half(deviation / (4 * 18.5))
    elif matrix.type is Type.Q5_0:  # d; quants -16 to 15
        blocks[:, 0:2] = half(deviation / 9.2)
    else:  # Q8_0: d; quants -128 to 127
        blocks[:, 0:2] = half(deviation / 73.9)
    return blocks.reshape(matrix.rows, -1)


def half(value: float) -> Bytes:
    """The bytes of a 16-bit float."""
    return np.frombuffer(np.float16(value).tobytes(), dtype=np.uint8)


def silence(output: Bytes, silent: npt.NDArray[np.bool_]) -> None:
    """Give tokens a logit of zero, which is never the greatest of thousands around zero. Output is Q6_K."""
    blocks = output.reshape(len(silent), -1, 210)
    blocks[silent, :, 208:210] = 0


def silent_tokens(vocabulary: dict[str, Any]) -> npt.NDArray[np.bool_]:
    """Control tokens, which would end an answer, and tokens outside of ASCII, which may be half a character."""
    plain = [text.replace("Ġ", " ").replace("Ċ", "\n").isascii() for text in vocabulary["tokenizer.ggml.tokens"]]
    normal = [kind == NORMAL_TOKEN for kind in vocabulary["tokenizer.ggml.token_type"]]
    return np.array([not (is_plain and is_normal) for is_plain, is_normal in zip(plain, normal, strict=True)])


def write(name: str, out: Path, vocab: Path) -> None:
    """Write the model `name` to `out`."""
    shape = SHAPES[name]
    writer = gguf.GGUFWriter(out, "llama")
    add_metadata(writer, name, shape)
    vocabulary = copy_vocabulary(writer, vocab)
    silent = silent_tokens(vocabulary)
    planned = list(matrices(shape, len(silent)))
    for each in planned:
        values, size = gguf.GGML_QUANT_SIZES[each.type]
        row_bytes = each.columns // values * size
        writer.add_tensor_info(
            each.name, (each.rows, row_bytes), np.dtype(np.uint8), each.rows * row_bytes, raw_dtype=each.type
        )
    ones = np.ones(shape.width, dtype=np.float32)
    for norm in norms(shape):
        writer.add_tensor_info(norm, ones.shape, ones.dtype, ones.nbytes)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    random = np.random.default_rng(SEED)
    for each in planned:
        blocks = random_blocks(each, random)
        if each.name == "output.weight":
            silence(blocks, silent)
        writer.write_tensor_data(blocks)
    for _ in norms(shape):
        writer.write_tensor_data(ones)
    writer.close()


def add_metadata(writer: gguf.GGUFWriter, name: str, shape: Shape) -> None:
    """What llama.cpp reads of a model besides its tensors and vocabulary."""
    writer.add_name(f"deepseek-coder-{name}-shape")
    writer.add_description("random weights in the shape of DeepSeek-Coder, for benchmarks")
    writer.add_block_count(shape.layers)
    writer.add_context_length(16384)
    writer.add_embedding_length(shape.width)
    writer.add_feed_forward_length(shape.feed_forward)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.key_value_heads)
    writer.add_rope_dimension_count(shape.width // shape.heads)
    writer.add_rope_freq_base(100000.0)
    writer.add_rope_scaling_type(gguf.RopeScalingType.LINEAR)
    writer.add_rope_scaling_factor(4.0)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_file_type(MOSTLY_Q4_K_M)


def copy_vocabulary(writer: gguf.GGUFWriter, vocab: Path) -> dict[str, Any]:
    """Copy the tokeniser's keys of another file; they are returned."""
    copied: dict[str, Any] = {}
    for key, field in gguf.GGUFReader(vocab).fields.items():
        if key.startswith("tokenizer."):
            copied[key] = field.contents()
            writer.add_key_value(key, copied[key], field.types[0], field.types[-1] if len(field.types) > 1 else None)
    writer.add_vocab_size(len(copied["tokenizer.ggml.tokens"]))
    return copied


def download_vocabulary(folder: Path) -> Path:
    """Take the vocabulary out of the source package of the llama-cpp-python that is installed."""
    package = "llama-cpp-python"
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--no-binary", package, "--dest", str(folder)]
    subprocess.run([*command, f"{package}=={version(package)}"], check=True)
    archive = next(folder.glob("*.tar.gz"))
    with tarfile.open(archive) as files:
        member = next(member for member in files if member.name.endswith(VOCABULARY_FILE))
        path = folder / "vocabulary.gguf"
        content = files.extractfile(member)
        assert content is not None, "a regular file"
        path.write_bytes(content.read())
    return path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shape", choices=SHAPES)
    parser.add_argument("out", type=Path, metavar="OUT.gguf")
    parser.add_argument(
        "--vocab", type=Path, metavar="PATH", help=f"llama.cpp's {Path(VOCABULARY_FILE).name}; default: downloaded"
    )
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="infill-vocabulary-") as folder:
        write(arguments.shape, arguments.out, arguments.vocab or download_vocabulary(Path(folder)))
    print(f"{arguments.out}: {arguments.out.stat().st_size / 1e6:,.0f} MB")


if __name__ == "__main__":
    main()
