"""The scheduler's interface to a model: tokens in, tokens out, several sequences in one KV cache.

`llama.backend.LlamaBackend` is the real one, and `fake.FakeBackend` serves tests. Both pass the contract in
`tests/engine/backends/test_contract.py`. All calls come from one thread, except `interrupt`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Protocol

from lsp_server.ipc.model_info import ModelInfo
from lsp_server.ipc.requests import Sampling


@dataclass(frozen=True, slots=True)
class BatchToken:
    """One token to evaluate, its position and sequence, and whether its logits are needed."""

    token: int
    position: int
    sequence: int
    wants_logits: bool


class DecodeStatus(Enum):
    """How an evaluation ended."""

    OK = "ok"
    INTERRUPTED = "interrupted"  # the cache may hold a part of the batch: roll back every sequence of it
    CACHE_FULL = "cache_full"  # nothing was evaluated


Sampler = Any  # opaque to the scheduler


class Backend(Protocol):
    """A model with a KV cache of several sequences."""

    info: ModelInfo
    num_sequences: int
    batch_tokens: int  # the maximum for one decode
    min_chunk_tokens: int  # a chunk of prefill with fewer tokens costs more per token
    can_interrupt: bool  # whether `interrupt` also works inside a decode, not only before one
    is_slowed_by_idle_cells: bool  # whether the cells of other sequences make a decode slower

    def tokenize(self, text: str) -> list[int]:
        """Tokens of user text. It never becomes a control token."""
        ...

    def tokenize_control(self, text: str) -> list[int]:
        """Tokens of a chat template's text, with control tokens."""
        ...

    def marker(self, role: str) -> int:
        """The token of a marker. Raises `PromptError` if the model has no marker of that role."""
        ...

    def piece(self, token: int) -> bytes:
        """The bytes of a token; empty for a control token."""
        ...

    def begins_token(self, text: bytes) -> bool:
        """Whether some token begins with these bytes."""
        ...

    def is_end(self, token: int) -> bool:
        """Whether the model ends its text with this token."""
        ...

    def decode(self, batch: Sequence[BatchToken]) -> DecodeStatus:
        """Evaluate at most `batch_tokens` tokens into the cache. It returns when the device is done.

        Raises `EngineError` if the backend is broken.
        """
        ...

    def new_sampler(self, sampling: Sampling) -> Sampler:
        """A sampler for one request. Return it with `free_sampler`."""
        ...

    def sample(self, sampler: Sampler, row: int, healing_bytes: bytes = b"", *, visible: bool = False) -> int:
        """Sample a token from the logits of row `row` of the last batch.

        With `healing_bytes`, a token is a candidate only if it begins with those bytes, or if they begin with it. With
        `visible`, the text behind those bytes must not begin with white space.
        """
        ...

    def logprob(self, row: int, token: int, healing_bytes: bytes = b"", *, visible: bool = False) -> float:
        """The natural logarithm of a token's probability in a row of the last batch, before any sampler.

        With `healing_bytes` or `visible` it is the probability among the candidates of `sample`.
        """
        ...

    def free_sampler(self, sampler: Sampler) -> None:
        """Release a sampler."""
        ...

    def truncate(self, sequence: int, num_tokens: int) -> bool:
        """Keep the first `num_tokens` of a sequence. False if the model can only clear the sequence, and did."""
        ...

    def fork(self, source: int, target: int, num_tokens: int) -> None:
        """Give an empty sequence the first tokens of another. Both then share the cells (`seq_cp`)."""
        ...

    def save(self, sequence: int) -> Any:
        """A copy of a sequence. Its `len` is its size in bytes."""
        ...

    def restore(self, sequence: int, state: Any) -> bool:
        """Copy a saved sequence into an empty one. False if it does not fit; the sequence then stays empty."""
        ...

    def interrupt(self, flag: bool) -> None:
        """Make the decode under way return `INTERRUPTED`, until unset. From any thread."""
        ...

    def close(self) -> None:
        """Free the model."""
        ...
