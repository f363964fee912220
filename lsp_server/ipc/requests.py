"""A request to an engine and its events: plain data, for server and engine.

A request is one `Generate`. Its answer is at most one `Prefilled`, any number of `Chunk`s, and then exactly one `Done`
or `Failed`.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Literal

import msgspec

from lsp_server.base.errors import InfillError, PromptError


class Priority(IntEnum):
    """The order of waiting requests. A smaller number goes first."""

    INTERACTIVE = 0
    ALTERNATIVES = 1
    CHAT = 2
    WARM_UP = 3


class Marker(msgspec.Struct, frozen=True, tag="marker"):
    """A control token of the model, by its role: `begin`, `prefix`, `suffix`, `middle`, `repo` or `file`."""

    role: str


class Text(msgspec.Struct, frozen=True, tag="text"):
    """User text. It never becomes control tokens, whatever it spells.

    `overflow` tells what may be cut if the prompt exceeds the context. `keep_all`: nothing. `keep_tail`: its beginning.
    `keep_head`: its end. `drop`: all of it. Droppable parts are cut first, the earliest of them first. `marker` is the
    role of a control token in front of the text; it is dropped with the text.
    """

    text: str
    overflow: Literal["keep_all", "keep_tail", "keep_head", "drop"] = "keep_all"
    marker: str = ""


class Control(msgspec.Struct, frozen=True, tag="control"):
    """Text of the model's own chat template. Control tokens in it take effect, so it never contains user text."""

    text: str


PromptPart = Marker | Text | Control


class Sampling(msgspec.Struct, frozen=True):
    """How the next token is sampled; greedily by default.

    `infill` adds llama.cpp's infill sampler, which prefers to end, and merges tokens with a common beginning.
    `confidence` is the minimum joint probability since the last line break. The text ends before the token that falls
    below it. While typed bytes are healed, the probability is that among the tokens that spell them.
    """

    temperature: float = 0.0
    top_k: int = 40
    top_p: float = 0.95
    min_p: float = 0.0
    infill: bool = False
    seed: int = 0
    confidence: float = 0.0


class Generate(msgspec.Struct, frozen=True):
    """A request for the text that follows `prompt` and `typed`.

    `prompt` is the anchor, up to and including the middle marker. `typed` is the text typed since. For the model it is
    the beginning of the middle. Typing on with the same anchor costs only the typed tokens. `reserve_tokens` of the
    context are kept for typed text, so that its length does not move the anchor's cuts. With `heal` the model may
    complete the last token of `typed`. With `fixed_indent`, `typed` ends in the line's final indentation, and no white
    space follows. With `max_tokens` 0 the request only brings the prompt into the cache. With `is_limit` the answer
    has fewer than `max_tokens` if the prompt leaves no room for more.

    A newer request with the same non-empty `(document, kind)` supersedes the older one. `document` is an opaque key,
    because engines never see paths. `deadline_ms` counts from the arrival. `logprobs` asks for `Chunk.logprob`.
    """

    prompt: tuple[PromptPart, ...]
    max_tokens: int
    is_limit: bool = False
    typed: str = ""
    reserve_tokens: int = 0
    heal: bool = True
    fixed_indent: bool = False
    logprobs: bool = False
    document: str = ""
    kind: str = "inline"
    priority: Priority = Priority.INTERACTIVE
    sampling: Sampling = Sampling()
    deadline_ms: int | None = None


FinishReason = Literal["end", "length", "low_confidence", "cancelled", "superseded", "deadline"]


class Timings(msgspec.Struct):
    """The times and counts of one request. `*_ms` are milliseconds, `*_tokens` are counts.

    `reused_tokens` of `prompt_tokens` were already in the cache. `decoded_tokens` were sampled. Of `drafted_tokens`,
    `accepted_tokens` were right.
    """

    queue_ms: float = 0.0
    prompt_tokens: int = 0
    reused_tokens: int = 0
    prefill_ms: float = 0.0
    first_token_ms: float = 0.0
    decoded_tokens: int = 0
    drafted_tokens: int = 0
    accepted_tokens: int = 0
    decode_ms: float = 0.0
    total_ms: float = 0.0


class Prefilled(msgspec.Struct, frozen=True, tag="prefilled"):
    """The prompt is in the cache, and decoding begins. `timings` are complete up to here.

    A reader that stops early, because the hole is filled, has these timings at least.
    """

    timings: Timings


class Chunk(msgspec.Struct, frozen=True, tag="chunk", omit_defaults=True):
    """The next piece of generated text. It has whole characters only.

    `logprob` is the natural logarithm of its tokens' joint probability, if it was asked for. `drafted_tokens` and
    `accepted_tokens` are the counts up to here, for a reader that stops early.
    """

    text: str
    logprob: float | None = None
    drafted_tokens: int = 0
    accepted_tokens: int = 0


class Done(msgspec.Struct, frozen=True, tag="done"):
    """The request has ended, for one of the normal reasons."""

    reason: FinishReason
    timings: Timings


class Failed(msgspec.Struct, frozen=True, tag="failed"):
    """The request ended by a fault. `message` is a sentence for the user.

    `is_refused`: the fault is in the request. It would fail again.
    """

    message: str
    is_refused: bool = False

    @staticmethod
    def by(error: InfillError) -> Failed:
        """The end of a request that raised this error."""
        return Failed(str(error), isinstance(error, PromptError))


Event = Prefilled | Chunk | Done | Failed
