"""How to use a GPU that llama.cpp was built without support for.

Source: llama-cpp-python's README, "Supported Backends".
"""

from __future__ import annotations

import platform
import shutil
import sys
from collections.abc import Collection
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

# Upstream's wheels with GPU support. They need neither a compiler nor the vendor's toolkit.
_WHEELS = "https://abetlen.github.io/llama-cpp-python/whl"
_REINSTALL = "pip install --force-reinstall --no-cache-dir"
# PCI's numbers of vendors, as Linux prints them.
_PCI_VENDORS = {"0x10de": "NVIDIA", "0x1002": "AMD", "0x8086": "Intel"}
# Windows' list of display adapters: a key for each, which has its name.
_ADAPTERS = r"SYSTEM\CurrentControlSet\Control\Class\{4d36e968-e325-11ce-bfc1-08002be10318}"


@dataclass(frozen=True, slots=True)
class Gpu:
    """A vendor of GPUs, llama.cpp's build option, and upstream's wheels.

    Building needs `toolkit` besides a compiler. `pythons` are the versions that upstream names for its wheels.
    """

    vendor: str
    build_option: str
    toolkit: str
    wheels: str
    pythons: tuple[tuple[int, int], tuple[int, int]] | None = None
    remark: str = ""

    def advice(self, system: str, python: tuple[int, int]) -> str:
        """The advice with the exact commands of a system's shells."""
        package = f"llama-cpp-python=={version('llama-cpp-python')}"
        build = f"{_REINSTALL} --no-binary llama-cpp-python {package}"
        lines = [
            f"There is a GPU by {self.vendor}, and llama.cpp was built without support for it.",
            *(f"{shell} {command}" for shell, command in _with_variable(f"-D{self.build_option}=on", build, system)),
        ]
        lines[1:] = [f"With {self.toolkit}{line}" for line in lines[1:]]
        if self.pythons and not self.pythons[0] <= python <= self.pythons[1]:
            lines.append(f"Without it there is no way: {self._range()}, and this is Python {python[0]}.{python[1]}.")
            return "\n".join(lines)
        # Without `--only-binary`, pip would build a version for the CPU where it finds no wheel.
        wheel = f"{_REINSTALL} --only-binary llama-cpp-python {package} --extra-index-url {_WHEELS}/{self.wheels}"
        remarks = "; ".join(each for each in (self.remark, self._range()) if each)
        return "\n".join([*lines, f"Without{f' ({remarks})' if remarks else ''}: {wheel}"])

    def _range(self) -> str:
        if not self.pythons:
            return ""
        first, last = (f"{major}.{minor}" for major, minor in self.pythons)
        return f"the wheels are for Python {first} to {last}"


_PYTHONS = ((3, 10), (3, 12))
# The first GPU that is found counts.
GPUS = (
    Gpu("NVIDIA", "GGML_CUDA", "the CUDA toolkit", "cu124", _PYTHONS, "cu124 is CUDA 12.4; nvidia-smi shows yours"),
    Gpu("Apple", "GGML_METAL", "Xcode's command line tools", "metal", _PYTHONS),
    Gpu("AMD", "GGML_VULKAN", "the Vulkan SDK", "vulkan"),
    Gpu("Intel", "GGML_VULKAN", "the Vulkan SDK", "vulkan"),
)


def advice(
    vendors: Collection[str] | None = None,
    system: str = sys.platform,
    python: tuple[int, int] = (sys.version_info.major, sys.version_info.minor),
) -> str:
    """The advice for this machine; empty if no GPU is found."""
    there = _vendors() if vendors is None else vendors
    found = next((gpu for gpu in GPUS if gpu.vendor in there), None)
    return found.advice(system, python) if found else ""


def _with_variable(value: str, command: str, system: str) -> list[tuple[str, str]]:
    """The command with `CMAKE_ARGS` set, for each shell of the system, behind words that introduce it."""
    if system != "win32":
        return [(":", f'CMAKE_ARGS="{value}" {command}')]
    return [
        (", in PowerShell:", f'$env:CMAKE_ARGS = "{value}"; {command}'),
        (", in cmd:", f'set "CMAKE_ARGS={value}" && {command}'),
    ]


def _vendors() -> set[str]:
    """The vendors of this machine's GPUs."""
    if sys.platform == "darwin":
        return {"Apple"} if platform.machine() == "arm64" else set()
    if sys.platform == "win32":
        return {vendor for name in _adapters() for vendor in _PCI_VENDORS.values() if vendor.lower() in name.lower()}
    found = drm_vendors(Path("/sys/class/drm"))
    if shutil.which("nvidia-smi") or Path("/proc/driver/nvidia/version").exists():  # as in WSL and containers
        found.add("NVIDIA")
    return found


def drm_vendors(folder: Path) -> set[str]:
    """The vendors of the display adapters that Linux lists in a folder."""
    found = set()
    for file in folder.glob("card*/device/vendor"):
        try:
            found.add(_PCI_VENDORS.get(file.read_text(encoding="ascii").strip(), ""))
        except (OSError, ValueError):
            continue
    return found - {""}


def _adapters() -> list[str]:
    """The names of Windows' display adapters."""
    names: list[str] = []
    if sys.platform == "win32":
        import winreg

        with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, _ADAPTERS) as adapters:
            for number in range(winreg.QueryInfoKey(adapters)[0]):
                try:
                    with winreg.OpenKey(adapters, winreg.EnumKey(adapters, number)) as adapter:
                        names.append(str(winreg.QueryValueEx(adapter, "DriverDesc")[0]))
                except OSError:  # a key that is no adapter, or may not be read
                    continue
    return names
