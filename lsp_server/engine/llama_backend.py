"""llama.cpp, through llama_cpp's low-level API. The only module that imports llama_cpp.

Only what the scheduler needs is here: one model, one context with a unified KV cache, evaluation, C samplers.
`llama_vocabulary` is the tokeniser half. Source: `include/llama.h` of the llama.cpp in llama-cpp-python 0.3.36.
"""

from __future__ import annotations

import ctypes
import logging
import math
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import llama_cpp
import msgspec
import numpy as np
import numpy.typing as npt

from lsp_server.engine import hardware, llama_loading
from lsp_server.engine.backend import BatchToken, DecodeStatus
from lsp_server.engine.gguf import check_gguf
from lsp_server.engine.llama_loading import metadata
from lsp_server.engine.llama_vocabulary import LlamaVocabulary
from lsp_server.engine.messages import EngineOptions, ModelInfo, Sampling
from lsp_server.engine.pace import LEAST_TOKENS
from lsp_server.errors import EngineError, ModelCannotInfillError, ModelFileError

logger = logging.getLogger(__name__)

_LOG_WARNING, _LOG_ERROR = 3, 4


class LlamaBackend:
    """Satisfies `Backend` with a GGUF model.

    Raises `ModelNotFoundError`, `ModelFileError` or `ModelCannotInfillError` when the model cannot serve.
    """

    def __init__(self, options: EngineOptions, progress: Callable[[float], None] = lambda _: None) -> None:
        path = Path(options.model_path)
        check_gguf(path)
        self._log = _capture_log()
        self._model = self._load_model(path, options, progress)
        self._vocab = llama_cpp.llama_model_get_vocab(self._model)
        self.vocabulary = LlamaVocabulary(self._vocab)
        if options.needs_infill:
            _require_infill(path, self.vocabulary)
        self._interrupt_flag = ctypes.create_string_buffer(2)
        self._abort_callback = _read_flag_natively()
        self._context = self._make_context(options, path)
        self._memory = llama_cpp.llama_get_memory(self._context)
        self.num_sequences = self._parameters.num_sequences
        self.batch_tokens = self._parameters.batch_tokens
        self.can_interrupt = self.is_slowed_by_idle_cells = self._parameters.gpu_layers == 0
        self._batch = llama_cpp.llama_batch_init(self.batch_tokens, 0, 1)
        self.info = self._describe(path, self._measure_prefill())

    # Tokens

    def tokenize(self, text: str) -> list[int]:
        """Tokens of user text; never a control token."""
        return self.vocabulary.tokenize(text)

    def tokenize_control(self, text: str) -> list[int]:
        """Tokens of a chat template's text, control tokens among them."""
        return self.vocabulary.tokenize_control(text)

    def marker(self, role: str) -> int:
        """The token of a marker; raises `PromptError` if the model has none of that role."""
        return self.vocabulary.marker(role)

    def piece(self, token: int) -> bytes:
        """The bytes a token stands for; empty for a control token."""
        return self.vocabulary.piece(token)

    def begins_token(self, text: bytes) -> bool:
        """Whether some token begins with these bytes."""
        return self.vocabulary.begins_token(text)

    def is_end(self, token: int) -> bool:
        """End-of-generation tokens, and every FIM marker: a model that writes one is lost."""
        return self.vocabulary.is_end(token)

    # Evaluation

    def decode(self, batch: Sequence[BatchToken]) -> DecodeStatus:
        """Evaluate tokens; see `llama_decode` for the return codes."""
        raw = self._batch
        raw.n_tokens = len(batch)
        for row, entry in enumerate(batch):
            raw.token[row] = entry.token
            raw.pos[row] = entry.position
            raw.n_seq_id[row] = 1
            raw.seq_id[row][0] = entry.sequence
            raw.logits[row] = entry.wants_logits
        code = llama_cpp.llama_decode(self._context, raw)
        if code == 0:
            return DecodeStatus.OK
        if code == 1:
            return DecodeStatus.CACHE_FULL
        if code == 2:
            return DecodeStatus.INTERRUPTED
        raise EngineError(f"llama.cpp failed to evaluate (code {code}): {self._log.last_error() or 'no reason given'}.")

    def new_sampler(self, sampling: Sampling) -> Any:
        """A chain of llama.cpp's samplers."""
        chain = llama_cpp.llama_sampler_chain_init(llama_cpp.llama_sampler_chain_default_params())
        add = llama_cpp.llama_sampler_chain_add
        if sampling.temperature > 0:
            add(chain, llama_cpp.llama_sampler_init_top_k(sampling.top_k))
            add(chain, llama_cpp.llama_sampler_init_top_p(sampling.top_p, 1))
            add(chain, llama_cpp.llama_sampler_init_min_p(sampling.min_p, 1))
            add(chain, llama_cpp.llama_sampler_init_temp(sampling.temperature))
        if sampling.infill:
            add(chain, llama_cpp.llama_sampler_init_infill(self._vocab))
        if sampling.temperature > 0:
            add(chain, llama_cpp.llama_sampler_init_dist(sampling.seed))
        else:
            add(chain, llama_cpp.llama_sampler_init_greedy())
        return chain

    def sample(self, sampler: Any, row: int, rest: bytes = b"") -> int:
        """Draw a token from a row of the last batch; with `rest`, among the tokens that agree with it."""
        if not rest:
            return int(llama_cpp.llama_sampler_sample(sampler, self._context, row))
        candidates = self.vocabulary.agreeing_with(rest)
        entries = np.zeros(len(candidates), dtype=_TOKEN_DATA)
        entries["id"] = candidates
        entries["logit"] = self.logits(row)[candidates]
        data = entries.ctypes.data_as(ctypes.POINTER(llama_cpp.llama_token_data))
        array = llama_cpp.llama_token_data_array(data, len(candidates), -1, False)
        llama_cpp.llama_sampler_apply(sampler, ctypes.byref(array))
        token = int(array.data[array.selected].id)
        llama_cpp.llama_sampler_accept(sampler, token)
        return token

    def logprob(self, row: int, token: int) -> float:
        """Natural logarithm of a token's probability before any sampler."""
        logits = self.logits(row)
        highest = float(logits.max())
        return float(logits[token]) - highest - math.log(float(np.exp(logits - highest).sum()))

    def logits(self, row: int) -> npt.NDArray[np.float32]:
        """A row of the last batch, one number a token of the vocabulary; valid until the next decode."""
        raw = llama_cpp.llama_get_logits_ith(self._context, row)
        return np.ctypeslib.as_array(raw, shape=(self.vocabulary.num_tokens,))

    def free_sampler(self, sampler: Any) -> None:
        """Release a chain."""
        llama_cpp.llama_sampler_free(sampler)

    def truncate(self, sequence: int, num_tokens: int) -> bool:
        """Keep the first tokens of a sequence."""
        if llama_cpp.llama_memory_seq_rm(self._memory, sequence, num_tokens, -1):
            return True
        llama_cpp.llama_memory_seq_rm(self._memory, sequence, 0, -1)
        return False

    def branch(self, source: int, target: int, num_tokens: int) -> None:
        """Share the first cells of a sequence with another."""
        llama_cpp.llama_memory_seq_cp(self._memory, source, target, 0, num_tokens)

    def save(self, sequence: int) -> npt.NDArray[np.uint8]:
        """A copy of a sequence's part of the cache."""
        state = np.empty(llama_cpp.llama_state_seq_get_size(self._context, sequence), dtype=np.uint8)
        llama_cpp.llama_state_seq_get_data(self._context, _bytes_of(state), len(state), sequence)
        return state

    def restore(self, sequence: int, state: npt.NDArray[np.uint8]) -> bool:
        """Put a copy into an empty sequence. Source: `llama_state_seq_set_data`, which returns 0 where it fails."""
        if llama_cpp.llama_state_seq_set_data(self._context, _bytes_of(state), len(state), sequence):
            return True
        self.truncate(sequence, 0)
        return False

    def interrupt(self, flag: bool) -> None:
        """Set the byte that llama.cpp's abort callback reads between the nodes of its graph (CPU only)."""
        self._interrupt_flag[0] = b"\x01" if flag else b"\x00"

    def close(self) -> None:
        """Free batch, context and model."""
        llama_cpp.llama_batch_free(self._batch)
        llama_cpp.llama_free(self._context)
        llama_cpp.llama_model_free(self._model)

    # Loading

    def _load_model(self, path: Path, options: EngineOptions, progress: Callable[[float], None]) -> Any:
        model = llama_loading.load(path, options.gpu_layers, progress)
        if not model:
            reason = self._log.last_error() or "no reason given"
            raise ModelFileError(
                f"llama.cpp cannot load {path}: {reason}. The file may be cut short or made for a newer "
                "llama.cpp; download it again or update llama-cpp-python."
            )
        return model

    def _make_context(self, options: EngineOptions, path: Path) -> Any:
        """A context with parameters for this machine; without flash attention if it cannot be had with it."""
        for flash_attention in (True, False) if options.flash_attention else (False,):
            chosen = msgspec.structs.replace(options, flash_attention=flash_attention)
            machine = hardware.look(has_gpu=llama_cpp.llama_supports_gpu_offload())
            self._parameters = hardware.choose(chosen, self._needs(), machine)
            if context := llama_cpp.llama_init_from_model(self._model, self._context_params()):
                return context
        raise EngineError(
            f"llama.cpp could not make a context for {path}: {self._log.last_error() or 'no reason given'}. "
            "Lower engine.cache_tokens or use a smaller model."
        )

    def _context_params(self) -> Any:
        chosen = self._parameters
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
        params.abort_callback = self._abort_callback
        params.abort_callback_data = ctypes.cast(self._interrupt_flag, ctypes.c_void_p)
        return params

    def _needs(self) -> hardware.ModelNeeds:
        """What the file's metadata says of the model; a token in the cache is two vectors a layer and head."""
        model = self._model
        architecture = metadata(model, "general.architecture")
        per_head = llama_cpp.llama_model_n_embd(model) // llama_cpp.llama_model_n_head(model)
        key = int(metadata(model, f"{architecture}.attention.key_length") or per_head)
        value = int(metadata(model, f"{architecture}.attention.value_length") or per_head)
        layers = llama_cpp.llama_model_n_layer(model)
        values = layers * llama_cpp.llama_model_n_head_kv(model) * (key + value)
        return hardware.ModelNeeds(
            trained_window_tokens=llama_cpp.llama_model_n_ctx_train(model),
            num_layers=layers,
            cache_token_bytes={name: values * size for name, size in _CACHE_VALUE_BYTES.items()},
        )

    def _measure_prefill(self) -> float:
        """Tokens a second, of the smallest slice of prefill; one token before it reads the weights from the disk."""
        seconds = 0.0
        num_tokens = min(LEAST_TOKENS, self.batch_tokens, self._parameters.window_tokens)
        for count in (1, num_tokens):
            began = time.perf_counter()
            self.decode([BatchToken(0, position, 0, wants_logits=False) for position in range(count)])
            llama_cpp.llama_synchronize(self._context)
            seconds = time.perf_counter() - began
            self.truncate(0, 0)
        return num_tokens / seconds

    def _describe(self, path: Path, prefill_tokens_per_s: float) -> ModelInfo:
        model = self._model
        recurrent = llama_cpp.llama_model_is_recurrent(model) or llama_cpp.llama_model_is_hybrid(model)
        return ModelInfo(
            name=metadata(model, "general.name") or path.stem,
            path=str(path),
            description=_read_string(lambda buffer, size: llama_cpp.llama_model_desc(model, buffer, size)),
            markers=self.vocabulary.marker_texts,
            num_parameters=llama_cpp.llama_model_n_params(model),
            trained_window_tokens=llama_cpp.llama_model_n_ctx_train(model),
            weights_bytes=llama_cpp.llama_model_size(model),
            cache_bytes=int(
                self._parameters.cache_tokens * self._needs().cache_token_bytes[self._parameters.cache_type]
            ),
            isolates_line_breaks=self.vocabulary.isolates_line_breaks,
            can_drop_tail=not recurrent and llama_cpp.llama_model_n_swa(model) == 0,
            prefill_tokens_per_s=prefill_tokens_per_s,
            backend="llama.cpp",
            parameters=self._parameters,
            chat_template=llama_loading.chat_template(model),
            pre_tokeniser=metadata(model, llama_loading.PRE_TOKENISER),
        )


def _bytes_of(state: npt.NDArray[np.uint8]) -> Any:
    return state.ctypes.data_as(ctypes.POINTER(ctypes.c_uint8))


_TOKEN_DATA = np.dtype([("id", np.int32), ("logit", np.float32), ("p", np.float32)])  # struct llama_token_data
_CACHE_TYPES = {"f16": llama_cpp.GGML_TYPE_F16, "q8_0": llama_cpp.GGML_TYPE_Q8_0}
_CACHE_VALUE_BYTES = {"f16": 2.0, "q8_0": 34 / 32}


def _require_infill(path: Path, vocabulary: LlamaVocabulary) -> None:
    if missing := vocabulary.missing_markers:
        raise ModelCannotInfillError(
            f"{path} has no fill-in-the-middle tokens ({', '.join(missing)} missing), so it cannot complete code "
            "before other code. Use a model trained for infilling, such as deepseek-coder-1.3b-base."
        )


def _read_flag_natively() -> Any:
    """A native function that returns whether the byte it is handed is set.

    A Python callback would be entered some 400 times a decode and needs the interpreter lock each time. The C
    library's `strlen` over a two-byte string is the function we want: 0 for "\\0", 1 for "\\1\\0".
    """
    library = ctypes.CDLL("msvcrt" if sys.platform == "win32" else None)
    return ctypes.cast(library.strlen, llama_cpp.ggml_abort_callback)


def _read_string(read: Callable[[ctypes.Array[ctypes.c_char], int], int]) -> str:
    buffer = ctypes.create_string_buffer(1024)
    return buffer.value.decode("utf-8", errors="replace") if read(buffer, len(buffer)) >= 0 else ""


class _LogCapture:
    """llama.cpp's log, kept off the terminal: errors remembered for our own messages, warnings to `logging`."""

    def __init__(self) -> None:
        self._errors: list[str] = []

    def write(self, level: int, text: bytes, _: ctypes.c_void_p) -> None:
        line = text.decode("utf-8", errors="replace").strip()
        if level == _LOG_ERROR and line:
            self._errors = [*self._errors[-9:], line]
            logger.info("llama.cpp: %s", line)
        elif level == _LOG_WARNING:
            logger.debug("llama.cpp: %s", line)

    def last_error(self) -> str:
        """The first line of the newest trouble, which names the cause; later ones only pass it on."""
        cause = self._errors[0] if self._errors else ""
        self._errors = []
        return cause.rstrip(".")


_log_capture: tuple[_LogCapture, object] | None = None


def _capture_log() -> _LogCapture:
    """Route llama.cpp's log here, once; ctypes needs its callback kept alive."""
    global _log_capture
    if _log_capture is None:
        capture = _LogCapture()
        callback = llama_cpp.llama_log_callback(capture.write)
        llama_cpp.llama_log_set(callback, ctypes.c_void_p(0))
        llama_cpp.llama_backend_init()
        _log_capture = (capture, callback)
    return _log_capture[0]
