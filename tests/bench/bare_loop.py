"""A loop over llama.cpp's functions alone: what the scheduler is compared with."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import llama_cpp

from lsp_server.base.errors import EngineError
from lsp_server.engine.backends.base import BatchToken, DecodeStatus
from lsp_server.engine.backends.llama.backend import LlamaBackend
from lsp_server.ipc.launch import EngineOptions
from lsp_server.ipc.requests import Sampling


class BareLoop(LlamaBackend):
    """A context with the backend's parameters, driven by a loop over llama_cpp's functions alone."""

    def __init__(self, options: EngineOptions) -> None:
        super().__init__(options)
        self._one = llama_cpp.llama_batch_init(1, 0, 1)
        self._few = llama_cpp.llama_batch_init(self.num_sequences, 0, 1)

    def close(self) -> None:
        """Free the batches too."""
        llama_cpp.llama_batch_free(self._one)
        llama_cpp.llama_batch_free(self._few)
        super().close()

    def prefill(self, tokens: Sequence[int]) -> None:
        """Evaluate tokens in an emptied first sequence, with as few decodes as the batch's size allows."""
        self.truncate(0, 0)
        for start in range(0, len(tokens), self.batch_tokens):
            part = list(enumerate(tokens))[start : start + self.batch_tokens]
            batch = [BatchToken(token, position, 0, wants_logits=False) for position, token in part]
            if self.decode(batch) is not DecodeStatus.OK:
                raise EngineError(f"llama.cpp could not evaluate {len(tokens)} tokens.")

    def write(self, prompt: Sequence[int], num_tokens: int) -> tuple[list[int], float]:
        """Write after a prompt that is in the cache. Returns the tokens, and the seconds from the first to the last.

        As in the scheduler's timing, the time before the first token is sampled does not count.
        """
        context, batch, memory = self._context, self._one, self._memory
        sampler = self.new_chain(Sampling())
        llama_cpp.llama_memory_seq_rm(memory, 0, len(prompt) - 1, -1)
        batch.n_tokens = batch.n_seq_id[0] = batch.logits[0] = 1
        batch.seq_id[0][0] = 0
        token = _decode_one(context, sampler, batch, prompt[-1], len(prompt) - 1)
        written = [token]
        began = time.perf_counter()
        for position in range(len(prompt), len(prompt) + num_tokens - 1):
            token = _decode_one(context, sampler, batch, token, position)
            written.append(token)
        seconds = time.perf_counter() - began
        self.free_sampler(sampler)
        return written, seconds

    def write_together(self, prompt: Sequence[int], text: Sequence[int], samplings: Sequence[Sampling]) -> float:
        """Write a text with each sampling, in one batch, after a prompt that is in the cache. Returns the seconds.

        The sampled tokens are not used. The sequences share all of the prompt but its last token.
        """
        context, batch, memory = self._context, self._few, self._memory
        began = time.perf_counter()
        samplers = [self.new_chain(sampling) for sampling in samplings]
        batch.n_tokens = len(samplers)
        for sequence in range(len(samplers)):
            llama_cpp.llama_memory_seq_rm(memory, sequence, len(prompt) - 1 if sequence == 0 else 0, -1)
            batch.n_seq_id[sequence] = batch.logits[sequence] = 1
            batch.seq_id[sequence][0] = sequence
            if sequence:
                llama_cpp.llama_memory_seq_cp(memory, 0, sequence, 0, len(prompt) - 1)
        for position, token in enumerate([prompt[-1], *text[:-1]], len(prompt) - 1):
            for sequence in range(len(samplers)):
                batch.token[sequence] = token
                batch.pos[sequence] = position
            if llama_cpp.llama_decode(context, batch) != 0:
                raise EngineError("llama.cpp could not evaluate a batch.")
            for sequence, sampler in enumerate(samplers):
                llama_cpp.llama_sampler_sample(sampler, context, sequence)
        for sampler in samplers:
            self.free_sampler(sampler)
        return time.perf_counter() - began


def _decode_one(context: Any, sampler: Any, batch: Any, token: int, position: int) -> int:
    batch.token[0] = token
    batch.pos[0] = position
    if llama_cpp.llama_decode(context, batch) != 0:
        raise EngineError("llama.cpp could not evaluate a token.")
    return int(llama_cpp.llama_sampler_sample(sampler, context, -1))
