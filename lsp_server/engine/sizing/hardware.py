"""The machine that a model runs on."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

import psutil

# llama.cpp's threads wait for each other at every node of the graph, and spin while they wait. GNU's OpenMP spins for
# some milliseconds by default. If another program needs a core, that delays the very thread the others wait for. This
# count is enough for an idle machine. `infill bench typing --busy` measures it; no result is recorded yet.
SPIN_COUNT = "1000"


@dataclass(frozen=True, slots=True)
class Gpu:
    """A device that llama.cpp can put layers on. Memory is in bytes."""

    name: str
    total_bytes: int
    free_bytes: int


@dataclass(frozen=True, slots=True)
class Machine:
    """The resources of this machine. Memory is in bytes.

    On this CPU, llama.cpp keeps a second copy of weights of the types in `repacked_types` (`memory.repacked_types`).
    """

    num_cores: int
    total_bytes: int
    free_bytes: int
    gpus: tuple[Gpu, ...] = ()
    repacked_types: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class LlamaFeatures:
    """Version and build of llama.cpp, and the machine as llama.cpp sees it.

    `system` are instruction sets and backends, as llama.cpp prints them.
    """

    version: str
    offloads_to_gpu: bool
    system: str
    machine: Machine


def detect_machine(gpus: tuple[Gpu, ...] = (), repacked_types: tuple[int, ...] = ()) -> Machine:
    """This machine, as far as this process may use it."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    memory = psutil.virtual_memory()
    num_cores = min(psutil.cpu_count(logical=False) or allowed, allowed)
    return Machine(num_cores, memory.total, memory.available, gpus, repacked_types)


def environment(inherited: Mapping[str, str]) -> dict[str, str]:
    """The environment for a process that runs llama.cpp. Values that the user has set stay."""
    if "OMP_WAIT_POLICY" in inherited or "GOMP_SPINCOUNT" in inherited:
        return dict(inherited)
    return {**inherited, "GOMP_SPINCOUNT": SPIN_COUNT}
