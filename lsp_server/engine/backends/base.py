"""What the scheduler needs of a model: tokens in, tokens out, sequences in a cache.

`llama_backend.LlamaBackend` is the real one, `fake_backend.FakeBackend` the one for tests; both pass the shared
contract in `tests/engine/test_backend_contract.py`. Calls come from one thread, save `interrupt`.
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
    """One token to evaluate: its place in its sequence, and whether its logits are wanted."""

    token: int
    position: int
    sequence: int
    wants_logits: bool


class DecodeStatus(Enum):
    """How an evaluation ended."""

    OK = "ok"
    INTERRUPTED = "interrupted"  # some of the batch may be in the cache: roll every sequence of it back
    CACHE_FULL = "cache_full"  # nothing was evaluated


Sampler = Any  # opaque to the scheduler


class Backend(Protocol):
    """A model with a KV cache of several sequences."""

    info: ModelInfo
    num_sequences: int
    batch_tokens: int  # the maximum for one decode
    min_chunk_tokens: int  # a chunk of prefill with fewer tokens costs more per token
    can_interrupt: bool  # whether `interrupt` is heard inside a decode, not only before one
    is_slowed_by_idle_cells: bool  # whether what other sequences hold makes a decode slower

    @property
    def draft_model(self) -> Backend | None:
        """A small model with the same tokens that guesses for this one, if there is one; it ends with this one."""
        ...

    def tokenize(self, text: str) -> list[int]:
        """Tokens of user text; never a control token."""
        ...

    def tokenize_control(self, text: str) -> list[int]:
        """Tokens of a chat template's text, control tokens among them."""
        ...

    def marker(self, role: str) -> int:
        """The token of a marker; raises `PromptError` if the model has none of that role."""
        ...

    def piece(self, token: int) -> bytes:
        """The bytes a token stands for; empty for a control token."""
        ...

    def begins_token(self, text: bytes) -> bool:
        """Whether some token begins with these bytes."""
        ...

    def is_end(self, token: int) -> bool:
        """Whether the model ends its text with this token."""
        ...

    def decode(self, batch: Sequence[BatchToken]) -> DecodeStatus:
        """Evaluate tokens and put them into the cache; raises `EngineError` when the backend is broken."""
        ...

    def new_sampler(self, sampling: Sampling) -> Sampler:
        """A sampler for one request; give it back with `free_sampler`."""
        ...

    def sample(self, sampler: Sampler, row: int, healing_bytes: bytes = b"", *, visible: bool = False) -> int:
        """Draw a token from the logits of row `row` of the last decoded batch.

        With `healing_bytes`, only tokens that agree with them are candidates: the token begins with those bytes, or
        they begin with the token. With `visible`, whatever follows those bytes must not be white space.
        """
        ...

    def logprob(self, row: int, token: int, healing_bytes: bytes = b"", *, visible: bool = False) -> float:
        """Natural logarithm of a token's probability in a row of the last batch, before any sampler.

        With `healing_bytes` or `visible`, of its probability among the tokens that `sample` would choose from.
        """
        ...

    def free_sampler(self, sampler: Sampler) -> None:
        """Release a sampler."""
        ...

    def truncate(self, sequence: int, num_tokens: int) -> bool:
        """Keep the first `num_tokens` of a sequence; false if this model can only clear it, which was done."""
        ...

    def fork(self, source: int, target: int, num_tokens: int) -> None:
        """Give an empty sequence the first tokens of another; both then share the cells."""
        ...

    def save(self, sequence: int) -> Any:
        """A copy of what a sequence holds; its `len` is the bytes it takes."""
        ...

    def restore(self, sequence: int, state: Any) -> bool:
        """Give an empty sequence what was saved from any; false if that does not fit, and nothing of it is there."""
        ...

    def interrupt(self, flag: bool) -> None:
        """Make the decode under way return `INTERRUPTED`, the draft model's too, until unset. From any thread."""
        ...

    def close(self) -> None:
        """Free the model."""
        ...
