"""The llama.cpp backend, through llama_cpp's low-level API.

It has one model and one context with a unified KV cache, and uses llama.cpp's samplers. `context` loads the model, and
`vocabulary` tokenises. Source: `include/llama.h` of the llama.cpp in llama-cpp-python 0.3.36.
"""

from __future__ import annotations

import ctypes
import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import llama_cpp
import numpy as np
import numpy.typing as npt

from lsp_server.base.errors import EngineError, ModelCannotInfillError
from lsp_server.engine.backends.base import BatchToken, DecodeStatus
from lsp_server.engine.backends.llama import loading
from lsp_server.engine.backends.llama.context import Interrupt, LoadedModel, open_model
from lsp_server.engine.backends.llama.loading import metadata
from lsp_server.engine.backends.llama.log import capture_log
from lsp_server.engine.backends.llama.vocabulary import LlamaVocabulary
from lsp_server.ipc.launch import EngineOptions
from lsp_server.ipc.model_info import ModelInfo
from lsp_server.ipc.requests import Sampling

# Flash attention on a CPU takes 64 tokens at once. It takes fewer one by one, and more slowly the fuller the cache.
# Source: `ggml_fa_tile_config` in ggml-cpu/ops.cpp.
MIN_CHUNK_TOKENS = 64

UNKNOWN_PRE_TOKENISER = (
    "The model's file does not say how text is split into tokens, and infill knows no model like it. So the model may "
    "read text otherwise than in training, and write worse. Use a newer GGUF of it."
)
GREEDY = object()  # the sampler that takes the most probable token


class LlamaBackend:
    """A `Backend` with a GGUF model.

    Raises `ModelNotFoundError`, `ModelFileError` or `ModelCannotInfillError` if the model cannot serve.
    """

    def __init__(self, options: EngineOptions, progress: Callable[[float], None] = lambda _: None) -> None:
        self._log = capture_log()
        self._interrupt = Interrupt()
        loaded = open_model(options, self._interrupt, lambda model: self._take_vocabulary(options, model), progress)
        self._model, self._context, self._parameters = loaded.model, loaded.context, loaded.parameters
        self._memory = llama_cpp.llama_get_memory(self._context)
        self.num_sequences = self._parameters.num_sequences
        self.batch_tokens = self._parameters.batch_tokens
        self.min_chunk_tokens = MIN_CHUNK_TOKENS
        self.can_interrupt = self.is_slowed_by_idle_cells = self._parameters.gpu_layers == 0
        self._batch = llama_cpp.llama_batch_init(self.batch_tokens, 0, 1)
        self.info = self._describe(options, loaded, self._measure_prefill())

    # Tokens

    def tokenize(self, text: str) -> list[int]:
        """Tokens of user text. It never becomes a control token."""
        return self.vocabulary.tokenize(text)

    def tokenize_control(self, text: str) -> list[int]:
        """Tokens of a chat template's text, with control tokens."""
        return self.vocabulary.tokenize_control(text)

    def marker(self, role: str) -> int:
        """The token of a marker. Raises `PromptError` if the model has no marker of that role."""
        return self.vocabulary.marker(role)

    def piece(self, token: int) -> bytes:
        """The bytes of a token; empty for a control token."""
        return self.vocabulary.piece(token)

    def begins_token(self, text: bytes) -> bool:
        """Whether some token begins with these bytes."""
        return self.vocabulary.begins_token(text)

    def is_end(self, token: int) -> bool:
        """End-of-generation tokens, and every FIM marker: a model that writes a marker has lost the text."""
        return self.vocabulary.is_end(token)

    # Evaluation

    def decode(self, batch: Sequence[BatchToken]) -> DecodeStatus:
        """Evaluate tokens. Source of the return codes: `llama_decode`.

        It returns before a GPU is done, but the scheduler measures the time of every decode.
        """
        assert len(batch) <= self.batch_tokens, "more tokens than the batch has room for"
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
            llama_cpp.llama_synchronize(self._context)
            return DecodeStatus.OK
        if code == 1:
            return DecodeStatus.CACHE_FULL
        if code == 2:
            return DecodeStatus.INTERRUPTED
        raise EngineError(f"llama.cpp failed to evaluate (code {code}): {self._log.last_error() or 'no reason given'}.")

    def new_sampler(self, sampling: Sampling) -> Any:
        """A chain of llama.cpp's samplers. Greedy sampling has none, because numpy finds the maximum faster."""
        return GREEDY if sampling.temperature <= 0 and not sampling.infill else self.new_chain(sampling)

    def new_chain(self, sampling: Sampling) -> Any:
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

    def sample(self, sampler: Any, row: int, healing_bytes: bytes = b"", *, visible: bool = False) -> int:
        """Sample a token from a row of the last batch, among those that agree with `healing_bytes` and `visible`."""
        candidates = self.vocabulary.agreeing_with(healing_bytes, visible=visible) if healing_bytes or visible else None
        if sampler is GREEDY:
            logits = self.logits(row)
            return int(logits.argmax() if candidates is None else candidates[logits[candidates].argmax()])
        if candidates is None:
            return int(llama_cpp.llama_sampler_sample(sampler, self._context, row))
        entries = np.zeros(len(candidates), dtype=_TOKEN_DATA)
        entries["id"] = candidates
        entries["logit"] = self.logits(row)[candidates]
        data = entries.ctypes.data_as(ctypes.POINTER(llama_cpp.llama_token_data))
        array = llama_cpp.llama_token_data_array(data, len(candidates), -1, False)
        llama_cpp.llama_sampler_apply(sampler, ctypes.byref(array))
        token = int(array.data[array.selected].id)
        llama_cpp.llama_sampler_accept(sampler, token)
        return token

    def logprob(self, row: int, token: int, healing_bytes: bytes = b"", *, visible: bool = False) -> float:
        """The natural logarithm of a token's probability among its candidates, before any sampler."""
        logits = self.logits(row)
        among = (
            logits[self.vocabulary.agreeing_with(healing_bytes, visible=visible)]
            if healing_bytes or visible
            else logits
        )
        highest = float(among.max())
        return float(logits[token]) - highest - math.log(float(np.exp(among - highest).sum()))

    def logits(self, row: int) -> npt.NDArray[np.float32]:
        """A row of the last batch: one number per token of the vocabulary. Valid until the next decode."""
        raw = llama_cpp.llama_get_logits_ith(self._context, row)
        # As `np.ctypeslib.as_array` does it, in a fifth of the time. It is called for each token.
        return np.frombuffer(self._row_type.from_address(ctypes.addressof(raw.contents)), dtype=np.float32)

    def free_sampler(self, sampler: Any) -> None:
        """Release a chain, if it is one."""
        if sampler is not GREEDY:
            llama_cpp.llama_sampler_free(sampler)

    def truncate(self, sequence: int, num_tokens: int) -> bool:
        """Keep the first tokens of a sequence (`llama_memory_seq_rm`)."""
        if llama_cpp.llama_memory_seq_rm(self._memory, sequence, num_tokens, -1):
            return True
        llama_cpp.llama_memory_seq_rm(self._memory, sequence, 0, -1)
        return False

    def fork(self, source: int, target: int, num_tokens: int) -> None:
        """Share the first cells of a sequence with another (`llama_memory_seq_cp`)."""
        llama_cpp.llama_memory_seq_cp(self._memory, source, target, 0, num_tokens)

    def save(self, sequence: int) -> npt.NDArray[np.uint8]:
        """A copy of a sequence's part of the cache."""
        state = np.empty(llama_cpp.llama_state_seq_get_size(self._context, sequence), dtype=np.uint8)
        llama_cpp.llama_state_seq_get_data(self._context, _bytes_of(state), len(state), sequence)
        return state

    def restore(self, sequence: int, state: npt.NDArray[np.uint8]) -> bool:
        """Copy a saved sequence into an empty one.

        Source: `llama_state_seq_set_data`, which returns 0 where it fails.
        """
        if llama_cpp.llama_state_seq_set_data(self._context, _bytes_of(state), len(state), sequence):
            return True
        self.truncate(sequence, 0)
        return False

    def interrupt(self, flag: bool) -> None:
        """Set the flag that llama.cpp reads between the nodes of its graph. It does so on the CPU only."""
        self._interrupt.set(flag)

    def close(self) -> None:
        """Free batch, context and model."""
        llama_cpp.llama_batch_free(self._batch)
        llama_cpp.llama_free(self._context)
        llama_cpp.llama_model_free(self._model)

    # Loading

    def _take_vocabulary(self, options: EngineOptions, model: Any) -> None:
        self._vocab = llama_cpp.llama_model_get_vocab(model)
        self.vocabulary = LlamaVocabulary(self._vocab)
        self._row_type = ctypes.c_float * self.vocabulary.num_tokens
        if options.needs_infill:
            _require_infill(Path(options.model_path), self.vocabulary)

    def _supports_rollback(self) -> bool:
        """Whether the newest token can leave the cache, and the older ones be used on.

        A recurrent memory refuses that. A sliding window that holds only its own cells agrees, although what it needs
        is overwritten. Only a window as large as the cache can be shifted, which is what llama.cpp makes (`swa_full`).
        """
        self.decode([BatchToken(0, position, 0, wants_logits=False) for position in range(2)])
        removed = llama_cpp.llama_memory_seq_rm(self._memory, 0, 1, -1)
        self.truncate(0, 0)
        has_window = llama_cpp.llama_model_n_swa(self._model) > 0
        return bool(removed and (not has_window or llama_cpp.llama_memory_can_shift(self._memory)))

    def _measure_prefill(self) -> float:
        """Tokens per second of the smallest chunk of prefill. One token before it reads the weights from the disk."""
        seconds = 0.0
        num_tokens = min(self.min_chunk_tokens, self.batch_tokens, self._parameters.context_tokens)
        for count in (1, num_tokens):
            began = time.perf_counter()
            self.decode([BatchToken(0, position, 0, wants_logits=False) for position in range(count)])
            seconds = time.perf_counter() - began
            self.truncate(0, 0)
        return num_tokens / seconds

    def _describe(self, options: EngineOptions, loaded: LoadedModel, prefill_tokens_per_s: float) -> ModelInfo:
        model, path = self._model, Path(options.model_path)
        return ModelInfo(
            name=metadata(model, "general.name") or path.stem,
            path=str(path),
            description=_read_string(lambda buffer, size: llama_cpp.llama_model_desc(model, buffer, size)),
            markers=self.vocabulary.marker_texts,
            num_parameters=llama_cpp.llama_model_n_params(model),
            trained_context_tokens=llama_cpp.llama_model_n_ctx_train(model),
            weights_bytes=llama_cpp.llama_model_size(model),
            cache_bytes=loaded.memory.cache,
            isolates_line_breaks=self.vocabulary.isolates_line_breaks,
            supports_rollback=self._supports_rollback(),
            prefill_tokens_per_s=prefill_tokens_per_s,
            backend="llama.cpp",
            parameters=self._parameters,
            chat_template=loading.chat_template(model) or options.chat_template,
            end_text=self.vocabulary.end_text,
            pre_tokeniser=metadata(model, loading.PRE_TOKENISER),
            working_bytes=loaded.memory.working,
            notes=(*options.notes, *loaded.notes, *self._vocabulary_notes()),
        )

    def _vocabulary_notes(self) -> tuple[str, ...]:
        if not loading.lacks_pre_tokeniser(self._model) or loading.old_pre_tokeniser(self._model):
            return ()
        return (UNKNOWN_PRE_TOKENISER,)


def _bytes_of(state: npt.NDArray[np.uint8]) -> Any:
    return state.ctypes.data_as(ctypes.POINTER(ctypes.c_uint8))


_TOKEN_DATA = np.dtype([("id", np.int32), ("logit", np.float32), ("p", np.float32)])  # struct llama_token_data


def _require_infill(path: Path, vocabulary: LlamaVocabulary) -> None:
    if missing := vocabulary.missing_markers:
        raise ModelCannotInfillError(
            f"{path} has no fill-in-the-middle tokens ({', '.join(missing)} missing), so it cannot complete code "
            "before other code. Use a model trained for infilling, such as deepseek-coder-1.3b-base."
        )


def _read_string(read: Callable[[ctypes.Array[ctypes.c_char], int], int]) -> str:
    buffer = ctypes.create_string_buffer(1024)
    return buffer.value.decode("utf-8", errors="replace") if read(buffer, len(buffer)) >= 0 else ""
