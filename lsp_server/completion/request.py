"""A completion request and its answer."""

from __future__ import annotations

from dataclasses import dataclass, field

from lsp_server.base.trace import Trace
from lsp_server.ipc.requests import Timings

# Nobody wants the text any more. Nothing is shown, and nothing is wrong.
ABANDONED = ("cancelled", "superseded", "deadline")

# What a text was limited to: the most tokens, the most lines, and the texts that end it. None is the settings' limit.
Limits = tuple[int | None, int | None, tuple[str, ...]]
NO_LIMITS: Limits = (None, None, ())

SPECULATIVE = "speculative"  # the kind of a request that the server makes itself, before the user does


@dataclass(frozen=True, slots=True)
class CompletionRequest:
    """What kind of completion is wanted.

    `kind` is `inline`, `menu`, `command` or `action`. An `automatic` request comes from typing. It gets no text while
    the model loads. An explicit request waits for the model. `num_texts` is the number of different texts wanted;
    fewer may come. `max_lines` limits the text to that many lines and overrides the settings. The text ends before the
    first of `stops`.
    """

    kind: str
    automatic: bool = False
    max_tokens: int | None = None
    num_texts: int = 1
    max_lines: int | None = None
    stops: tuple[str, ...] = ()

    @property
    def limits(self) -> Limits:
        """The request's own limits. An answer is given again only to requests of the same limits."""
        return self.max_tokens, self.max_lines, self.stops

    @property
    def is_action(self) -> bool:
        """Whether a code action asks. It takes no earlier answer, and leaves none to later requests."""
        return self.kind.partition(" ")[0] == "action"


@dataclass(slots=True)
class Answer:
    """The outcome of a request.

    `text` is inserted at the cursor; it is empty if there is none. `alternatives` are other texts for the same place.
    `reason` says why the text ended, or why there is none. `error` is a sentence for the user if something is wrong.
    """

    text: str = ""
    alternatives: list[str] = field(default_factory=list)
    reason: str = ""
    error: str = ""
    timings: Timings = field(default_factory=Timings)
    trace: Trace = field(default_factory=Trace)

    @property
    def is_evaluated(self) -> bool:
        """Whether the engine evaluated the whole prompt while the request was still wanted."""
        return not self.error and self.reason not in ABANDONED
