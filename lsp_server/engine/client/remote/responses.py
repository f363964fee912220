"""What servers elsewhere answer, as far as it is read. Whatever is of another shape is not their protocol.

Sources: those of `http_remote`.
"""

from __future__ import annotations

from typing import Any

import msgspec


class GenerationSettings(msgspec.Struct, frozen=True):
    """Of llama-server's `/props`: the window."""

    n_ctx: int = 0


class Props(msgspec.Struct, frozen=True):
    """llama-server's `GET /props`; another kind of server has no such settings."""

    default_generation_settings: GenerationSettings
    bos_token: str | None = None
    model_alias: str | None = None
    model_path: str | None = None


class Token(msgspec.Struct, frozen=True):
    """A token and its text, or its bytes where they are no text by themselves."""

    id: int
    piece: str | list[int]

    @property
    def spelling(self) -> bytes:
        """The bytes it stands for."""
        return self.piece.encode() if isinstance(self.piece, str) else bytes(each & 0xFF for each in self.piece)


class Tokens(msgspec.Struct, frozen=True):
    """llama-server's `POST /tokenize` with pieces."""

    tokens: list[Token]


class AnswerTimings(msgspec.Struct, frozen=True):
    """How long an answer took, and how much of its prompt was in the cache."""

    cache_n: int = 0
    prompt_ms: float = 0.0
    predicted_ms: float = 0.0


class CompletionEvent(msgspec.Struct, frozen=True):
    """An event of llama-server's `POST /completion`."""

    content: str = ""
    stop: bool = False
    stop_type: str = ""
    tokens_predicted: int = 0
    timings: AnswerTimings | None = None


class Model(msgspec.Struct, frozen=True):
    """One of a server's models; vLLM says how long its window is."""

    id: str
    max_model_len: int | None = None


class Models(msgspec.Struct, frozen=True):
    """OpenAI's `GET /v1/models`."""

    data: list[Model]


class Choice(msgspec.Struct, frozen=True):
    """The next piece of a text."""

    text: str | None = None
    finish_reason: str | None = None


class PromptDetails(msgspec.Struct, frozen=True):
    """How much of a prompt was in the cache."""

    cached_tokens: int | None = None


class Usage(msgspec.Struct, frozen=True):
    """What an answer took, in tokens."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    prompt_tokens_details: PromptDetails | None = None


class Completion(msgspec.Struct, frozen=True):
    """An event of OpenAI's `POST /v1/completions`; the last one may have nothing but the usage."""

    choices: list[Choice] = []
    usage: Usage | None = None


class ErrorEvent(msgspec.Struct, frozen=True):
    """An event that reports an error, in whatever words."""

    error: Any = None
