"""The machine as llama.cpp sees it. A process of its own asks llama.cpp."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from collections.abc import Collection
from importlib.metadata import version
from pathlib import Path
from typing import TypeVar

import msgspec
import platformdirs

from lsp_server.base.errors import EngineError
from lsp_server.engine.sizing.hardware import LlamaFeatures, Rates, detect_machine

_Answer = TypeVar("_Answer")


def llama_features() -> LlamaFeatures:
    """llama.cpp's build and this machine. Raises `EngineError` if llama.cpp does not run here."""
    return _ask("features", LlamaFeatures)


def measured_rates(types: Collection[int], file: Path | None = None) -> Rates:
    """The best rates of this machine, of now and of earlier measurements, which `file` keeps.

    Raises `EngineError` if llama.cpp does not run here.
    """
    file = file or platformdirs.user_cache_path("infill") / "rates.json"
    machine, now = _identity(), _ask("rates", Rates, *map(str, sorted(types)))
    try:
        kept = msgspec.json.decode(file.read_bytes(), type=dict[str, Rates])
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        kept = {}
    best = kept[machine].best(now) if machine in kept else now
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        part = file.with_name(f"{file.name}.{os.getpid()}")
        part.write_bytes(msgspec.json.encode({**kept, machine: best}))
        part.replace(file)
    except OSError:
        pass  # it is measured again next time
    return best


def _identity() -> str:
    """What decides how fast this machine can be. A home folder may be shared between machines."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    processor = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    parts = (
        platform.node(),
        processor or platform.processor() or platform.machine(),
        f"{detect_machine().num_cores} cores",
        f"llama-cpp-python {version('llama-cpp-python')}",
    )
    return ", ".join(parts)


def _ask(module: str, kind: type[_Answer], *arguments: str) -> _Answer:
    """What a module that runs llama.cpp prints."""
    command = [sys.executable, "-m", f"lsp_server.engine.backends.llama.{module}", *arguments]
    result = subprocess.run(command, capture_output=True, check=False)
    try:
        return msgspec.json.decode(result.stdout, type=kind)
    except msgspec.MsgspecError:
        raise EngineError(
            f"llama.cpp does not run on this machine (status {result.returncode}). Reinstall it for this machine: "
            "pip install --force-reinstall --no-binary llama-cpp-python llama-cpp-python"
        ) from None
