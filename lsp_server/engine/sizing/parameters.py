"""Chooses the parameters of a model: as the settings want them, or as large as memory allows. Pure.

The search starts with the wanted parameters and steps down (`Sizing.next_step_down`). The choice is the first step
whose prediction fits the free memory. If llama.cpp then fails to allocate, loading takes further steps.
"""

from __future__ import annotations

import operator
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
# The cache holds this many contexts, so several documents, up to this share of its memory.
CACHE_CONTEXTS = 4
CACHE_MEMORY_SHARE = 1 / 8
# A cache of default size takes at most this share of the free memory, so that other programs have room.
CACHE_FREE_SHARE = 1 / 2
# The host cache takes at most these shares of the total and of the free memory.
HOST_CACHE_MEMORY_SHARE, HOST_CACHE_FREE_SHARE = 1 / 8, 1 / 4
BATCH_TOKENS, MIN_BATCH_TOKENS = 512, 32
# On a CPU, short physical batches lose little work when a decode is interrupted. A GPU needs long ones.
CPU_PHYSICAL_BATCH_TOKENS, GPU_PHYSICAL_BATCH_TOKENS = 128, 512
# Memory left free on a GPU, for its libraries' own buffers and the screen.
GPU_RESERVE_BYTES = 512 << 20
# The share of the machine's memory that other programs keep.
HOST_RESERVE_SHARE = 1 / 16
# After a failed allocation a quarter of the layers leaves the GPU, because each try loads the model again.
LAYERS_KEPT_SHARE = 3 / 4


@dataclass(frozen=True, slots=True)
class Sizing:
    """A model, the settings for it, and the machine. Values that the settings name are kept as long as possible."""

    options: EngineOptions
    shape: ModelShape
    machine: Machine

    def choose(self) -> Parameters:
        """The first parameters of the search whose prediction fits, or the last ones."""
        parameters = self.wanted()
        while not self.fits(parameters) and (smaller := self.next_step_down(parameters)):
            parameters = smaller
        return self.with_host_cache(parameters)

    def with_host_cache(self, chosen: Parameters) -> Parameters:
        """The parameters with as much memory for saved documents as was wanted, and as these parameters leave."""
        host, wanted = self.machine, self.options.host_cache_bytes
        if wanted < 0:
            wanted = int(min(host.total_bytes * HOST_CACHE_MEMORY_SHARE, host.free_bytes * HOST_CACHE_FREE_SHARE))
        left = self._host_room() - self._host_bytes(chosen, resident_share=1.0)
        return replace(chosen, host_cache_bytes=min(wanted, max(0, left)))

    def wanted(self, *, on_gpu: bool = True) -> Parameters:
        """The parameters if memory were unlimited."""
        options, shape = self.options, self.shape
        gpus = self.machine.gpus if on_gpu and options.gpu_layers else ()
        num_layers = shape.num_layers + 1
        physical = options.physical_batch_tokens or (GPU_PHYSICAL_BATCH_TOKENS if gpus else CPU_PHYSICAL_BATCH_TOKENS)
        batch = max(options.batch_tokens or BATCH_TOKENS, MIN_BATCH_TOKENS)
        context_tokens = self._context_tokens()
        cache_type: Literal["f16", "q8_0"] = (
            "q8_0" if options.cache_type == "q8_0" and options.flash_attention else "f16"
        )
        total, free = _total_and_free(gpus or (self.machine,))
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
            host_cache_bytes=0,  # what is left decides (`with_host_cache`)
            drafts=options.drafts,
        )

    def next_step_down(self, parameters: Parameters, layers_kept_share: float = 1.0) -> Parameters | None:
        """The parameters that need the next less memory, or None after the last step.

        With layers on the GPU, the cache first becomes q8_0 and then one context long. Then the experts of a mixture
        leave the GPU layer by layer, and then whole layers, or all but `layers_kept_share` of them at a time. After the
        last layer the search starts again on the CPU, with the wanted cache in f16. There the cache becomes q8_0, then
        smaller. Then weights are not repacked, and at last the context shrinks.
        """
        current = parameters
        if current.cache_type == "f16" and self.options.cache_type == "auto" and current.flash_attention:
            return replace(current, cache_type="q8_0")
        if current.gpu_layers:
            if current.cache_tokens > current.context_tokens and not self.options.cache_tokens:
                return replace(current, cache_tokens=current.context_tokens)
            first = max(current.cpu_expert_layers, self._first_on_gpu(current))
            if any(self.shape.expert_bytes[first:]):
                left = self.shape.num_layers - first
                kept = min(left - 1, int(left * layers_kept_share))
                return replace(current, cpu_expert_layers=self.shape.num_layers - kept)
            num_layers = min(current.gpu_layers - 1, int(current.gpu_layers * layers_kept_share))
            return replace(current, gpu_layers=num_layers) if num_layers else self.wanted(on_gpu=False)
        if current.cache_tokens > current.context_tokens:
            return replace(current, cache_tokens=max(current.cache_tokens // 2, current.context_tokens))
        if without_copies := self.without_repacking(current):
            return without_copies
        if current.context_tokens > MIN_CONTEXT_TOKENS:
            context_tokens = max(current.context_tokens // 2, MIN_CONTEXT_TOKENS)
            return replace(current, context_tokens=context_tokens, cache_tokens=context_tokens)
        return None

    def without_repacking(self, parameters: Parameters) -> Parameters | None:
        """The parameters without copies of weights; None if there are none to give up."""
        if not predict(self.shape, parameters, self.machine.repacked_types).repacked:
            return None
        return replace(parameters, repacks_weights=False)

    def fits(self, parameters: Parameters) -> bool:
        """Whether the prediction fits the memory. Layers that the settings put on the GPU count as fitting."""
        host = self.machine
        if parameters.gpu_layers:
            if self.options.gpu_layers >= 0:
                return True
            if gpu_bytes(self.shape, parameters) > gpu_room(host.gpus, self.shape, parameters):
                return False
            return not host.shares_memory or self._host_bytes(parameters) <= self._host_room()
        if not self.options.cache_tokens and cache_bytes(self.shape, parameters) > host.free_bytes * CACHE_FREE_SHARE:
            return False
        return self._host_bytes(parameters) <= self._host_room()

    def _host_bytes(self, parameters: Parameters, resident_share: float = 1 / 2) -> int:
        """The host memory that these parameters take, without saved documents.

        Weights are mapped from their file. What does not fit is read again and again, which is slow but works. So they
        take at most `resident_share` of what is free.
        """
        host, memory = self.machine, predict(self.shape, parameters, self.machine.repacked_types)
        if parameters.gpu_layers and host.shares_memory:
            return memory.total  # GPU buffers are not mapped from a file
        on_gpu = gpu_weights_bytes(self.shape, parameters)
        blocks = parameters.gpu_layers - 1
        cache_on_gpu = cache_bytes(self.shape, parameters, blocks) if blocks >= 0 else 0
        compute = 0 if parameters.gpu_layers else memory.compute
        weights = min(memory.weights - on_gpu, int(host.free_bytes * resident_share))
        return weights + memory.cache - cache_on_gpu + memory.repacked + memory.output + compute

    def _host_room(self) -> int:
        return int(self.machine.free_bytes - self.machine.total_bytes * HOST_RESERVE_SHARE)

    def notes(self, chosen: Parameters) -> tuple[str, ...]:
        """Sentences for the user about every parameter that is not as the settings want it."""
        notes = []
        trained, options = self.shape.trained_context_tokens, self.options
        if trained and options.context_tokens > trained:
            notes.append(
                f"engine.context_tokens is {options.context_tokens}, but this model was trained for {trained} tokens; "
                "beyond them it writes nonsense. The context is that long."
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
        if chosen.host_cache_bytes < options.host_cache_bytes:
            notes.append(
                "There is not enough memory for engine.host_cache_mib: the KV cache of documents that were left has "
                f"{chosen.host_cache_bytes >> 20:,} MiB."
            )
        if not chosen.repacks_weights:
            notes.append("Weights are not copied into the CPU's own order, because memory is short: reading is slower.")
        if experts := sum(map(bool, self.shape.expert_bytes[self._first_on_gpu(chosen) : chosen.cpu_expert_layers])):
            notes.append(
                f"The experts of {experts} of {chosen.gpu_layers} layers on the GPU stay on the CPU, because the GPU's "
                "memory is short. A smaller quantisation or a smaller engine.cache_tokens may fit."
            )
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

    def _first_on_gpu(self, parameters: Parameters) -> int:
        """The number of the first layer on the GPU."""
        return self.shape.num_layers - max(0, parameters.gpu_layers - 1)


def gpu_bytes(shape: ModelShape, parameters: Parameters) -> int:
    """GPU memory besides compute buffers: the output, and as many of the last layers as are on the GPU."""
    if not parameters.gpu_layers:
        return 0
    return gpu_weights_bytes(shape, parameters) + cache_bytes(shape, parameters, parameters.gpu_layers - 1)


def gpu_weights_bytes(shape: ModelShape, parameters: Parameters) -> int:
    """The weights on the GPU: without the experts that stay on the CPU."""
    blocks = parameters.gpu_layers - 1
    if blocks < 0:
        return 0
    first = shape.num_layers - blocks
    output = shape.output_bytes + (shape.input_bytes if shape.has_tied_output else 0)
    return output + sum(shape.layer_bytes[first:]) - sum(shape.expert_bytes[first : parameters.cpu_expert_layers])


def gpu_room(gpus: Sequence[Gpu], shape: ModelShape, parameters: Parameters) -> int:
    """The room on the GPUs besides compute buffers.

    A layer lies on one GPU, so every further GPU loses up to one layer. If layers stay on the CPU, llama.cpp copies
    their weights to the GPU for long batches, one tensor at a time.
    """
    is_partial = parameters.gpu_layers <= shape.num_layers or parameters.cpu_expert_layers > 0
    taken = GPU_RESERVE_BYTES + compute_bytes(shape, parameters) + (shape.largest_bytes if is_partial else 0)
    layer = _largest_layer(shape, parameters) + cache_bytes(shape, parameters) // max(1, shape.num_layers)
    return sum(max(0, gpu.free_bytes - taken) for gpu in gpus) - (len(gpus) - 1) * layer


def _largest_layer(shape: ModelShape, parameters: Parameters) -> int:
    """The largest layer, as far as it is on the GPU."""
    experts = shape.expert_bytes[: parameters.cpu_expert_layers]
    return max(map(operator.sub, shape.layer_bytes, (*experts, *[0] * shape.num_layers)), default=0)


def _total_and_free(places: Sequence[Gpu | Machine]) -> tuple[int, int]:
    """Total and free bytes."""
    return sum(place.total_bytes for place in places), sum(place.free_bytes for place in places)
