"""A model that is a GGUF already, as something to go on with: its weights and its vocabulary."""

from __future__ import annotations

from pathlib import Path

import gguf
import torch
from torch import Tensor

# Our names of a layer's tensors, and llama.cpp's (gguf-py, `constants.py`).
LAYER_NAMES = {
    "attention_norm": "attn_norm",
    "attention.query": "attn_q",
    "attention.key": "attn_k",
    "attention.value": "attn_v",
    "attention.output": "attn_output",
    "feed_forward_norm": "ffn_norm",
    "feed_forward.gate": "ffn_gate",
    "feed_forward.up": "ffn_up",
    "feed_forward.down": "ffn_down",
}


def read_weights(path: Path) -> dict[str, Tensor]:
    """The tensors of a GGUF under our names, as 32-bit floats."""
    ours = {theirs: name for name, theirs in LAYER_NAMES.items()}
    weights: dict[str, Tensor] = {}
    for tensor in gguf.GGUFReader(path).tensors:
        values = torch.from_numpy(gguf.quants.dequantize(tensor.data, tensor.tensor_type).copy())
        if tensor.name.startswith("blk."):
            _, layer, rest = tensor.name.split(".", 2)
            name = f"layers.{layer}.{ours[rest.removesuffix('.weight')]}.weight"
        else:
            name = {"token_embd.weight": "embedding.weight", "output_norm.weight": "norm.weight"}[tensor.name]
        weights[name] = values
    return weights


def read_vocabulary(path: Path) -> tuple[list[str], list[tuple[str, str]]]:
    """The tokens of a GGUF, and the merges in their order."""
    fields = gguf.GGUFReader(path).fields
    tokens: list[str] = fields["tokenizer.ggml.tokens"].contents()
    merges = [tuple(merge.split(" ")) for merge in fields["tokenizer.ggml.merges"].contents()]
    return tokens, merges


def tensor_name(key: str) -> str:
    """llama.cpp's name of a tensor of ours."""
    if key == "embedding.weight":
        return "token_embd.weight"
    if key == "norm.weight":
        return "output_norm.weight"
    _, layer, rest = key.split(".", 2)
    return f"blk.{layer}.{LAYER_NAMES[rest.removesuffix('.weight')]}.weight"
