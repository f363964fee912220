"""The devices that llama.cpp runs on. They are read from ggml, which llama_cpp does not wrap.

Source: `ggml/include/ggml-backend.h` of the llama.cpp in llama-cpp-python 0.3.36, "Backend device".
"""

from __future__ import annotations

import ctypes
import logging
import platform
import sys
from pathlib import Path

import llama_cpp
from llama_cpp._ctypes_extensions import load_shared_library

from lsp_server.engine.backends.llama.log import capture_log
from lsp_server.engine.sizing.hardware import Gpu, Machine, detect_machine
from lsp_server.engine.sizing.memory import repacked_types

logger = logging.getLogger(__name__)

_LIBRARIES = Path(llama_cpp.__file__).parent / "lib"  # ggml's lie beside llama.cpp's and are already loaded
_GPU, _INTEGRATED_GPU = 1, 2  # enum ggml_backend_dev_type


def detect_machine_with_llama() -> Machine:
    """This machine, as llama.cpp sees it."""
    gpus = find_gpus() if llama_cpp.llama_supports_gpu_offload() else ()
    system = llama_cpp.llama_print_system_info().decode("utf-8", errors="replace")
    return detect_machine(gpus, repacked_types(system))


def find_gpus() -> tuple[Gpu, ...]:
    """The GPUs that this build of llama.cpp can use, with their free memory.

    Integrated GPUs count only if there is no other GPU. llama.cpp itself chooses that way (`src/llama.cpp`).
    """
    capture_log()  # this also starts llama.cpp, which registers its devices
    try:
        ggml = _load_ggml()
        devices = [ggml.get(index) for index in range(ggml.count())]
        kinds = [ggml.type(device) for device in devices]
    except (OSError, RuntimeError, AttributeError) as error:
        logger.warning("llama.cpp's devices cannot be listed (%s), so no layer is put on a GPU.", error)
        return ()
    wanted = _GPU if _GPU in kinds else _INTEGRATED_GPU
    # Metal calls every GPU a GPU (`ggml-metal.cpp`). Those of Apple silicon share the host's memory.
    is_integrated = wanted == _INTEGRATED_GPU or (sys.platform == "darwin" and platform.machine() == "arm64")
    found = (device for device, kind in zip(devices, kinds, strict=True) if kind == wanted)
    return tuple(_describe(ggml, device, is_integrated) for device in found)


def cpu_buffer_type() -> int:
    """ggml's type of buffers in the CPU's memory, as an address."""
    address = load_shared_library("ggml-base", _LIBRARIES).ggml_backend_cpu_buffer_type
    address.argtypes, address.restype = [], ctypes.c_void_p
    return int(address())


class _Ggml:
    """The functions of ggml that describe devices, with their types."""

    def __init__(self, registry: ctypes.CDLL, base: ctypes.CDLL) -> None:
        self.count = registry.ggml_backend_dev_count
        self.count.restype = ctypes.c_size_t
        self.get = registry.ggml_backend_dev_get
        self.get.argtypes, self.get.restype = [ctypes.c_size_t], ctypes.c_void_p
        self.type = base.ggml_backend_dev_type
        self.type.argtypes, self.type.restype = [ctypes.c_void_p], ctypes.c_int
        self.description = base.ggml_backend_dev_description
        self.description.argtypes, self.description.restype = [ctypes.c_void_p], ctypes.c_char_p
        self.memory = base.ggml_backend_dev_memory
        size = ctypes.POINTER(ctypes.c_size_t)
        self.memory.argtypes, self.memory.restype = [ctypes.c_void_p, size, size], None


def _load_ggml() -> _Ggml:
    return _Ggml(load_shared_library("ggml", _LIBRARIES), load_shared_library("ggml-base", _LIBRARIES))


def _describe(ggml: _Ggml, device: int, is_integrated: bool) -> Gpu:
    free, total = ctypes.c_size_t(), ctypes.c_size_t()
    ggml.memory(device, ctypes.byref(free), ctypes.byref(total))
    return Gpu(ggml.description(device).decode("utf-8", errors="replace"), total.value, free.value, is_integrated)
