"""What a benchmark measures: an engine that completes at a cursor."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from lsp_server.measure.corpus import View

T = TypeVar("T")

# Names of targets. Recorded results have them as keys.
INFILL, BASELINE = "ours", "peer"


@dataclass(slots=True)
class Answer:
    """A completed request. `*_ms` count from the moment it was sent, by the client's clock.

    `evaluated_tokens` of `prompt_tokens` were not in the cache. `written_tokens` is the length of the answer.
    The engine's own clock gives two more: `prompt_ms` for the prefill, and `queue_ms` for waiting (infill only).
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
    """The callback of a caller that does not wait for the first text."""


class Target(Protocol):
    """An engine that completes at a cursor."""

    name: str

    async def complete(self, view: View, max_tokens: int, on_text: Callable[[Answer], None] = ignore) -> Answer:
        """Send a request and wait for the whole answer. Cancelling this call closes the connection.

        `on_text` is called with the first text. It makes a llama-server stream.
        """
        ...

    async def settle(self) -> None:
        """Wait until the engine evaluates nothing."""
        ...


def in_turn(targets: Sequence[T], number: int) -> list[T]:
    """The targets in the order of a sample: another one goes first each time."""
    first = number % len(targets)
    return [*targets[first:], *targets[:first]]
