"""What a benchmark asks of either target."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from lsp_server.measure.corpus import View


@dataclass(slots=True)
class Answer:
    """What came of a request. `*_ms` count from the moment it was sent, by the target's clock.

    `evaluated_tokens` of `prompt_tokens` were not in the cache; `written_tokens` is the length of the answer.
    By the engine's own clock, `prompt_ms` went into evaluating them, and `queue_ms` into waiting (ours only).
    """

    text: str = ""
    prompt_tokens: int = 0
    evaluated_tokens: int = 0
    written_tokens: int = 0
    first_text_ms: float = 0.0
    total_ms: float = 0.0
    prompt_ms: float = 0.0
    queue_ms: float = 0.0


def ignore(_: Answer) -> None:
    """Nobody waits for the first text."""


class Target(Protocol):
    """An engine that completes at a cursor."""

    name: str

    async def complete(self, view: View, max_tokens: int, on_text: Callable[[Answer], None] = ignore) -> Answer:
        """Ask and wait for the whole answer; cancelling this closes the connection.

        `on_text` is called when the first text is there, which asks the peer to stream.
        """
        ...

    async def settle(self) -> None:
        """Wait until nothing is evaluated any more."""
        ...
