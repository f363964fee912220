"""Where the GPU has less memory than it said: fewer layers, then the CPU. The GPU is pretended, the model is real."""

from __future__ import annotations

import pytest

from lsp_server.base.errors import ModelFileError, ModelTooLargeError
from lsp_server.engine.backends.llama import context, loading
from lsp_server.engine.backends.llama.backend import LlamaBackend
from lsp_server.engine.backends.llama.log import capture_log
from lsp_server.engine.sizing.hardware import Gpu, Machine
from lsp_server.ipc.launch import EngineOptions

GIB = 1 << 30
ERROR = 4
MACHINE = Machine(1, 16 * GIB, 12 * GIB, (Gpu("a card", 8 * GIB, 7 * GIB),))


@pytest.fixture
def card(monkeypatch):
    """A GPU that refuses more layers than it is told, and a list of how many were tried."""
    tried: list[int] = []
    load = loading.load

    def pretend(most_layers: int, reason: str = "unable to allocate CUDA0 buffer") -> list[int]:
        def refuse(path, gpu_layers, progress):
            tried.append(gpu_layers)
            if gpu_layers <= most_layers:
                return load(path, gpu_layers, progress)
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
