"""How to use a GPU that llama.cpp was built without support for.

Source: llama-cpp-python's README, "Supported Backends".
"""

from __future__ import annotations

import platform
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

# Upstream's wheels with GPU support. They need neither a compiler nor the vendor's toolkit.
_WHEELS = "https://abetlen.github.io/llama-cpp-python/whl"
_REINSTALL = "pip install --force-reinstall --no-cache-dir"


@dataclass(frozen=True, slots=True)
class Gpu:
    """A kind of GPU: how to detect it, llama.cpp's build option, and upstream's wheels.

    Building needs `toolkit` besides a compiler.
    """

    name: str
    is_there: Callable[[], bool]
    build_option: str
    toolkit: str
    wheels: str
    remark: str = ""

    def advice(self) -> str:
        """The advice with the exact commands."""
        package = f"llama-cpp-python=={version('llama-cpp-python')}"
        build = f'CMAKE_ARGS="-D{self.build_option}=on" {_REINSTALL} --no-binary llama-cpp-python {package}'
        return (
            f"There is an {self.name} GPU, and llama.cpp was built without support for it. "
            f"With {self.toolkit}: {build}\n"
            f"Without{self.remark}: {_REINSTALL} {package} --extra-index-url {_WHEELS}/{self.wheels}"
        )


def _has_nvidia() -> bool:
    return shutil.which("nvidia-smi") is not None or Path("/proc/driver/nvidia/version").exists()


def _has_apple() -> bool:
    return sys.platform == "darwin" and platform.machine() == "arm64"


def _has_amd() -> bool:
    return shutil.which("rocminfo") is not None or shutil.which("amdgpu_top") is not None


# The first GPU that is found counts.
GPUS = (
    Gpu(
        "NVIDIA", _has_nvidia, "GGML_CUDA", "the CUDA toolkit", "cu124", " (cu124 is CUDA 12.4; nvidia-smi shows yours)"
    ),
    Gpu("Apple", _has_apple, "GGML_METAL", "Xcode's command line tools", "metal"),
    Gpu("AMD", _has_amd, "GGML_VULKAN", "the Vulkan SDK", "vulkan"),
)


def advice(gpus: tuple[Gpu, ...] = GPUS) -> str:
    """The advice for this machine; empty if no GPU is found."""
    found = next((gpu for gpu in gpus if gpu.is_there()), None)
    return found.advice() if found else ""
