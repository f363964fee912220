"""Loads a GGUF, and corrects metadata that would make llama.cpp tokenise otherwise than in training."""

from __future__ import annotations

import ctypes
import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import llama_cpp

from lsp_server.base.fim_families import FAMILIES
from lsp_server.engine.backends.llama.devices import cpu_buffer_type
from lsp_server.engine.backends.llama.vocabulary import LlamaVocabulary
from lsp_server.engine.sizing.memory import EXPERTS
from lsp_server.ipc.model_info import Parameters

logger = logging.getLogger(__name__)

PRE_TOKENISER = "tokenizer.ggml.pre"
# SentencePiece puts a space before each text. A prompt has many texts, and only the FIM format knows where a space
# belongs. Other tokenisers do not read this key.
_NO_SPACE_PREFIX: dict[str, str | bool] = {"tokenizer.ggml.add_space_prefix": False}


class _BufferOverride(ctypes.Structure):
    """`llama_model_tensor_buft_override`: tensors whose names match go to a type of buffer."""

    _fields_ = (("pattern", ctypes.c_char_p), ("type", ctypes.c_void_p))


@dataclass(frozen=True, slots=True)
class Placement:
    """Where weights lie, as `Parameters` have it. Another placement means that the model is loaded again."""

    gpu_layers: int
    cpu_expert_layers: int
    repacks_weights: bool

    @staticmethod
    def of(parameters: Parameters) -> Placement:
        """The placement of these parameters."""
        return Placement(parameters.gpu_layers, parameters.cpu_expert_layers, parameters.repacks_weights)


def load(path: Path, placement: Placement, progress: Callable[[float], None]) -> Any:
    """The model. None if llama.cpp refuses it; the reason is then in llama.cpp's log."""

    def on_progress(fraction: float, _: ctypes.c_void_p) -> bool:
        progress(fraction)
        return True

    params = llama_cpp.llama_model_default_params()
    params.n_gpu_layers = placement.gpu_layers
    params.use_extra_bufts = placement.repacks_weights
    # Without layers on it, a GPU would still take part in long batches. A list that ends at once has no device.
    no_devices, overrides_of_buffers = (ctypes.c_void_p * 1)(), _experts_on_cpu(placement.cpu_expert_layers)
    if not placement.gpu_layers:
        params.devices = ctypes.addressof(no_devices)
    elif placement.cpu_expert_layers:
        params.tensor_buft_overrides = ctypes.addressof(overrides_of_buffers)
    params.progress_callback = llama_cpp.llama_progress_callback(on_progress)
    return _load(path, params)


def load_vocabulary(path: Path) -> Any:
    """A model without its weights, which can only tokenise. None if llama.cpp refuses it."""
    params = llama_cpp.llama_model_default_params()
    params.vocab_only = True
    return _load(path, params)


def _load(path: Path, params: Any) -> Any:
    model = _load_with(_NO_SPACE_PREFIX, path, params)
    if model and lacks_pre_tokeniser(model) and (pre_tokeniser := old_pre_tokeniser(model)):
        logger.info("Loading %s anew with the pre-tokeniser %s.", path, pre_tokeniser)
        llama_cpp.llama_model_free(model)
        model = _load_with(_NO_SPACE_PREFIX | {PRE_TOKENISER: pre_tokeniser}, path, params)
    return model


def _load_with(metadata: dict[str, str | bool], path: Path, params: Any) -> Any:
    """Load a model with other metadata than its file has."""
    overrides = _overrides(metadata)
    params.kv_overrides = overrides
    return llama_cpp.llama_model_load_from_file(os.fsencode(path), params)


def _experts_on_cpu(num_layers: int) -> Any:
    """Overrides that keep the experts of the first layers on the CPU: an array that ends with an empty pattern."""
    layers = "|".join(map(str, range(num_layers)))
    pattern = rf"^blk\.({layers}){EXPERTS}".encode()
    return (_BufferOverride * 2)(_BufferOverride(pattern, cpu_buffer_type()))


def metadata(model: Any, key: str) -> str:
    """A value of a model's metadata; empty if there is none."""
    buffer = ctypes.create_string_buffer(1024)
    size = llama_cpp.llama_model_meta_val_str(model, key.encode(), buffer, len(buffer))
    return buffer.value.decode("utf-8", errors="replace") if size >= 0 else ""


def chat_template(model: Any) -> str:
    """A model's chat template; empty if it has none."""
    template = llama_cpp.llama_model_chat_template(model, None)
    return template.decode("utf-8", errors="replace") if template else ""


def lacks_pre_tokeniser(model: Any) -> bool:
    """Whether the file should name a pre-tokeniser and does not. llama.cpp then takes one that few models have."""
    vocabulary = llama_cpp.llama_model_get_vocab(model)
    is_bpe = llama_cpp.llama_vocab_type(vocabulary) == llama_cpp.LLAMA_VOCAB_TYPE_BPE
    return is_bpe and metadata(model, "tokenizer.ggml.model") == "gpt2" and not metadata(model, PRE_TOKENISER)


def old_pre_tokeniser(model: Any) -> str:
    """The pre-tokeniser of the model's family; empty if it is of none."""
    markers = LlamaVocabulary(llama_cpp.llama_model_get_vocab(model)).marker_texts
    name = metadata(model, "general.name")
    family = next((family for family in FAMILIES if family.knows(name, markers)), None)
    return family.pre_tokeniser_of(metadata(model, "general.architecture")) if family else ""


def _overrides(values: dict[str, str | bool]) -> Any:
    """Metadata overrides in llama.cpp's form: an array that ends with an empty key."""
    overrides = (llama_cpp.llama_model_kv_override * (len(values) + 1))()
    for override, (key, value) in zip(overrides, values.items(), strict=False):
        override.key = key.encode()
        if isinstance(value, str):
            override.tag = llama_cpp.LLAMA_KV_OVERRIDE_TYPE_STR
            override.value.val_str = value.encode()
        else:
            override.tag = llama_cpp.LLAMA_KV_OVERRIDE_TYPE_BOOL
            override.value.val_bool = value
    return overrides
