"""The responses of remote engines, as far as they are read. A response of another shape is a protocol error.

`client` names the sources.
"""

from __future__ import annotations

from typing import Any

import msgspec


class GenerationSettings(msgspec.Struct, frozen=True):
    """The context length in llama-server's `/props`."""

    n_ctx: int = 0


class Props(msgspec.Struct, frozen=True):
    """llama-server's `GET /props`. Other kinds of servers have no such settings."""

    default_generation_settings: GenerationSettings
    bos_token: str | None = None
    model_alias: str | None = None
    model_path: str | None = None


class Token(msgspec.Struct, frozen=True):
    """A token and its text. Bytes stand for text that is incomplete by itself."""

    id: int
    piece: str | list[int]

    @property
    def spelling(self) -> bytes:
        """The bytes of the token."""
        return self.piece.encode() if isinstance(self.piece, str) else bytes(each & 0xFF for each in self.piece)


class Tokens(msgspec.Struct, frozen=True):
    """llama-server's `POST /tokenize` with pieces."""

    tokens: list[Token]


class AnswerTimings(msgspec.Struct, frozen=True):
    """The times of an answer, and the number of cached prompt tokens."""

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
    """One model of a server. vLLM also tells the context length."""

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
    """How much of a prompt was cached."""

    cached_tokens: int | None = None


class Usage(msgspec.Struct, frozen=True):
    """The token counts of an answer."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    prompt_tokens_details: PromptDetails | None = None


class Completion(msgspec.Struct, frozen=True):
    """An event of OpenAI's `POST /v1/completions`. The last one may have only the usage."""

    choices: list[Choice] = []
    usage: Usage | None = None


class ErrorEvent(msgspec.Struct, frozen=True):
    """An event that reports an error, in whatever form."""

    error: Any = None
