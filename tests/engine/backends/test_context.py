"""Where the GPU has less memory than it said: fewer layers, then the CPU. The GPU is pretended, the model is real."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import llama_cpp
import pytest

from lsp_server.base.errors import ModelFileError, ModelTooLargeError
from lsp_server.engine.backends.llama import context, loading, log
from lsp_server.engine.backends.llama.backend import LlamaBackend
from lsp_server.engine.backends.llama.log import capture_log
from lsp_server.engine.sizing.gguf import read_header
from lsp_server.engine.sizing.hardware import Gpu, Machine
from lsp_server.engine.sizing.memory import shape_of
from lsp_server.ipc.launch import EngineOptions
from tests.gguf import families

GIB = 1 << 30
WARNING, ERROR = 3, 4  # enum ggml_log_level
MACHINE = Machine(1, 16 * GIB, 12 * GIB, (Gpu("a card", 8 * GIB, 7 * GIB),))


@pytest.fixture
def card(monkeypatch):
    """A GPU that refuses more layers than it is told, and a list of how many were tried."""
    tried: list[int] = []
    load = loading.load

    def pretend(most_layers: int, reason: str = "unable to allocate CUDA0 buffer") -> list[int]:
        def refuse(path, placement, progress):
            tried.append(placement.gpu_layers)
            if placement.gpu_layers <= most_layers:
                return load(path, placement, progress)
            capture_log().write(ERROR, reason.encode(), None)
            return None

        monkeypatch.setattr(context, "detect_machine_with_llama", lambda: MACHINE)
        monkeypatch.setattr(loading, "load", refuse)
        return tried

    return pretend


def opened(model_path):
    backend = LlamaBackend(EngineOptions(str(model_path), cache_tokens=1024))
    backend.close()
    return backend.info


def test_what_fits_is_loaded_at_once(card, model_path):
    tried = card(most_layers=99)
    info = opened(model_path)
    assert tried == [info.parameters.gpu_layers] == [9]
    assert not info.notes


@pytest.mark.parametrize("most_layers", [5, 1, 0])
def test_layers_leave_the_gpu_until_it_takes_them(card, model_path, most_layers):
    tried = card(most_layers)
    info = opened(model_path)
    assert info.parameters.gpu_layers <= most_layers
    assert tried == sorted(tried, reverse=True)
    notes = " ".join(info.notes)
    assert ("of 9 layers are on the GPU" if info.parameters.gpu_layers else "No layer is on the GPU") in notes
    assert "unable to allocate CUDA0 buffer" in notes
    assert all(note.endswith(".") for note in info.notes)


def test_a_model_that_not_even_the_cpu_has_memory_for(card, model_path):
    card(most_layers=-1)
    with pytest.raises(ModelTooLargeError, match="Close other programs, or use a smaller model"):
        opened(model_path)


def test_another_reason_is_not_taken_for_want_of_memory(card, model_path):
    tried = card(most_layers=-1, reason="unknown model architecture: 'future'")
    with pytest.raises(ModelFileError, match="unknown model architecture"):
        opened(model_path)
    assert len(tried) == 1


# What is asked of llama.cpp


@pytest.fixture
def asked(monkeypatch):
    """The parameters of models and contexts, as llama.cpp got them."""
    seen: dict[str, list[dict[str, object]]] = {"model": [], "context": []}
    for name, key in (("llama_model_load_from_file", "model"), ("llama_init_from_model", "context")):
        function = getattr(llama_cpp, name)

        def spy(first, params, function=function, key=key):
            seen[key].append({field: getattr(params, field) for field, *_ in params._fields_})
            return function(first, params)

        monkeypatch.setattr(llama_cpp, name, spy)
    return seen


def test_no_layer_on_the_gpu_means_no_device_at_all(asked, card, model_path):
    card(most_layers=0)
    opened(model_path)
    assert asked["model"][-1]["devices"]
    assert not asked["model"][-1]["tensor_buft_overrides"]
    assert asked["context"][-1]["op_offload"] is False
    assert asked["context"][-1]["flash_attn_type"] == llama_cpp.LLAMA_FLASH_ATTN_TYPE_ENABLED


def test_with_layers_on_the_gpu_llama_cpp_decides_about_flash_attention(asked, card, model_path):
    card(most_layers=99)
    info = opened(model_path)
    assert not asked["model"][-1]["devices"]
    probe, real = asked["context"]
    assert probe["flash_attn_type"] == llama_cpp.LLAMA_FLASH_ATTN_TYPE_AUTO
    assert probe["type_v"] == llama_cpp.GGML_TYPE_F16, "with q8_0 llama.cpp would not look"
    assert real["op_offload"] is True
    assert info.parameters.flash_attention


@pytest.mark.parametrize("cache_type", ["auto", "q8_0", "f16"])
def test_a_gpu_without_flash_attention_is_told(asked, card, model_path, monkeypatch, cache_type):
    card(most_layers=99)
    init = llama_cpp.llama_init_from_model

    def refuse(model, params):
        if params.flash_attn_type == llama_cpp.LLAMA_FLASH_ATTN_TYPE_AUTO:
            capture_log().write(WARNING, b"resolve: Flash Attention not supported, set to disabled", None)
        return init(model, params)

    monkeypatch.setattr(llama_cpp, "llama_init_from_model", refuse)
    backend = LlamaBackend(EngineOptions(str(model_path), cache_tokens=1024, cache_type=cache_type))
    backend.close()
    runs = backend.info.parameters
    assert (runs.flash_attention, runs.cache_type, runs.gpu_layers) == (False, "f16", 9)
    assert asked["context"][-1]["flash_attn_type"] == llama_cpp.LLAMA_FLASH_ATTN_TYPE_DISABLED
    assert "cannot run this model's attention as flash attention" in " ".join(backend.info.notes)


def test_copies_that_do_not_fit_are_given_up_before_the_model_is(model_path, monkeypatch):
    """The embedded model has none to give up, so its machine pretends that all of its types are copied."""
    load, tried = loading.load, []
    types = tuple(shape_of(read_header(model_path)).repackable_bytes)
    monkeypatch.setattr(context, "detect_machine_with_llama", lambda: replace(MACHINE, gpus=(), repacked_types=types))

    def refuse(path, placement, progress):
        tried.append(placement.repacks_weights)
        if not placement.repacks_weights:
            return load(path, placement, progress)
        capture_log().write(ERROR, b"unable to allocate CPU_REPACK buffer", None)
        return None

    monkeypatch.setattr(loading, "load", refuse)
    info = opened(model_path)
    assert tried == [True, False]
    assert not info.parameters.repacks_weights
    assert "Weights are not copied" in " ".join(info.notes)


@pytest.mark.parametrize("num_layers", [1, 2, 99])
def test_the_experts_of_the_first_layers_are_kept_on_the_cpu(tmp_path, num_layers):
    """Here every buffer is the CPU's. llama.cpp says which tensors it was told to put there."""
    path = families.write(tmp_path / "mixture.gguf", families.MINIATURES["qwen3-coder"])
    lines: list[str] = []
    capture = capture_log()
    write = capture.write

    def record(level, text, data):
        lines.append(text.decode())
        write(level, text, data)

    callback = llama_cpp.llama_log_callback(record)
    llama_cpp.llama_log_set(callback, None)
    try:
        model = loading.load(path, loading.Placement(99, num_layers, repacks_weights=True), lambda _: None)
        assert model
        llama_cpp.llama_model_free(model)
    finally:
        llama_cpp.llama_log_set(log._capture[1], None)
    moved = {line.split()[1] for line in lines if "buffer type overridden to" in line}
    blocks = range(min(num_layers, families.LAYERS))
    assert moved == {f"blk.{block}.ffn_{kind}_exps.weight" for block in blocks for kind in ("up", "down", "gate")}


def test_structures_are_laid_out_as_in_llama_cpp_s_header(tmp_path):
    """Where a compiler and the header are at hand."""
    compiler = shutil.which("cc")
    header = next(Path(llama_cpp.__file__).parents[1].glob("**/include/llama.h"), None)
    if not compiler or not header:
        pytest.skip("no C compiler, or llama.h was not installed")
    fields = {
        "llama_model_params": ("devices", "tensor_buft_overrides", "n_gpu_layers", "use_extra_bufts"),
        "llama_context_params": ("flash_attn_type", "type_k", "op_offload"),
        "llama_model_tensor_buft_override": ("pattern", "buft"),
    }
    sizes = [f"sizeof(struct {name})" for name in fields]
    offsets = [f"offsetof(struct {name}, {field})" for name, names in fields.items() for field in names]
    source = "\n".join(f'printf("%zu\\n", {each});' for each in (*sizes, *offsets))
    (tmp_path / "a.c").write_text(
        f'#include <stdio.h>\n#include <stddef.h>\n#include "llama.h"\nint main(void) {{ {source} return 0; }}\n'
    )
    program = tmp_path / "a.out"
    subprocess.run([compiler, "-I", str(header.parent), str(tmp_path / "a.c"), "-o", str(program)], check=True)
    said = list(map(int, subprocess.run([program], capture_output=True, check=True, text=True).stdout.split()))
    kinds = (llama_cpp.llama_model_params, llama_cpp.llama_context_params, loading._BufferOverride)
    ours = [ctypes.sizeof(kind) for kind in kinds]
    for kind, names in zip(kinds, fields.values(), strict=True):
        ours += [getattr(kind, {"buft": "type"}.get(name, name)).offset for name in names]
    assert said == ours
