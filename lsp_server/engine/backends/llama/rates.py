"""Measures how fast this machine multiplies matrices of weights, in a process of its own.

Decode reads every weight once a token; prefill multiplies many tokens with it. Each core multiplies on its own, and its
processor time counts, so other programs do not disturb: threads of one graph would wait for each other. All cores work
at the same time, because they share the memory's bandwidth. Source: `ggml/include/ggml.h`, `ggml-backend.h` and
`ggml-alloc.h` of the llama.cpp in llama-cpp-python 0.3.36.
"""

from __future__ import annotations

import contextlib
import ctypes
import itertools
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import llama_cpp
import msgspec
from llama_cpp._ctypes_extensions import load_shared_library

from lsp_server.engine.backends.llama.devices import detect_machine_with_llama
from lsp_server.engine.backends.llama.log import capture_log
from lsp_server.engine.sizing.hardware import Machine, Rates

_LIBRARIES = Path(llama_cpp.__file__).parent / "lib"
_ROWS = _COLUMNS = 4096
_FLOAT = 0  # enum ggml_type
_CPU = 0  # enum ggml_backend_dev_type
# Decode reads more than a processor's cache holds: so many matrices of some 10 MB, all cores together. Each core has at
# least one and at most an eighth of them. Prefill is slow, so one for each core will do.
_DECODE_MATRICES, _PREFILL_MATRICES, _PREFILL_TOKENS = 64, 1, 64
_TRIES = 4
_POINTER = ctypes.c_void_p
# Bytes of weights read, and parameters multiplied with tokens, per second of processor time.
Rate = tuple[float, float]


class _InitParams(ctypes.Structure):
    """`ggml_init_params`."""

    _fields_ = (("size", ctypes.c_size_t), ("buffer", _POINTER), ("no_alloc", ctypes.c_bool))


class _Ggml:
    """The functions of ggml that multiply matrices, with their types."""

    def __init__(self) -> None:
        registry, base, cpu = (load_shared_library(name, _LIBRARIES) for name in ("ggml", "ggml-base", "ggml-cpu"))

        def function(library: ctypes.CDLL, name: str, result: Any, *arguments: Any) -> Any:
            found = getattr(library, name)
            found.restype, found.argtypes = result, list(arguments)
            return found

        self.init = function(base, "ggml_init", _POINTER, _InitParams)
        self.free = function(base, "ggml_free", None, _POINTER)
        self.tensor = function(
            base, "ggml_new_tensor_2d", _POINTER, _POINTER, ctypes.c_int, ctypes.c_int64, ctypes.c_int64
        )
        self.multiply = function(base, "ggml_mul_mat", _POINTER, _POINTER, _POINTER, _POINTER)
        self.graph = function(base, "ggml_new_graph", _POINTER, _POINTER)
        self.expand = function(base, "ggml_build_forward_expand", None, _POINTER, _POINTER)
        self.allocate = function(base, "ggml_backend_alloc_ctx_tensors_from_buft", _POINTER, _POINTER, _POINTER)
        self.release = function(base, "ggml_backend_buffer_free", None, _POINTER)
        self.set = function(
            base, "ggml_backend_tensor_set", None, _POINTER, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_size_t
        )
        self.size = function(base, "ggml_nbytes", ctypes.c_size_t, _POINTER)
        self.compute = function(base, "ggml_backend_graph_compute", ctypes.c_int, _POINTER, _POINTER)
        self.close = function(base, "ggml_backend_free", None, _POINTER)
        self.set_threads = function(cpu, "ggml_backend_cpu_set_n_threads", None, _POINTER, ctypes.c_int)
        open_device = function(base, "ggml_backend_dev_init", _POINTER, _POINTER, ctypes.c_char_p)
        device = function(registry, "ggml_backend_dev_by_type", _POINTER, ctypes.c_int)(_CPU)
        self.open: Callable[[], Any] = lambda: open_device(device, None)
        self.plain = function(base, "ggml_backend_cpu_buffer_type", _POINTER)()
        registry_of = function(base, "ggml_backend_dev_backend_reg", _POINTER, _POINTER)
        find = function(base, "ggml_backend_reg_get_proc_address", _POINTER, _POINTER, ctypes.c_char_p)
        name_of = function(base, "ggml_backend_buft_name", ctypes.c_char_p, _POINTER)
        address = find(registry_of(device), b"ggml_backend_dev_get_extra_bufts")
        extra = ctypes.CFUNCTYPE(ctypes.POINTER(_POINTER), _POINTER)(address)(device) if address else None
        others = itertools.takewhile(bool, (extra[number] for number in itertools.count())) if extra else ()
        # The buffers that llama.cpp copies weights to, in the order that suits the CPU.
        self.repacking = next((each for each in others if name_of(each) == b"CPU_REPACK"), self.plain)


def measure(machine: Machine, types: tuple[int, ...]) -> Rates:
    """The best rates of all cores together, for weights of these types (`enum ggml_type`)."""
    ggml = _Ggml()
    bytes_per_s, parameters_per_s = {}, {}
    num_matrices = max(1, _DECODE_MATRICES // max(8, machine.num_cores))
    for kind in types:
        buffers = ggml.repacking if kind in machine.repacked_types else ggml.plain

        def together(num_matrices: int, num_tokens: int, kind: int = kind, buffers: int = buffers) -> Rate:
            return _together(machine.num_cores, lambda: _alone(ggml, kind, buffers, num_matrices, num_tokens))

        bytes_per_s[kind] = together(num_matrices, 1)[0]
        parameters_per_s[kind] = together(_PREFILL_MATRICES, _PREFILL_TOKENS)[1]
    return Rates(bytes_per_s, parameters_per_s)


def _together(num_cores: int, work: Callable[[], Rate]) -> Rate:
    """The sums of what all cores do at once."""
    found: list[Rate] = []
    threads = [threading.Thread(target=lambda: found.append(work())) for _ in range(num_cores)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(each[0] for each in found), sum(each[1] for each in found)


def _alone(ggml: _Ggml, kind: int, buffers: int, num_matrices: int, num_tokens: int) -> Rate:
    """What one core does."""
    with contextlib.ExitStack() as stack:

        def context() -> Any:
            made = ggml.init(_InitParams(1 << 20, None, no_alloc=True))
            stack.callback(ggml.free, made)
            return made

        def allocate(owner: Any, kind_of_buffer: int) -> None:
            stack.callback(ggml.release, ggml.allocate(owner, kind_of_buffer))

        weights, values = context(), context()
        matrices = [ggml.tensor(weights, kind, _COLUMNS, _ROWS) for _ in range(num_matrices)]
        allocate(weights, buffers)
        num_bytes = ggml.size(matrices[0])
        zeros = bytes(num_bytes)
        for matrix in matrices:
            ggml.set(matrix, zeros, 0, num_bytes)
        tokens, graph = ggml.tensor(values, _FLOAT, _COLUMNS, num_tokens), ggml.graph(values)
        for matrix in matrices:
            ggml.expand(graph, ggml.multiply(values, matrix, tokens))
        allocate(values, ggml.plain)
        backend = ggml.open()
        stack.callback(ggml.close, backend)
        ggml.set_threads(backend, 1)
        seconds = []
        for _ in range(_TRIES):
            began = time.thread_time()
            ggml.compute(backend, graph)
            seconds.append(time.thread_time() - began)
    best = max(min(seconds), 1e-9)
    return num_bytes * num_matrices / best, _ROWS * _COLUMNS * num_matrices * num_tokens / best


def main() -> None:
    """Print the `Rates` for the types in the arguments as one line of JSON."""
    capture_log()
    rates = measure(detect_machine_with_llama(), tuple(map(int, sys.argv[1:])))
    sys.stdout.write(msgspec.json.encode(rates).decode() + "\n")


if __name__ == "__main__":
    main()
