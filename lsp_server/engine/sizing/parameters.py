"""How a model is run on this machine: as the settings want it, or as large as its memory allows.

There is one way down from what is wanted, in small steps. Choosing goes down it until the prediction fits what is free;
where llama.cpp then cannot allocate what was predicted, loading goes on from there.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from msgspec.structs import replace

from lsp_server.engine.sizing.hardware import Gpu, Machine
from lsp_server.engine.sizing.memory import ModelShape, cache_bytes, compute_bytes, predict
from lsp_server.ipc.launch import EngineOptions
from lsp_server.ipc.model_info import Parameters

DEFAULT_CONTEXT_TOKENS = 4096
MIN_CONTEXT_TOKENS = 512
# The cache holds several documents, as far as it takes no more than this share of the memory it lies in.
CACHE_CONTEXTS = 4
CACHE_MEMORY_SHARE = 1 / 8
# A cache nobody asked for takes no more than this of what is free: the rest of the machine wants to live too.
CACHE_FREE_SHARE = 1 / 2
# Of the machine's memory, for documents that are moved out of the cache; and no more than this of what is free.
HOST_CACHE_MEMORY_SHARE, HOST_CACHE_FREE_SHARE = 1 / 8, 1 / 4
BATCH_TOKENS, MIN_BATCH_TOKENS = 512, 32
# On a CPU, short physical batches keep what an interrupted decode loses short; a GPU wants long ones.
CPU_PHYSICAL_BATCH_TOKENS, GPU_PHYSICAL_BATCH_TOKENS = 128, 512
# What is left free of a GPU, for its libraries' own buffers and the screen.
GPU_RESERVE_BYTES = 512 << 20
# Of the machine's memory, what is left to everything else.
HOST_RESERVE_SHARE = 1 / 16
# After a failure to allocate, a quarter of the layers is taken off the GPU: each try loads the model anew.
LAYERS_KEPT_SHARE = 3 / 4


@dataclass(frozen=True, slots=True)
class Sizing:
    """A model, what the settings want of it, and the machine. What the options set is kept as long as it can be."""

    options: EngineOptions
    shape: ModelShape
    machine: Machine

    def beside(self, other: Sizing) -> Sizing:
        """The same on what another model leaves of the machine, spread over its GPUs as llama.cpp spreads layers."""
        chosen = other.choose()
        machine, taken = self.machine, predict(other.shape, chosen, self.machine.repacked_types).total
        on_gpu = gpu_bytes(other.shape, chosen) + compute_bytes(other.shape, chosen) if chosen.gpu_layers else 0
        free = max(1, sum(gpu.free_bytes for gpu in machine.gpus))
        gpus = tuple(
            dataclasses.replace(gpu, free_bytes=max(0, gpu.free_bytes - on_gpu * gpu.free_bytes // free))
            for gpu in machine.gpus
        )
        free_bytes = max(0, machine.free_bytes - max(0, taken - on_gpu))
        return dataclasses.replace(self, machine=dataclasses.replace(machine, gpus=gpus, free_bytes=free_bytes))

    def choose(self) -> Parameters:
        """The first on the way down whose prediction fits, or the smallest there is."""
        parameters = self.wanted()
        while not self.fits(parameters) and (smaller := self.smaller(parameters)):
            parameters = smaller
        return parameters

    def wanted(self, *, on_gpu: bool = True) -> Parameters:
        """What would be run with if memory were no matter."""
        options, shape = self.options, self.shape
        gpus = self.machine.gpus if on_gpu and options.gpu_layers else ()
        num_layers = shape.num_layers + 1
        physical = options.physical_batch_tokens or (GPU_PHYSICAL_BATCH_TOKENS if gpus else CPU_PHYSICAL_BATCH_TOKENS)
        batch = max(options.batch_tokens or BATCH_TOKENS, MIN_BATCH_TOKENS)
        context_tokens = self._context_tokens()
        cache_type: Literal["f16", "q8_0"] = (
            "q8_0" if options.cache_type == "q8_0" and options.flash_attention else "f16"
        )
        total, free = _memory(gpus or (self.machine,))
        token_bytes = shape.cache_token_bytes(cache_type)
        max_cache_bytes = min(total * CACHE_MEMORY_SHARE, free * CACHE_FREE_SHARE)
        chosen_cache = min(
            CACHE_CONTEXTS * context_tokens,
            int(max_cache_bytes / token_bytes) if token_bytes else CACHE_CONTEXTS * context_tokens,
        )
        return Parameters(
            context_tokens=context_tokens,
            cache_tokens=max(options.cache_tokens or chosen_cache, context_tokens),
            cache_type=cache_type,
            num_sequences=options.num_sequences,
            threads=options.threads or self.machine.num_cores,
            batch_tokens=batch,
            physical_batch_tokens=min(physical, batch),
            gpu_layers=(num_layers if options.gpu_layers < 0 else min(options.gpu_layers, num_layers)) if gpus else 0,
            flash_attention=options.flash_attention,
            host_cache_bytes=options.host_cache_bytes if options.host_cache_bytes >= 0 else self._host_cache_bytes(),
            drafts=options.drafts,
        )

    def smaller(self, parameters: Parameters, layers_kept_share: float = 1.0) -> Parameters | None:
        """The next step down, or None from the last: q8_0 first, then a smaller cache, then what is slower.

        Layers leave the GPU one by one, or as the share says that is kept.
        """
        current = parameters
        if current.cache_type == "f16" and self.options.cache_type == "auto" and current.flash_attention:
            return replace(current, cache_type="q8_0")
        if current.gpu_layers:
            if current.cache_tokens > current.context_tokens and not self.options.cache_tokens:
                return replace(current, cache_tokens=current.context_tokens)
            num_layers = min(current.gpu_layers - 1, int(current.gpu_layers * layers_kept_share))
            return replace(current, gpu_layers=num_layers) if num_layers else self.wanted(on_gpu=False)
        if current.cache_tokens > current.context_tokens:
            return replace(current, cache_tokens=max(current.cache_tokens // 2, current.context_tokens))
        if current.context_tokens > MIN_CONTEXT_TOKENS:
            context_tokens = max(current.context_tokens // 2, MIN_CONTEXT_TOKENS)
            return replace(current, context_tokens=context_tokens, cache_tokens=context_tokens)
        return None

    def fits(self, parameters: Parameters) -> bool:
        """Whether there is memory for it, by prediction. Layers that the settings put on the GPU are taken to fit."""
        if parameters.gpu_layers:
            is_set = self.options.gpu_layers >= 0
            return is_set or gpu_bytes(self.shape, parameters) <= gpu_room(self.machine.gpus, self.shape, parameters)
        host = self.machine
        memory = predict(self.shape, parameters, host.repacked_types)
        if not self.options.cache_tokens and memory.cache > host.free_bytes * CACHE_FREE_SHARE:
            return False
        # Weights are mapped from their file: what does not fit of them is read again and again, which is no failure.
        weights = min(memory.weights, host.free_bytes // 2)
        return weights + memory.working + memory.cache <= host.free_bytes - host.total_bytes * HOST_RESERVE_SHARE

    def notes(self, chosen: Parameters) -> tuple[str, ...]:
        """Sentences for the user: what is not as it was wanted."""
        notes = []
        trained, options = self.shape.trained_context_tokens, self.options
        if trained and options.context_tokens > trained:
            notes.append(
                f"engine.context_tokens is {options.context_tokens}, but this model was trained for {trained} tokens; "
                "beyond them it writes nonsense. The window has no more."
            )
        if chosen.context_tokens < self._context_tokens() or chosen.cache_tokens < options.cache_tokens:
            notes.append(
                f"There is not enough memory for the cache that was wanted: it has {chosen.cache_tokens} tokens, and a "
                f"prompt with its answer at most {chosen.context_tokens}. Close other programs, or use a smaller model."
            )
        if options.cache_type == "auto" and chosen.cache_type == "q8_0":
            notes.append("The cache is kept in q8_0 instead of f16, half the size, because memory is short.")
        if options.cache_type == "q8_0" and chosen.cache_type == "f16":
            notes.append("A cache in q8_0 needs flash attention, which is off: it is kept in f16.")
        wanted_layers = self.wanted().gpu_layers
        if chosen.gpu_layers < wanted_layers:
            where = f"{chosen.gpu_layers} of {wanted_layers} layers are" if chosen.gpu_layers else "No layer is"
            notes.append(
                f"{where} on the GPU, because its memory is short; the CPU runs the others and is slower. "
                "A smaller quantisation, a smaller model or a smaller engine.cache_tokens may fit."
            )
        if not chosen.gpu_layers and self.shape.weights_bytes > self.machine.free_bytes:
            notes.append(
                "The model is larger than the free memory, so it is read from the disk all the time. Use a smaller one."
            )
        return tuple(notes)

    def _context_tokens(self) -> int:
        context_tokens = self.options.context_tokens or DEFAULT_CONTEXT_TOKENS
        return min(context_tokens, self.shape.trained_context_tokens or context_tokens)

    def _host_cache_bytes(self) -> int:
        host = self.machine
        return int(min(host.total_bytes * HOST_CACHE_MEMORY_SHARE, host.free_bytes * HOST_CACHE_FREE_SHARE))


def gpu_bytes(shape: ModelShape, parameters: Parameters) -> int:
    """What lies on the GPUs besides compute buffers: the output, and as many of the last layers as there is to go."""
    blocks = parameters.gpu_layers - 1
    if blocks < 0:
        return 0
    output = shape.output_bytes + (shape.input_bytes if shape.has_tied_output else 0)
    weights = sum(shape.layer_bytes[shape.num_layers - blocks :])
    return output + weights + cache_bytes(shape, parameters, blocks)


def gpu_room(gpus: Sequence[Gpu], shape: ModelShape, parameters: Parameters) -> int:
    """What there is room for on GPUs besides compute buffers.

    A layer lies on one GPU, so up to one is lost on every further one. Where layers stay on the CPU, long batches have
    their weights copied to the GPU, one tensor at a time.
    """
    is_partial = parameters.gpu_layers <= shape.num_layers
    taken = GPU_RESERVE_BYTES + compute_bytes(shape, parameters) + (shape.largest_bytes if is_partial else 0)
    layer = max(shape.layer_bytes, default=0) + cache_bytes(shape, parameters) // max(1, shape.num_layers)
    return sum(max(0, gpu.free_bytes - taken) for gpu in gpus) - (len(gpus) - 1) * layer


def _memory(places: Sequence[Gpu | Machine]) -> tuple[int, int]:
    """Total and free bytes."""
    return sum(place.total_bytes for place in places), sum(place.free_bytes for place in places)


def draft_options(options: EngineOptions) -> EngineOptions:
    """How the draft model is run: as the model it guesses for, for one text in a cache of one window."""
    return replace(
        options,
        model_path=options.draft_model_path,
        draft_model_path="",
        notes=(),
        needs_infill=False,
        num_sequences=1,
        cache_tokens=MIN_CONTEXT_TOKENS,
        host_cache_bytes=0,
        drafts=False,
    )
