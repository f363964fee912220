"""Loads a model and makes its context, as large as memory allows."""

from __future__ import annotations

import ctypes
import dataclasses
import logging
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import llama_cpp
from msgspec.structs import replace

from lsp_server.base.errors import EngineError, InfillError, ModelFileError, ModelTooLargeError
from lsp_server.engine.backends.llama import loading
from lsp_server.engine.backends.llama.devices import detect_machine_with_llama
from lsp_server.engine.backends.llama.log import capture_log
from lsp_server.engine.sizing.memory import Memory, predict
from lsp_server.engine.sizing.model_file import size_model
from lsp_server.engine.sizing.parameters import LAYERS_KEPT_SHARE, MIN_BATCH_TOKENS
from lsp_server.ipc.launch import EngineOptions
from lsp_server.ipc.model_info import Parameters

logger = logging.getLogger(__name__)

_CACHE_TYPES = {"f16": llama_cpp.GGML_TYPE_F16, "q8_0": llama_cpp.GGML_TYPE_Q8_0}
# How llama.cpp and its GPU libraries report that memory is short. Sources: `src/llama-model.cpp`,
# `src/llama-kv-cache.cpp`, `ggml/src/ggml-backend.cpp`, `ggml/src/ggml-cuda/ggml-cuda.cu`, the C++ library.
_NO_MEMORY = re.compile(r"alloc|out of (device )?memory|ErrorOutOf\w*Memory", re.IGNORECASE)


# How llama.cpp says that it runs without flash attention. Source: `src/llama-context.cpp`.
_NO_FLASH_ATTENTION = re.compile(r"Flash Attention not supported|flash_attn is not compatible", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A model and its context, with their parameters, the predicted memory, and notes for the user."""

    model: Any
    context: Any
    parameters: Parameters
    memory: Memory
    notes: tuple[str, ...]


class Interrupt:
    r"""A byte that llama.cpp's abort callback reads between the nodes of its graph. It does so on the CPU only.

    A Python callback would run some 400 times per decode, each time with the interpreter lock. So the callback is the C
    library's `strlen` over a two-byte string. It returns 0 for "\0", and 1 for "\1\0".
    """

    def __init__(self) -> None:
        self._flag = ctypes.create_string_buffer(2)
        library = ctypes.CDLL("msvcrt" if sys.platform == "win32" else None)
        self.callback = ctypes.cast(library.strlen, llama_cpp.ggml_abort_callback)
        self.data = ctypes.cast(self._flag, ctypes.c_void_p)

    def set(self, flag: bool) -> None:
        """Ask the decode under way to end, or take that back."""
        self._flag[0] = b"\x01" if flag else b"\x00"


def open_model(
    options: EngineOptions,
    interrupt: Interrupt,
    check: Callable[[Any], None] = lambda _: None,
    progress: Callable[[float], None] = lambda _: None,
) -> LoadedModel:
    """Load a model and make its context. Where an allocation fails, try smaller parameters step by step.

    `check` may refuse the model before it has a context. Raises whatever `check` raises, `ModelNotFoundError`,
    `ModelFileError` or `ModelTooLargeError`. Raises `EngineError` if llama.cpp makes no context for another reason.
    """
    path = Path(options.model_path)
    loader = _Loader(path, options, interrupt, check, progress)
    try:
        return loader.run()
    except InfillError:
        loader.free_model()
        raise


class _Loader:
    """Tries one set of parameters after the other. The model stays loaded while only the context changes."""

    def __init__(
        self,
        path: Path,
        options: EngineOptions,
        interrupt: Interrupt,
        check: Callable[[Any], None],
        progress: Callable[[float], None],
    ) -> None:
        self._path, self._interrupt, self._check, self._progress = path, interrupt, check, progress
        self._log = capture_log()
        self._sizing = size_model(options, detect_machine_with_llama())
        self._model: Any = None
        self._placement: loading.Placement | None = None
        self._failures: list[str] = []
        self._remarks: list[str] = []

    def run(self) -> LoadedModel:
        parameters: Parameters | None = self._sizing.choose()
        while parameters is not None:
            logger.info("Trying %s", parameters)
            if self._load(parameters):
                if parameters.flash_attention and parameters.gpu_layers and not self._has_flash_attention():
                    options = replace(self._sizing.options, flash_attention=False)
                    self._sizing = dataclasses.replace(self._sizing, options=options)
                    parameters = self._sizing.choose()
                    continue
                if loaded := self._open_context(parameters):
                    return loaded
            logger.warning("There is no memory for %s: %s", parameters, self._failures[-1])
            if not self._model and not parameters.gpu_layers:  # a smaller cache does not help if weights do not fit
                parameters = self._sizing.without_repacking(parameters)
            else:
                parameters = self._sizing.next_step_down(parameters, LAYERS_KEPT_SHARE)
        raise ModelTooLargeError(
            f"There is not enough memory to run {self._path}, with however small a cache ({self._failures[-1]}). "
            "Close other programs, or use a smaller model or quantisation: `infill models recommend` knows which fit."
        )

    def free_model(self) -> None:
        if self._model:
            llama_cpp.llama_model_free(self._model)
        self._model = None

    def _load(self, parameters: Parameters) -> bool:
        """Load the model with its weights placed so, unless it is. False if memory is short."""
        placement = loading.Placement.of(parameters)
        if self._model and self._placement == placement:
            return True
        self.free_model()
        self._log.take_errors()
        self._model = loading.load(self._path, placement, self._progress)
        self._placement = placement
        if self._model:
            self._check(self._model)
            return True
        reason, is_memory = self._take_reason()
        if not is_memory:
            raise ModelFileError(
                f"llama.cpp cannot load {self._path}: {reason}. The file may be cut short or made for a newer "
                "llama.cpp; download it again or update llama-cpp-python."
            )
        return False

    def _has_flash_attention(self) -> bool:
        """Whether the GPU runs flash attention for this model. A small context asks llama.cpp.

        If it were demanded, llama.cpp would move attention to the CPU where the GPU cannot. With a cache in q8_0 it
        takes the question for a demand, so a cache in f16 asks.
        """
        params = llama_cpp.llama_context_default_params()
        params.n_ctx = params.n_batch = params.n_ubatch = MIN_BATCH_TOKENS
        params.flash_attn_type = llama_cpp.LLAMA_FLASH_ATTN_TYPE_AUTO
        self._log.take_warnings()
        context = llama_cpp.llama_init_from_model(self._model, params)
        if context:
            llama_cpp.llama_free(context)
        refused = _refuses_flash_attention(self._log.take_warnings())
        if refused:
            self._remarks.append("The GPU cannot run this model's attention as flash attention, so that is off.")
        return not refused

    def _open_context(self, parameters: Parameters) -> LoadedModel | None:
        """The context, or None if memory is short. If flash attention is the problem, a context without it."""
        for flash_attention in (True, False) if parameters.flash_attention else (False,):
            cache_type = parameters.cache_type if flash_attention else "f16"
            chosen = replace(parameters, flash_attention=flash_attention, cache_type=cache_type)
            self._log.take_errors()
            self._log.take_warnings()
            if context := llama_cpp.llama_init_from_model(self._model, self._context_params(chosen)):
                if _refuses_flash_attention(self._log.take_warnings()):
                    chosen = replace(chosen, flash_attention=False)
                chosen = self._sizing.with_host_cache(chosen)
                if llama_cpp.llama_model_n_swa(self._model) > 0:
                    # llama.cpp saves the cells of the window only: what is restored could be neither cut nor forked.
                    chosen = replace(chosen, host_cache_bytes=0)
                memory = predict(self._sizing.shape, chosen, self._sizing.machine.repacked_types)
                return LoadedModel(self._model, context, chosen, memory, self._notes(chosen))
            reason, is_memory = self._take_reason()
            if is_memory:
                return None
        raise EngineError(
            f"llama.cpp could not make a context for {self._path}: {reason}. "
            "Set engine.flash_attention to false, or use another model."
        )

    def _take_reason(self) -> tuple[str, bool]:
        """Why llama.cpp failed, and whether memory was short."""
        errors = self._log.take_errors()
        reason = errors[0] if errors else "no reason given"
        is_memory = any(_NO_MEMORY.search(error) for error in errors)
        if is_memory:
            self._failures.append(reason)
        return reason, is_memory

    def _notes(self, chosen: Parameters) -> tuple[str, ...]:
        notes = (*self._remarks, *self._sizing.notes(chosen))
        if not self._failures:
            return notes
        return (*notes, f"llama.cpp could not get the memory that was free by its own account: {self._failures[0]}.")

    def _context_params(self, chosen: Parameters) -> Any:
        """All parameters that are not set here stay as the model's file says, for example the scaling of positions."""
        params = llama_cpp.llama_context_default_params()
        params.n_ctx = chosen.cache_tokens
        params.n_batch = chosen.batch_tokens
        params.n_ubatch = chosen.physical_batch_tokens
        params.n_seq_max = chosen.num_sequences
        params.n_threads = params.n_threads_batch = chosen.threads
        params.kv_unified = True
        params.flash_attn_type = int(chosen.flash_attention)  # enum llama_flash_attn_type
        params.type_k = params.type_v = _CACHE_TYPES[chosen.cache_type]
        params.no_perf = True
        params.op_offload = chosen.gpu_layers > 0
        params.abort_callback = self._interrupt.callback
        params.abort_callback_data = self._interrupt.data
        return params


def _refuses_flash_attention(warnings: list[str]) -> bool:
    return any(map(_NO_FLASH_ATTENTION.search, warnings))
