"""The scheduler's interface to speculative decoding. `engine.drafting` implements it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from lsp_server.engine.scheduler.batches import Part
from lsp_server.engine.scheduler.sequence import SequenceState


class Speculator(Protocol):
    """Adds drafts to batches and learns which of them were right."""

    def add_to(self, parts: Sequence[Part], room: int) -> None:
        """Append guessed tokens to the parts of a batch, `room` of them at most."""
        ...

    def evaluated(self, parts: Sequence[Part]) -> None:
        """Learn from a batch that was decoded and sampled."""
        ...

    def ended(self, seq: SequenceState) -> None:
        """Learn that a request has ended."""
        ...
