"""A model that writes a given text at the cost of writing its own, for benchmarks that must know the text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lsp_server.engine.backends.llama.backend import LlamaBackend
from lsp_server.ipc.launch import EngineOptions
from lsp_server.ipc.requests import Sampling


@dataclass(slots=True)
class _Answer:
    """The sampler of an answer, and how many tokens of the text it has written."""

    sampler: Any
    num_written: int = 0


class ScriptedBackend(LlamaBackend):
    """Evaluates and samples as ever, but answers with the tokens of `text`. Each answer begins at its first token."""

    def __init__(self, options: EngineOptions) -> None:
        super().__init__(options)
        self.text: Sequence[int] = ()

    def new_sampler(self, sampling: Sampling) -> _Answer:
        """Begin an answer."""
        return _Answer(super().new_sampler(sampling))

    def free_sampler(self, sampler: _Answer) -> None:
        """End an answer."""
        super().free_sampler(sampler.sampler)

    def sample(self, sampler: _Answer, row: int, rest: bytes = b"", *, visible: bool = False) -> int:
        """The next token of the text."""
        super().sample(sampler.sampler, row, rest, visible=visible)
        token = self.text[sampler.num_written]
        sampler.num_written += 1
        return token
