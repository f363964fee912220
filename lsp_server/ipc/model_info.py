"""A loaded model and its parameters, as the engine reports them."""

from __future__ import annotations

from typing import Literal

import msgspec

# The control texts around the messages of a chat, one more than there are messages. Or a sentence: why it has none.
ChatForm = tuple[str, ...] | str


class Parameters(msgspec.Struct, frozen=True):
    """How a model runs.

    `context_tokens` limits prompt and answer together (n_ctx). `cache_tokens` is the size of the KV cache that all
    sequences share. One decode takes `batch_tokens`, and evaluates `physical_batch_tokens` at a time.
    `host_cache_bytes` limits the host memory for offloaded slots. `drafts` switches speculative decoding on. The
    experts of the first `cpu_expert_layers` layers stay on the CPU. `repacks_weights` allows copies of weights in the
    order that suits the CPU.
    """

    context_tokens: int
    cache_tokens: int
    cache_type: Literal["f16", "q8_0"]
    num_sequences: int
    threads: int
    batch_tokens: int
    physical_batch_tokens: int
    gpu_layers: int
    flash_attention: bool
    host_cache_bytes: int
    drafts: bool = True
    cpu_expert_layers: int = 0
    repacks_weights: bool = True


class ModelInfo(msgspec.Struct, frozen=True):
    """A loaded model: the facts of its file and how it runs.

    - `markers` maps each marker's role to its text.
    - `*_bytes` are memory. `working_bytes` is a prediction of what llama.cpp allocates besides weights and cache.
    - `pre_tokeniser` is llama.cpp's name for the way text is split before tokenisation; empty if the file has none.
    - `isolates_line_breaks`: no token joins text across a line break.
    - `supports_rollback` is false if the newest tokens cannot leave the cache, as in recurrent models. They run without
      reuse. It is tried when the model is loaded.
    - `prefill_tokens_per_s` was measured when the model was loaded; 0 if it is unknown.
    - `chat_template` is a Jinja template; empty for a model without chat. `end_text` is the end of text in it.
      `chat_forms` are what it writes for common chats, by their roles: `su` is a system and a user message.
    - `notes` are sentences for the user about settings that could not be met, with the reason.
    - `heals` is false for an engine that cannot heal the last token. Its prompts are cut at the cursor.
    """

    name: str
    path: str
    description: str
    markers: dict[str, str]
    num_parameters: int
    trained_context_tokens: int
    weights_bytes: int
    cache_bytes: int
    isolates_line_breaks: bool
    supports_rollback: bool
    prefill_tokens_per_s: float
    backend: str
    parameters: Parameters
    chat_template: str = ""
    end_text: str = ""
    chat_forms: dict[str, ChatForm] = {}
    pre_tokeniser: str = ""
    working_bytes: int = 0
    notes: tuple[str, ...] = ()
    heals: bool = True

    @staticmethod
    def remote(
        name: str, path: str, description: str, markers: dict[str, str], context_tokens: int, backend: str
    ) -> ModelInfo:
        """A model on a remote engine. It takes no memory here, and its speed is unknown."""
        parameters = Parameters(
            context_tokens=context_tokens,
            cache_tokens=context_tokens,
            cache_type="f16",
            num_sequences=1,
            threads=0,
            batch_tokens=0,
            physical_batch_tokens=0,
            gpu_layers=0,
            flash_attention=True,
            host_cache_bytes=0,
        )
        return ModelInfo(
            name=name,
            path=path,
            description=description,
            markers=markers,
            num_parameters=0,
            trained_context_tokens=context_tokens,
            weights_bytes=0,
            cache_bytes=0,
            isolates_line_breaks=False,
            supports_rollback=True,
            prefill_tokens_per_s=0.0,
            backend=backend,
            parameters=parameters,
        )

    @property
    def memory_bytes(self) -> int:
        """All memory of the model."""
        return self.weights_bytes + self.cache_bytes + self.working_bytes

    @property
    def context_tokens(self) -> int:
        """The maximum number of tokens of a prompt with its answer (n_ctx)."""
        return self.parameters.context_tokens

    @property
    def cache_tokens(self) -> int:
        """The number of cells of the KV cache."""
        return self.parameters.cache_tokens
