"""Which models of the catalogue suit a machine, by estimate from their sizes and from rates measured here.

Decode reads every active weight once a token, so its time is that of reading their bytes. Prefill multiplies every
token with every active parameter, so its time is that of these products. Both rates are measured on the CPU, for each
type of weights (`engine/backends/llama/rates.py`). Attention comes on top; with a short context it takes little of the
time. For the 1.3B shape of `tests/bench/synthetic.py` both estimates were 1.2 times what it does, on a busy Xeon.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

from lsp_server.catalog.models import CatalogModel, HubFile
from lsp_server.engine.sizing.hardware import Machine, Rates
from lsp_server.engine.sizing.parameters import DEFAULT_CONTEXT_TOKENS, GPU_RESERVE_BYTES, HOST_RESERVE_SHARE

# Bits of file per parameter, for files of unknown size; from llama.cpp's own conversions.
_BITS = {"Q4_K_M": 4.9, "Q6_K": 6.6, "Q8_0": 8.6}
_MAX_BITS = 16.0
# Types of weights (`enum ggml_type`) with their shares of a file. DeepSeek-Coder 1.3B has 0.58 of Q4_K_M in Q4_K.
_Q8_0, _Q4_K, _Q6_K = 8, 12, 14
TYPES = {"Q4_K_M": {_Q4_K: 0.6, _Q6_K: 0.4}, "Q6_K": {_Q6_K: 1.0}, "Q8_0": {_Q8_0: 1.0}}
# Compute and output buffers on a CPU. On a GPU they have some hundred MiB, which its reserve covers.
_BUFFERS_BYTES = 64 << 20
# A line has some twelve tokens and should take about a second. A full prompt is prefilled when a file is opened.
FLUENT_DECODE_TOKENS_PER_S = 10.0
FLUENT_PREFILL_TOKENS_PER_S = 40.0


class Verdict(IntEnum):
    """How well a model suits a machine; smaller is better."""

    GOOD = 0
    SLOW = 1
    TIGHT = 2
    TOO_LARGE = 3


@dataclass(frozen=True, slots=True)
class Recommendation:
    """A file of a model, and what to expect of it on this machine. `reason` is a sentence.

    Speeds are those of the CPU, in tokens per second. `on_gpu` means that it fits the GPU, whose speed is not
    estimated.
    """

    model: CatalogModel
    quantisation: str
    memory_bytes: int
    prefill_tokens_per_s: float
    decode_tokens_per_s: float
    on_gpu: bool
    verdict: Verdict
    reason: str

    @property
    def name(self) -> str:
        """The name that `infill models pull` takes."""
        return f"{self.model.name}:{self.quantisation}"


def file_bytes(model: CatalogModel, quantisation: str, file: HubFile) -> float:
    """A file's size in bytes, as its page says, or else by its quantisation."""
    return file.gigabytes * 1e9 or model.num_parameters * _BITS.get(quantisation, _MAX_BITS) / 8


def estimate_memory(model: CatalogModel, quantisation: str, file: HubFile, repacked_types: tuple[int, ...] = ()) -> int:
    """About how many bytes a model takes, with a KV cache in f16 for one context: for a file that is not here."""
    weights = file_bytes(model, quantisation, file)
    repacked = weights * sum(share for kind, share in TYPES.get(quantisation, {}).items() if kind in repacked_types)
    num_tokens = min(DEFAULT_CONTEXT_TOKENS, model.context_tokens)
    return int(weights + repacked + num_tokens * model.kv_bytes_per_token + _BUFFERS_BYTES)


def recommend(models: Iterable[CatalogModel], machine: Machine, rates: Rates) -> list[Recommendation]:
    """Every file of every usable model, best first.

    Among those that are fast enough, larger ones come first. Models without restriction of commercial use come before
    the others.
    """
    usable = [model for model in models if not model.refused]
    found = [_judge(model, name, file, machine, rates) for model in usable for name, file in model.files.items()]
    return sorted(found, key=_rank)


def _judge(model: CatalogModel, quantisation: str, file: HubFile, machine: Machine, rates: Rates) -> Recommendation:
    active_share = model.num_active_parameters / model.num_parameters
    types = TYPES.get(quantisation, TYPES["Q8_0"])
    prefill = _rate(rates.parameters_per_s, types) / model.num_active_parameters
    decode = _rate(rates.bytes_per_s, types) / (file_bytes(model, quantisation, file) * active_share)
    # An integrated GPU reads weights from the host's memory, so it is no faster than that.
    room = sum(max(0, gpu.free_bytes - GPU_RESERVE_BYTES) for gpu in machine.gpus if not gpu.is_integrated)
    memory_on_gpu = estimate_memory(model, quantisation, file)
    on_gpu = memory_on_gpu <= room
    memory = memory_on_gpu if on_gpu else estimate_memory(model, quantisation, file, machine.repacked_types)
    is_fluent = decode >= FLUENT_DECODE_TOKENS_PER_S and prefill >= FLUENT_PREFILL_TOKENS_PER_S
    usable_bytes = machine.total_bytes * (1 - HOST_RESERVE_SHARE)
    if on_gpu:
        verdict, reason = Verdict.GOOD, "Fits the GPU."
    elif memory > usable_bytes:
        verdict, reason = Verdict.TOO_LARGE, "Larger than this machine's memory."
    elif memory > machine.free_bytes - machine.total_bytes * HOST_RESERVE_SHARE:
        verdict, reason = Verdict.TIGHT, "Fits once other programs are closed."
    elif is_fluent:
        verdict, reason = Verdict.GOOD, "Fits, and is quick enough to type with."
    else:
        what = "writes" if decode < FLUENT_DECODE_TOKENS_PER_S else "reads"
        verdict, reason = Verdict.SLOW, f"Fits, but {what} slowly: answers will lag behind typing."
    if model.licence.forbids_commercial_use:
        reason += f" {model.licence.summary}"
    return Recommendation(model, quantisation, memory, prefill, decode, on_gpu, verdict, reason)


def _rate(rates: dict[int, float], types: dict[int, float]) -> float:
    """The rate of a file whose weights are of several types: their times add up. 0 if one was not measured."""
    if not all(rates.get(kind) for kind in types):
        return 0.0
    return 1 / sum(share / rates[kind] for kind, share in types.items())


def _rank(found: Recommendation) -> tuple[object, ...]:
    model = found.model
    restrictions = (model.licence.forbids_commercial_use, model.role != "base")
    if found.verdict is Verdict.GOOD:
        return (found.verdict, *restrictions, -model.num_parameters, -found.memory_bytes, found.name)
    return (found.verdict, *restrictions, found.memory_bytes, 0, found.name)
