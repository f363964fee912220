"""The machine: what a model is run on."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

import psutil

# Threads that evaluate together wait for each other at every node of the graph, and spin while they wait. GNU's OpenMP
# spins for some milliseconds; where another program wants a core, that keeps the thread that is waited for from it.
# This is long enough for an idle machine. `infill bench typing --busy` measures it; no result is recorded yet.
SPIN_COUNT = "1000"


@dataclass(frozen=True, slots=True)
class Gpu:
    """A device that llama.cpp can put layers on. Memory in bytes."""

    name: str
    total_bytes: int
    free_bytes: int


@dataclass(frozen=True, slots=True)
class Machine:
    """What there is to run on. Memory in bytes.

    `repacked_types` are those of which llama.cpp keeps a second copy on this CPU, see `memory.repacked_types`.
    """

    num_cores: int
    total_bytes: int
    free_bytes: int
    gpus: tuple[Gpu, ...] = ()
    repacked_types: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class LlamaFeatures:
    """Version and build of llama.cpp, and the machine as it sees it.

    `system` are instruction sets and backends, as llama.cpp prints them.
    """

    version: str
    offloads_to_gpu: bool
    system: str
    machine: Machine


def look(gpus: tuple[Gpu, ...] = (), repacked_types: tuple[int, ...] = ()) -> Machine:
    """This machine, as much of it as this process may use."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    memory = psutil.virtual_memory()
    num_cores = min(psutil.cpu_count(logical=False) or allowed, allowed)
    return Machine(num_cores, memory.total, memory.available, gpus, repacked_types)


def environment(inherited: Mapping[str, str]) -> dict[str, str]:
    """The environment to run llama.cpp in; what the user has set of it stays."""
    if "OMP_WAIT_POLICY" in inherited or "GOMP_SPINCOUNT" in inherited:
        return dict(inherited)
    return {**inherited, "GOMP_SPINCOUNT": SPIN_COUNT}
