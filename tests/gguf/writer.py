"""Models of any shape that llama.cpp loads, small and all zeros, with the embedded model's vocabulary."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import gguf
import numpy as np
from gguf import GGMLQuantizationType as Type

from tests.gguf.embedded import EMBEDDED


@dataclass(frozen=True, slots=True)
class Shape:
    """Sizes of a model. `tied` shares one matrix between input and output; `rope_factor` 0: no scaling is named."""

    architecture: str = "llama"
    width: int = 512
    layers: int = 4
    heads: int = 8
    key_value_heads: int | tuple[int, ...] = 8
    feed_forward: int = 1536
    num_tokens: int = 32256
    weights: Type = Type.Q8_0
    context_tokens: int = 16384
    tied: bool = False
    key_length: int = 0
    rope_factor: float = 0.0

    def key_value_width(self, layer: int) -> int:
        heads = self.key_value_heads
        heads = heads if isinstance(heads, int) else heads[layer]
        return heads * (self.key_length or self.width // self.heads)


def matrices(shape: Shape) -> Iterator[tuple[str, int, int]]:
    """Name, rows and columns of every matrix."""
    width, forward = shape.width, shape.feed_forward
    query = shape.heads * (shape.key_length or width // shape.heads)
    yield "token_embd", shape.num_tokens, width
    for layer in range(shape.layers):
        block, key_value = f"blk.{layer}", shape.key_value_width(layer)
        yield f"{block}.attn_q", query, width
        yield f"{block}.attn_k", key_value, width
        yield f"{block}.attn_v", key_value, width
        yield f"{block}.attn_output", width, query
        yield f"{block}.ffn_gate", forward, width
        yield f"{block}.ffn_up", forward, width
        yield f"{block}.ffn_down", width, forward
    if not shape.tied:
        yield "output", shape.num_tokens, width


def write(path: Path, shape: Shape) -> Path:
    """Write a model to `path`, which is returned."""
    writer = gguf.GGUFWriter(path, shape.architecture)
    writer.add_name("synthetic")
    writer.add_block_count(shape.layers)
    writer.add_context_length(shape.context_tokens)
    writer.add_embedding_length(shape.width)
    writer.add_feed_forward_length(shape.feed_forward)
    heads = shape.key_value_heads
    writer.add_head_count(shape.heads if isinstance(heads, int) else [shape.heads] * shape.layers)
    writer.add_head_count_kv(heads if isinstance(heads, int) else list(heads))
    if shape.key_length:
        writer.add_key_length(shape.key_length)
        writer.add_value_length(shape.key_length)
    writer.add_rope_dimension_count(shape.key_length or shape.width // shape.heads)
    if shape.rope_factor:
        writer.add_rope_scaling_type(gguf.RopeScalingType.LINEAR)
        writer.add_rope_scaling_factor(shape.rope_factor)
    writer.add_layer_norm_rms_eps(1e-6)
    _add_vocabulary(writer, shape.num_tokens)
    values, size = gguf.GGML_QUANT_SIZES[shape.weights]
    for name, rows, columns in matrices(shape):
        blocks = np.zeros((rows, columns // values * size), dtype=np.uint8)
        writer.add_tensor(f"{name}.weight", blocks, raw_dtype=shape.weights)
    norms = [f"blk.{layer}.{kind}_norm" for layer in range(shape.layers) for kind in ("attn", "ffn")]
    for name in (*norms, "output_norm"):
        writer.add_tensor(f"{name}.weight", np.ones(shape.width, dtype=np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _add_vocabulary(writer: gguf.GGUFWriter, num_tokens: int) -> None:
    """The embedded model's vocabulary, filled up with tokens that nothing is made of."""
    for key, field in gguf.GGUFReader(EMBEDDED).fields.items():
        if not key.startswith("tokenizer."):
            continue
        value = field.contents()
        if key == "tokenizer.ggml.tokens":
            value = value[:num_tokens] + [f"[UNUSED{number}]" for number in range(len(value), num_tokens)]
        elif key == "tokenizer.ggml.token_type":
            value = value[:num_tokens] + [int(gguf.TokenType.UNUSED)] * (num_tokens - len(value))
        writer.add_key_value(key, value, field.types[0], field.types[-1] if len(field.types) > 1 else None)
    writer.add_vocab_size(num_tokens)
