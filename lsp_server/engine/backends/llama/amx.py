"""Switches off Intel's matrix extension AMX in llama.cpp. With AMX it crashes on machines that have it.

GCC 12, the compiler of Debian 12, miscompiles the set-up of AMX's tiles. It drops the writes to the configuration that
`ldtilecfg` reads. llama.cpp's pull request 26954 repairs that, and its issue 20824 has reports. llama.cpp has no option
against AMX. But it asks Linux for permission, and works without AMX if Linux refuses.

Sources: `ggml/src/ggml-cpu/amx/amx.cpp` and `ggml/src/ggml-cpu/ggml-cpu.cpp` of the llama.cpp in llama-cpp-python
0.3.36; Linux' `Documentation/arch/x86/xstate.rst`, on alternate signal stacks.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import llama_cpp
from llama_cpp._ctypes_extensions import load_shared_library

# Enough for a signal's frame without AMX's tiles, which take 8 KiB, and too little for one with them.
_STACK_BYTES = 8192
_CPU = 0  # enum ggml_backend_dev_type
_STANDARD_ERROR = 2


def switch_off() -> None:
    """Make llama.cpp decide now, once and for all, not to use AMX. Call it before a model is loaded."""
    folder = Path(llama_cpp.__file__).parent / "lib"
    registry, base = load_shared_library("ggml", folder), load_shared_library("ggml-base", folder)
    device_of, registry_of, function_of = (
        registry.ggml_backend_dev_by_type,
        base.ggml_backend_dev_backend_reg,
        base.ggml_backend_reg_get_proc_address,
    )
    device_of.argtypes, device_of.restype = [ctypes.c_int], ctypes.c_void_p
    registry_of.argtypes, registry_of.restype = [ctypes.c_void_p], ctypes.c_void_p
    function_of.argtypes, function_of.restype = [ctypes.c_void_p, ctypes.c_char_p], ctypes.c_void_p
    device = device_of(_CPU)
    address = function_of(registry_of(device), b"ggml_backend_dev_get_extra_bufts")
    if address:
        choose = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p)(address)
        with _amx_refused(), _stderr_discarded():
            choose(device)


class _Stack(ctypes.Structure):
    """`stack_t` of Linux."""

    _fields_ = (("start", ctypes.c_void_p), ("flags", ctypes.c_int), ("size", ctypes.c_size_t))


@contextlib.contextmanager
def _amx_refused() -> Iterator[None]:
    """Linux refuses AMX to a process with a thread whose alternate signal stack is too small for it."""
    if not sys.platform.startswith("linux"):
        yield
        return
    system = ctypes.CDLL(None)
    memory = ctypes.create_string_buffer(_STACK_BYTES)
    small, before = _Stack(ctypes.addressof(memory), 0, _STACK_BYTES), _Stack()
    system.sigaltstack(ctypes.byref(small), ctypes.byref(before))
    try:
        yield
    finally:
        system.sigaltstack(ctypes.byref(before), None)


@contextlib.contextmanager
def _stderr_discarded() -> Iterator[None]:
    """Discard standard error. llama.cpp reports the refusal there, past its own log."""
    sys.stderr.flush()
    kept = os.dup(_STANDARD_ERROR)
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, _STANDARD_ERROR)
    try:
        yield
    finally:
        os.dup2(kept, _STANDARD_ERROR)
        os.close(nothing)
        os.close(kept)
