"""How a model is run on this machine: chosen from what is there, unless the settings say otherwise."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

import psutil

from lsp_server.engine.messages import EngineOptions, Parameters

DEFAULT_WINDOW_TOKENS = 4096
LEAST_WINDOW_TOKENS = 512
# The cache holds several documents, as far as it takes no more than this share of the machine's memory.
CACHE_WINDOWS = 4
CACHE_MEMORY_SHARE = 1 / 8
# Of the machine's memory, for documents that are moved out of the cache; and no more than this of what is free.
SAVED_MEMORY_SHARE, SAVED_FREE_SHARE = 1 / 8, 1 / 4
BATCH_TOKENS, LEAST_BATCH_TOKENS = 512, 32
# On a CPU, short physical batches keep what an interrupted decode loses short; a GPU wants long ones.
CPU_PHYSICAL_BATCH_TOKENS, GPU_PHYSICAL_BATCH_TOKENS = 128, 512
# Threads that evaluate together wait for each other at every node of the graph, and spin while they wait. GNU's OpenMP
# spins for some milliseconds; where another program wants a core, that keeps the thread that is waited for from it.
# This is long enough for an idle machine. `infill bench typing --busy` measures it; no result is recorded yet.
SPIN_COUNT = "1000"


@dataclass(frozen=True, slots=True)
class Machine:
    """What there is to run on. Memory in bytes."""

    num_cores: int
    total_bytes: int
    free_bytes: int
    has_gpu: bool


@dataclass(frozen=True, slots=True)
class ModelNeeds:
    """What a model's file says of its needs. `cache_token_bytes` is by cache type."""

    trained_window_tokens: int
    num_layers: int
    cache_token_bytes: dict[str, float]


def look(*, has_gpu: bool) -> Machine:
    """This machine, as much of it as this process may use."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    memory = psutil.virtual_memory()
    num_cores = min(psutil.cpu_count(logical=False) or allowed, allowed)
    return Machine(num_cores, memory.total, memory.available, has_gpu)


def environment(inherited: Mapping[str, str]) -> dict[str, str]:
    """The environment to run llama.cpp in; what the user has set of it stays."""
    if "OMP_WAIT_POLICY" in inherited or "GOMP_SPINCOUNT" in inherited:
        return dict(inherited)
    return {**inherited, "GOMP_SPINCOUNT": SPIN_COUNT}


def choose(options: EngineOptions, needs: ModelNeeds, machine: Machine) -> Parameters:
    """Parameters for a model on a machine. What the options set is taken as it is, within what the model can."""
    token_bytes = needs.cache_token_bytes[options.cache_type]
    window = min(options.window_tokens or DEFAULT_WINDOW_TOKENS, needs.trained_window_tokens)
    if not options.window_tokens:
        # Half of what is free: the rest of the machine wants to live too.
        while window > LEAST_WINDOW_TOKENS and window * token_bytes > machine.free_bytes / 2:
            window //= 2
    most = min(machine.total_bytes * CACHE_MEMORY_SHARE, machine.free_bytes / 2)
    chosen_cache = min(CACHE_WINDOWS * window, int(most / token_bytes) if token_bytes else CACHE_WINDOWS * window)
    physical = GPU_PHYSICAL_BATCH_TOKENS if machine.has_gpu and options.gpu_layers else CPU_PHYSICAL_BATCH_TOKENS
    batch = max(options.batch_tokens or BATCH_TOKENS, LEAST_BATCH_TOKENS)
    return Parameters(
        window_tokens=window,
        cache_tokens=max(options.cache_tokens or chosen_cache, window),
        cache_type=options.cache_type,
        num_sequences=options.num_sequences,
        threads=options.threads or machine.num_cores,
        batch_tokens=batch,
        physical_batch_tokens=min(physical, batch),
        gpu_layers=_gpu_layers(options.gpu_layers, needs.num_layers) if machine.has_gpu else 0,
        flash_attention=options.flash_attention,
        saved_bytes=options.saved_bytes if options.saved_bytes >= 0 else _saved_bytes(machine),
    )


def _saved_bytes(machine: Machine) -> int:
    return int(min(machine.total_bytes * SAVED_MEMORY_SHARE, machine.free_bytes * SAVED_FREE_SHARE))


def _gpu_layers(wanted: int, num_layers: int) -> int:
    """All of them, and the output beside, for a negative number."""
    return num_layers + 1 if wanted < 0 else min(wanted, num_layers + 1)
