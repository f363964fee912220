"""What an engine found in a model's file, and how it runs the model."""

from __future__ import annotations

from typing import Literal

import msgspec


class Parameters(msgspec.Struct, frozen=True):
    """How a model is run.

    `context_tokens` bounds prompt and answer together; `cache_tokens` is the size of the KV cache that all sequences
    share. `batch_tokens` may be handed over at once and are evaluated `physical_batch_tokens` at a time.
    `host_cache_bytes` of host memory are for what is moved out of the cache. `drafts`: tokens are guessed ahead.
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


class ModelInfo(msgspec.Struct, frozen=True):
    """What the engine found in a model's file, and how it runs it.

    `markers` maps each role to the marker's text; the `*_bytes` are memory.
    `pre_tokeniser` is llama.cpp's name of how text is cut before it becomes tokens, empty if the file names none.
    `isolates_line_breaks` tells whether no token joins text across a line break. `supports_rollback` is false for
    models whose memory cannot forget its newest tokens, which therefore run without reuse. `prefill_tokens_per_s`
    is how fast prompts were evaluated when the model was loaded; 0 if nobody knows. `chat_template` is in Jinja's
    language, and empty for a model that was not made for chat; `end_text` is how its end of text is spelt there.
    `working_bytes` are predicted: what llama.cpp allocates besides weights and cache. `draft_model_bytes` is all that
    the small model beside it takes. `notes` are sentences for the
    user: what was not done as the settings want it, and why. Who does not `heal` a last token is asked from the cursor.
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
    pre_tokeniser: str = ""
    working_bytes: int = 0
    draft_model_bytes: int = 0
    notes: tuple[str, ...] = ()
    heals: bool = True

    @staticmethod
    def remote(
        name: str, path: str, description: str, markers: dict[str, str], context_tokens: int, backend: str
    ) -> ModelInfo:
        """A model that takes no memory here, and whose speed nobody measured."""
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
        """All the memory it takes, the draft model's included."""
        return self.weights_bytes + self.cache_bytes + self.working_bytes + self.draft_model_bytes

    @property
    def context_tokens(self) -> int:
        """The most tokens of a prompt and its answer."""
        return self.parameters.context_tokens

    @property
    def cache_tokens(self) -> int:
        """Cells of the KV cache."""
        return self.parameters.cache_tokens
