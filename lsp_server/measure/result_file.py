"""Writes results to a file, with the command, the machine, and every sample."""

from __future__ import annotations

import os
import platform
import shlex
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec
import psutil

_CPUINFO = Path("/proc/cpuinfo")
_ADDRESSES = ("--peer=", "--remote=")


def command_line(program: str, arguments: Sequence[str]) -> str:
    """The command as a result file may show it: only the last part of absolute paths, no address of a peer."""
    shown: list[str] = []
    for argument in arguments:
        option, equals, value = argument.partition("=") if argument.startswith("--") else ("", "", argument)
        option_of_value = option + equals or (f"{arguments[len(shown) - 1]}=" if shown else "")
        if equals or not option:
            shown.append(option + equals + _without_place(value, is_address=option_of_value in _ADDRESSES))
        else:
            shown.append(argument)
    return f"{program} {shlex.join(shown)}"


def _without_place(value: str, *, is_address: bool) -> str:
    if is_address:
        return "URL"
    return Path(value).name if os.path.isabs(value) else value  # noqa: PTH117  (the value may be no path at all)


def machine() -> dict[str, Any]:
    """The machine that a result was measured on."""
    return {
        "system": platform.system(),
        "processor": _processor(),
        "cores": psutil.cpu_count(logical=False),
        "logical_cores": psutil.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / (1 << 30), 1),
        "python": platform.python_version(),
        "llama-cpp-python": version("llama-cpp-python"),
    }


def _processor() -> str:
    if _CPUINFO.exists():
        lines = _CPUINFO.read_text(encoding="utf-8").splitlines()
        names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
        return names[0] if names else platform.processor()
    return platform.processor()


def write_json(path: Path, results: dict[str, Any], program: str = "infill") -> None:
    """Write results with their command and machine. Figures are rounded to four decimals.

    `program` is how the command line began, up to its arguments.
    """
    document = {"command": command_line(program, sys.argv[1:]), "machine": machine(), **results}
    content = msgspec.to_builtins(document, str_keys=True)
    path.write_bytes(msgspec.json.format(msgspec.json.encode(_rounded(content)), indent=1) + b"\n")


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 4)
    if isinstance(value, dict):
        return {key: _rounded(each) for key, each in value.items()}
    return [_rounded(each) for each in value] if isinstance(value, list | tuple) else value
