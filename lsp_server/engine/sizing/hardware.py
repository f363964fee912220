"""The machine that a model runs on."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import psutil

from lsp_server.engine.sizing.cgroup import read_limits

# llama.cpp's threads wait for each other at every node of the graph, and spin while they wait. GNU's OpenMP spins for
# some milliseconds by default. If another program needs a core, that delays the very thread the others wait for. This
# count is enough for an idle machine. `infill bench typing --busy` measures it; no result is recorded yet.
SPIN_COUNT = "1000"


@dataclass(frozen=True, slots=True)
class Gpu:
    """A device that llama.cpp can put layers on. Memory is in bytes. An integrated GPU has no memory but the host's."""

    name: str
    total_bytes: int
    free_bytes: int
    is_integrated: bool = False


@dataclass(frozen=True, slots=True)
class Machine:
    """The resources of this machine, or of the container that it pretends to be. Memory is in bytes.

    On this CPU, llama.cpp keeps a second copy of weights of the types in `repacked_types` (`memory.repacked_types`).
    """

    num_cores: int
    total_bytes: int
    free_bytes: int
    gpus: tuple[Gpu, ...] = ()
    repacked_types: tuple[int, ...] = ()

    @property
    def shares_memory(self) -> bool:
        """Whether what is on the GPU takes the host's memory."""
        return any(gpu.is_integrated for gpu in self.gpus)


@dataclass(frozen=True, slots=True)
class Rates:
    """What this CPU does per second, by type of weights (`enum ggml_type`).

    In decode it reads bytes of weights. In prefill it multiplies parameters with prompt tokens.
    """

    bytes_per_s: dict[int, float]
    parameters_per_s: dict[int, float]

    def best(self, other: Rates) -> Rates:
        """The higher of both rates: other programs only ever make one lower."""
        return Rates(
            _highest(self.bytes_per_s, other.bytes_per_s), _highest(self.parameters_per_s, other.parameters_per_s)
        )


def _highest(one: dict[int, float], other: dict[int, float]) -> dict[int, float]:
    return {kind: max(one.get(kind, 0.0), other.get(kind, 0.0)) for kind in one | other}


@dataclass(frozen=True, slots=True)
class LlamaFeatures:
    """Version and build of llama.cpp, and the machine as llama.cpp sees it.

    `system` are instruction sets and backends, as llama.cpp prints them.
    """

    version: str
    offloads_to_gpu: bool
    system: str
    machine: Machine


def detect_machine(gpus: tuple[Gpu, ...] = (), repacked_types: tuple[int, ...] = (), root: Path = Path("/")) -> Machine:
    """This machine, as far as this process may use it. `root` is that of the file system."""
    limits, memory = read_limits(root), psutil.virtual_memory()
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if limits.cpus is not None:
        # More threads than the quota would stop together, each time it is used up.
        allowed = min(allowed, max(1, int(limits.cpus)))
    num_cores = min(psutil.cpu_count(logical=False) or allowed, allowed)
    total = min(memory.total, limits.total_bytes or memory.total)
    free = memory.available if limits.free_bytes is None else min(memory.available, limits.free_bytes)
    # A driver counts what it gave away itself, and not what other programs take of the host's memory.
    shared = tuple(
        replace(gpu, total_bytes=min(gpu.total_bytes, total), free_bytes=min(gpu.free_bytes, free))
        if gpu.is_integrated
        else gpu
        for gpu in gpus
    )
    return Machine(num_cores, total, free, shared, repacked_types)


def environment(inherited: Mapping[str, str]) -> dict[str, str]:
    """The environment for a process that runs llama.cpp. Values that the user has set stay."""
    if "OMP_WAIT_POLICY" in inherited or "GOMP_SPINCOUNT" in inherited:
        return dict(inherited)
    return {**inherited, "GOMP_SPINCOUNT": SPIN_COUNT}
