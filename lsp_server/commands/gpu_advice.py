"""What to do where there is a GPU and llama.cpp was built without support for it.

Source: llama-cpp-python's README, "Supported Backends".
"""

from __future__ import annotations

import platform
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

# Where upstream keeps wheels with GPU support, which need no compiler and no toolkit of the vendor's.
_WHEELS = "https://abetlen.github.io/llama-cpp-python/whl"
_REINSTALL = "pip install --force-reinstall --no-cache-dir"


@dataclass(frozen=True, slots=True)
class Gpu:
    """A kind of GPU: how to see that there is one, llama.cpp's build option, and upstream's wheels.

    `toolkit` is what building needs besides a compiler.
    """

    name: str
    is_there: Callable[[], bool]
    build_option: str
    toolkit: str
    wheels: str

    def advice(self) -> str:
        """What to do, with the exact commands."""
        build = f'CMAKE_ARGS="-D{self.build_option}=on" {_REINSTALL} --no-binary llama-cpp-python llama-cpp-python'
        return (
            f"There is an {self.name} GPU, and llama.cpp was built without support for it. "
            f"With {self.toolkit}: {build}\n"
            f"Without: {_REINSTALL} llama-cpp-python --extra-index-url {_WHEELS}/{self.wheels}"
        )


def _has_nvidia() -> bool:
    return shutil.which("nvidia-smi") is not None or Path("/proc/driver/nvidia/version").exists()


def _has_apple() -> bool:
    return sys.platform == "darwin" and platform.machine() == "arm64"


def _has_amd() -> bool:
    return Path("/sys/class/kfd/kfd/topology/nodes/1").exists()


# The first that is there counts.
GPUS = (
    Gpu("NVIDIA", _has_nvidia, "GGML_CUDA", "the CUDA toolkit", "cu124 (or the version that nvidia-smi shows)"),
    Gpu("Apple", _has_apple, "GGML_METAL", "Xcode's command line tools", "metal"),
    Gpu("AMD", _has_amd, "GGML_VULKAN", "the Vulkan SDK", "vulkan"),
)


def advice(gpus: tuple[Gpu, ...] = GPUS) -> str:
    """What to do on this machine; empty where no GPU is seen."""
    found = next((gpu for gpu in gpus if gpu.is_there()), None)
    return found.advice() if found else ""
