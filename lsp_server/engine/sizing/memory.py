"""Predicts the memory of a model from the header of its file. Pure.

llama.cpp allocates weights, KV cache and compute buffers. On a CPU it also copies some weights into an order that suits
its kernels. Sources, of the llama.cpp in llama-cpp-python 0.3.36:
- the cache: `src/llama-kv-cache.cpp`
- buffers: `output_reserve` and `sched_reserve` in `src/llama-context.cpp`
- what is alive at once: `src/llama-graph.cpp`
- copies: `ggml/src/ggml-cpu/repack.cpp`
- the layers on a GPU: `src/llama-model.cpp`
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lsp_server.engine.sizing.gguf import Header, Tensor
from lsp_server.ipc.model_info import Parameters

CACHE_VALUE_BYTES = {"f16": 2.0, "q8_0": 34 / 32}
CELLS_ALIGNMENT = 256  # llama.cpp rounds a cache up to a multiple of this
_FLOAT_BYTES = 4
_ROWS_TOGETHER = 8  # a matrix is repacked if its rows can be taken this many at a time
EXPERTS = r"\.ffn_(up|down|gate|gate_up)_(ch|)exps"  # `LLM_FFN_EXPS_REGEX` in common/common.h
_BLOCK = re.compile(r"blk\.(\d+)\.")
# No model has more layers, or larger numbers per layer. The largest have 126 layers and 53,248 numbers.
_MAX_LAYERS, _MAX_NUMBERS = 1000, 1 << 24

# enum ggml_type
_Q4_0, _Q8_0, _Q2_K, _Q4_K, _Q5_K, _Q6_K, _IQ4_NL, _MXFP4 = 2, 8, 10, 12, 13, 14, 20, 39


@dataclass(frozen=True, slots=True)
class ModelShape:
    """The properties of a model that decide how much memory it takes. `*_bytes` are of weights.

    Per layer there are `layer_bytes`, and the numbers that one token leaves in the cache: `cached_keys` and
    `cached_values`. `attention_values` and `forward_values` are the numbers alive at once for one token, in its largest
    attention and feed-forward layer. Without flash attention, `score_values` numbers come with each cell of the cache.
    `repackable_bytes` are matrices by type that a CPU may copy. `largest_bytes` is the largest tensor. `expert_bytes`
    are the experts of a mixture, by layer.
    """

    name: str
    trained_context_tokens: int
    num_tokens: int
    width: int
    input_bytes: int
    output_bytes: int
    layer_bytes: tuple[int, ...]
    cached_keys: tuple[int, ...]
    cached_values: tuple[int, ...]
    attention_values: int
    forward_values: int
    score_values: int
    repackable_bytes: dict[int, int]
    largest_bytes: int
    has_tied_output: bool
    expert_bytes: tuple[int, ...] = ()

    @property
    def num_layers(self) -> int:
        """The repeating layers. For a GPU, the output is one more layer."""
        return len(self.layer_bytes)

    @property
    def weights_bytes(self) -> int:
        """All weights."""
        return self.input_bytes + self.output_bytes + sum(self.layer_bytes)

    def cache_token_bytes(self, cache_type: str) -> float:
        """The cache bytes of one token."""
        return (sum(self.cached_keys) + sum(self.cached_values)) * CACHE_VALUE_BYTES[cache_type]


@dataclass(frozen=True, slots=True)
class Memory:
    """Memory of a model in bytes: weights, repacked weights, KV cache, compute and output buffers."""

    weights: int
    repacked: int
    cache: int
    compute: int
    output: int

    @property
    def working(self) -> int:
        """Everything besides weights and cache."""
        return self.repacked + self.compute + self.output

    @property
    def total(self) -> int:
        """The sum."""
        return self.weights + self.cache + self.working


def shape_of(header: Header) -> ModelShape:
    """The shape of a model, from its header. Raises any error if the header makes no sense."""
    metadata, tensors = header.metadata, {tensor.name: tensor for tensor in header.tensors}
    architecture = metadata.get("general.architecture", "")

    def value(key: str, default: Any) -> Any:
        return metadata.get(f"{architecture}.{key}", default)

    embedding = tensors.get("token_embd.weight")
    width = _number(value("embedding_length", embedding.dimensions[0] if embedding else 0))
    num_layers = _number(value("block_count", 0), _MAX_LAYERS)
    heads = _by_layer(value("attention.head_count", 1), num_layers)
    key_value_heads = _by_layer(value("attention.head_count_kv", heads), num_layers)
    per_head = width // max(1, max(heads, default=1))
    key = _number(value("attention.key_length", per_head))
    # Multi-head latent attention reads its values from the keys.
    is_latent = bool(value("attention.key_length_mla", 0))
    head_values = _number(value("attention.value_length", per_head))
    query = max(heads, default=0) * key
    key_value = max(key_value_heads, default=0) * (key + head_values)
    return ModelShape(
        name=str(metadata.get("general.name", "")),
        trained_context_tokens=_number(value("context_length", 0), 1 << 32),
        num_tokens=_number(embedding.dimensions[-1]) if embedding else 0,
        width=width,
        input_bytes=embedding.num_bytes if embedding else 0,
        output_bytes=sum(each.num_bytes for each in header.tensors if _is_output(each)),
        layer_bytes=tuple(_layer_bytes(header.tensors, num_layers)),
        cached_keys=tuple(count * key for count in key_value_heads),
        cached_values=tuple(0 if is_latent else count * head_values for count in key_value_heads),
        attention_values=query + key_value,
        forward_values=_forward_values(value, width),
        score_values=max(heads, default=0),
        repackable_bytes=_repackable(header.tensors, has_tied_output="output.weight" not in tensors),
        largest_bytes=max((each.num_bytes for each in header.tensors), default=0),
        has_tied_output="output.weight" not in tensors,
        expert_bytes=tuple(
            _layer_bytes([each for each in header.tensors if re.search(EXPERTS, each.name)], num_layers)
        ),
    )


def predict(shape: ModelShape, parameters: Parameters, repacked_types: Sequence[int] = ()) -> Memory:
    """The memory of a model with these parameters, on CPU and GPU together.

    `repacked_types` come from `repacked_types()`. Where a GPU takes part, the layers on the CPU lie in buffers that it
    can read, and llama.cpp makes no copies of those.
    """
    repacks = parameters.repacks_weights and not parameters.gpu_layers
    return Memory(
        weights=shape.weights_bytes,
        repacked=sum(shape.repackable_bytes.get(kind, 0) for kind in repacked_types) if repacks else 0,
        cache=cache_bytes(shape, parameters),
        compute=compute_bytes(shape, parameters),
        output=parameters.num_sequences * shape.num_tokens * _FLOAT_BYTES,
    )


def cache_bytes(shape: ModelShape, parameters: Parameters, num_layers: int | None = None) -> int:
    """The KV cache of the last `num_layers` layers, or of all.

    Without flash attention, the values of every layer take as much as the widest layer's.
    """
    values: Sequence[int] = shape.cached_values
    if not parameters.flash_attention:
        values = [max(values, default=0)] * shape.num_layers
    first = 0 if num_layers is None else shape.num_layers - num_layers
    token_bytes = sum((*shape.cached_keys[first:], *values[first:])) * CACHE_VALUE_BYTES[parameters.cache_type]
    return int(_num_cells(parameters) * token_bytes)


def compute_bytes(shape: ModelShape, parameters: Parameters) -> int:
    """The compute buffer: the largest stage of the graph for the longest physical batch.

    Attention holds its normed input, residual and result beside queries, keys and values. Feed-forward holds gate, up
    and their product. At the end there is a row of logits for every token. The mask is alive until attention ends.
    """
    tokens = min(parameters.physical_batch_tokens, parameters.cache_tokens)
    cells = _num_cells(parameters)
    attention = shape.attention_values + 3 * shape.width
    if parameters.flash_attention:
        mask = cells * 2
    else:
        mask = cells * _FLOAT_BYTES
        attention += shape.score_values * cells + shape.width
    numbers = (attention, shape.forward_values + 3 * shape.width)
    logits = (shape.num_tokens + 2 * shape.width) * _FLOAT_BYTES
    return tokens * max(mask + max(numbers) * _FLOAT_BYTES, logits)


def repacked_types(system: str) -> tuple[int, ...]:
    """The types whose matrices llama.cpp repacks on this CPU, from the text of `llama_print_system_info`.

    That text may name AMX, but AMX is not used (`backends/llama/amx.py`).
    """
    features = set(re.findall(r"(\w+) = 1", system))
    if "REPACK" not in features:
        return ()
    if "AVX2" in features:
        return (_Q4_0, _Q4_K, _IQ4_NL, _MXFP4, *((_Q2_K,) if "AVX512" in features else ()))
    if features & {"DOTPROD", "MATMUL_INT8"}:
        return (_Q4_0, _Q8_0, _Q4_K, _Q5_K, _Q6_K, _IQ4_NL, _MXFP4)
    return ()


def _num_cells(parameters: Parameters) -> int:
    return -(-parameters.cache_tokens // CELLS_ALIGNMENT) * CELLS_ALIGNMENT


def _number(value: Any, most: int = _MAX_NUMBERS) -> int:
    """A size that a header gives. Raises `ValueError` if no model has it."""
    if not isinstance(value, int) or not 0 <= value <= most:
        raise ValueError(value)
    return value


def _by_layer(value: Any, num_layers: int) -> tuple[int, ...]:
    """One number per layer. The file has one for all layers, or one for each."""
    return tuple(map(_number, value)) if isinstance(value, tuple) else (_number(value),) * num_layers


def _is_output(tensor: Tensor) -> bool:
    return not _BLOCK.match(tensor.name) and tensor.name != "token_embd.weight"


def _layer_bytes(tensors: Sequence[Tensor], num_layers: int) -> list[int]:
    found = [0] * num_layers
    for tensor in tensors:
        if (match := _BLOCK.match(tensor.name)) and int(match[1]) < num_layers:
            found[int(match[1])] += tensor.num_bytes
    return found


def _forward_values(value: Any, width: int) -> int:
    """Numbers alive in a feed-forward layer for one token, besides input and residual: gate, up and their product."""
    dense = 3 * max(_by_layer(value("feed_forward_length", 0), 1))
    used = _number(value("expert_used_count", 0))
    return max(dense, used * (3 * _number(value("expert_feed_forward_length", 0)) + width))


def _repackable(tensors: Sequence[Tensor], *, has_tied_output: bool) -> dict[int, int]:
    """Bytes by type of the matrices that tokens are multiplied with. Looking up an embedding is no multiplication."""
    found: dict[int, int] = {}
    for tensor in tensors:
        is_matrix = len(tensor.dimensions) >= 2 and tensor.dimensions[1] % _ROWS_TOGETHER == 0
        if is_matrix and (tensor.name != "token_embd.weight" or has_tied_output):
            found[tensor.type] = found.get(tensor.type, 0) + tensor.num_bytes
    return found
