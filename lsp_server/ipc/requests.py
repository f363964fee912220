"""What a language server asks of an engine, and what the engine answers: plain data, shared by both sides.

A request is one `Generate`. It is answered by at most one `Prefilled`, any number of `Chunk`s, and then exactly one
`Done` or `Failed`.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Literal

import msgspec


class Priority(IntEnum):
    """Who goes first when several requests wait; smaller is sooner."""

    INTERACTIVE = 0
    ALTERNATIVES = 1
    CHAT = 2
    WARM_UP = 3


class Marker(msgspec.Struct, frozen=True, tag="marker"):
    """A control token of the model, by its role: `begin`, `prefix`, `suffix`, `middle`, `repo` or `file`."""

    role: str


class Text(msgspec.Struct, frozen=True, tag="text"):
    """A stretch of user text. It can never become control tokens, whatever it spells.

    `overflow` says what may be cut when the prompt exceeds the window: `keep_all` nothing, `keep_tail` from the
    left, `keep_head` from the right, `drop` all of it. Droppable parts go first, the earliest of them first.
    `marker` is the role of a control token ahead of the text, which is dropped with it.
    """

    text: str
    overflow: Literal["keep_all", "keep_tail", "keep_head", "drop"] = "keep_all"
    marker: str = ""


class Control(msgspec.Struct, frozen=True, tag="control"):
    """Text of the model's own chat template: control tokens in it are control tokens. Never user text."""

    text: str


PromptPart = Marker | Text | Control


class Sampling(msgspec.Struct, frozen=True):
    """How the next token is drawn; the default is greedy.

    `infill` adds llama.cpp's infill sampler, which prefers to end and merges tokens that begin the same. `confidence`
    ends the text before the token with which the joint probability since the last line break falls below it; of tokens
    that spell what was typed, the probability among those that do counts.
    """

    temperature: float = 0.0
    top_k: int = 40
    top_p: float = 0.95
    min_p: float = 0.0
    infill: bool = False
    seed: int = 0
    confidence: float = 0.0


class Generate(msgspec.Struct, frozen=True):
    """Ask for the text that follows `prompt` and `typed`.

    `prompt` is the anchor, up to and with the middle marker; `typed` is what was typed since and is, to the model, the
    beginning of the middle. Typing on with the same anchor costs only the typed tokens. `reserve_tokens` of the window
    are kept for typed text, so that its length does not move the anchor's cuts. `heal` lets the model finish the last
    token of `typed`. `fixed_indent`: `typed` ends in the indentation that the line is to have; no white space follows.
    With `max_tokens` 0 the prompt is only brought into the cache.

    A newer request with the same non-empty `(document, kind)` supersedes the older one. `deadline_ms` counts
    from arrival. `document` is an opaque key: engines never see paths. `logprobs` asks for `Chunk.logprob`.
    """

    prompt: tuple[PromptPart, ...]
    max_tokens: int
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
    """Where the time of one request went. `*_ms` are milliseconds, `*_tokens` counts.

    `reused_tokens` of `prompt_tokens` were in the cache already; `decoded_tokens` were written by the model.
    `drafted_tokens` and `accepted_tokens` count tokens guessed and those that turned out right.
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
    """The prompt is in the cache and the model begins to write; `timings` are complete up to here.

    Who stops reading before the end, because the hole is filled, has them nevertheless.
    """

    timings: Timings


class Chunk(msgspec.Struct, frozen=True, tag="chunk", omit_defaults=True):
    """The next piece of generated text, whole characters only.

    `logprob` is the natural logarithm of the probability of its tokens, where it was asked for. `drafted_tokens` and
    `accepted_tokens` are those of the timings up to here: who stops reading early has them nevertheless.
    """

    text: str
    logprob: float | None = None
    drafted_tokens: int = 0
    accepted_tokens: int = 0


class Done(msgspec.Struct, frozen=True, tag="done"):
    """The request ended as it should, or as it was told to."""

    reason: FinishReason
    timings: Timings


class Failed(msgspec.Struct, frozen=True, tag="failed"):
    """The request ended by a fault; `message` is a sentence for the user."""

    message: str


Event = Prefilled | Chunk | Done | Failed
