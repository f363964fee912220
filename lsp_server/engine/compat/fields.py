"""The request fields of llama-server's and OpenAI's APIs: validation, and translation to the engine's own.

Unknown fields are ignored: they do not change the text, or README.md lists them. Fields that would change the text
but are unsupported raise an error. Sources: llama.cpp's `tools/server/README.md` ("POST /infill", "POST
/completion", "POST /tokenize"), OpenAI's API reference ("Completions", "Chat").
"""

from __future__ import annotations

import random
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Raw

from lsp_server.engine.http.responses import InvalidRequestError
from lsp_server.ipc.requests import Sampling

MAX_ANSWERS = 8
# llama-server's defaults.
_TEMPERATURE, _TOP_K, _TOP_P, _MIN_P = 0.8, 40, 0.95, 0.05
_SAMPLERS = ("top_k", "top_p", "min_p", "temperature")
_MAX_SEED = 2**32 - 1
# More of them would cost time for nothing.
_MAX_STOPS, _MAX_EXTRAS, _MAX_MESSAGES = 256, 1024, 8192
_MAX_NAME = 4096
_MAX_INDENT = 65535
_MAX_TOKENIZED = 1 << 20

Count = Annotated[int, Meta(ge=1, le=MAX_ANSWERS)]
Probability = Annotated[float, Meta(ge=0.0, le=1.0)]
Name = Annotated[str, Meta(max_length=_MAX_NAME)]
Names = Annotated[tuple[Name, ...], Meta(max_length=_MAX_STOPS)]
Stop = Names | str | None
_NOTHING = {b"", b"null", b"false", b"0", b"{}", b"[]", b'""'}


class Extra(msgspec.Struct, frozen=True):
    """An excerpt of another file."""

    text: str
    filename: Name = ""


class ResponseFormat(msgspec.Struct, frozen=True):
    """The format of the answer. Only text is supported."""

    type: str = ""


class _SamplingFields(msgspec.Struct, frozen=True, kw_only=True):
    """Fields for sampling, and unsupported ones."""

    temperature: Annotated[float, Meta(ge=0.0)] | None = None
    top_k: Annotated[int, Meta(ge=-(2**31), lt=2**31)] | None = None
    top_p: Probability | None = None
    min_p: Probability | None = None
    seed: int | None = None
    samplers: Names | None = None
    stop: Stop = None
    stream: bool = False
    grammar: str | None = None
    json_schema: Raw = Raw()
    logit_bias: Raw = Raw()
    response_format: ResponseFormat | None = None

    @property
    def stops(self) -> tuple[str, ...]:
        """Texts that end an answer."""
        stops = (self.stop,) if isinstance(self.stop, str) else self.stop or ()
        return tuple(stop for stop in stops if stop)

    def require_supported(self) -> None:
        """Raise `InvalidRequestError` if an unsupported field is set."""
        if name := self._unsupported():
            raise InvalidRequestError(f"This engine knows no {name}: leave it out.")

    def _unsupported(self) -> str:
        """The name of such a field; empty if there is none."""
        fields = {
            "grammar": self.grammar,
            "json_schema": _is_given(self.json_schema),
            "logit_bias": _is_given(self.logit_bias),
            "response_format": self.response_format and self.response_format.type != "text",
        }
        return next((name for name, value in fields.items() if value), "")

    def sampling(self, number: int, temperature: float = _TEMPERATURE) -> Sampling:
        """The sampling of answer number `number`. `samplers` switches off all samplers that it does not name."""
        names = _SAMPLERS if self.samplers is None else self.samplers
        seed = random.randrange(_MAX_SEED) if self.seed is None or self.seed < 0 else self.seed  # noqa: S311
        wanted = temperature if self.temperature is None else self.temperature
        return Sampling(
            # As in llama-server: without the temperature sampler, the probabilities stay as they are.
            temperature=wanted if "temperature" in names else 1.0,
            top_k=_given(self.top_k, _TOP_K) if "top_k" in names else 0,
            top_p=_given(self.top_p, _TOP_P) if "top_p" in names else 1.0,
            min_p=_given(self.min_p, _MIN_P) if "min_p" in names else 0.0,
            infill="infill" in names,
            seed=(seed + number) % _MAX_SEED,
        )


class Infill(_SamplingFields, frozen=True, kw_only=True):
    """`POST /infill`."""

    input_prefix: str = ""
    input_suffix: str = ""
    input_extra: Annotated[tuple[Extra, ...], Meta(max_length=_MAX_EXTRAS)] = ()
    prompt: str = ""
    filename: Name = ""
    document: Name = ""
    n_predict: int = -1
    n_cmpl: Count = 1
    n_indent: Annotated[int, Meta(le=_MAX_INDENT)] = 0
    t_max_predict_ms: int = 0
    timings_per_token: bool = False
    response_fields: Names = ()


class StreamOptions(msgspec.Struct, frozen=True):
    """What a stream has besides its text."""

    include_usage: bool = False


class _OpenAI(_SamplingFields, frozen=True, kw_only=True):
    """The fields of both of OpenAI's requests."""

    max_tokens: int | None = None
    n: Count | None = None
    stream_options: StreamOptions | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    logprobs: bool | int | None = None

    def _unsupported(self) -> str:
        fields = {
            "presence_penalty": self.presence_penalty,
            "frequency_penalty": self.frequency_penalty,
            "logprobs": self.logprobs,
        }
        return super()._unsupported() or next((name for name, value in fields.items() if value), "")


class Completion(_OpenAI, frozen=True, kw_only=True):
    """`POST /v1/completions`."""

    prompt: str | Annotated[tuple[str, ...], Meta(min_length=1, max_length=1)]
    suffix: str | None = None
    echo: bool | None = None
    best_of: int | None = None

    def _unsupported(self) -> str:
        best_of = self.best_of if self.best_of not in (None, 1, self.n) else None
        return super()._unsupported() or ("echo" if self.echo else "") or ("best_of" if best_of else "")

    @property
    def text(self) -> str:
        """The prompt."""
        return self.prompt if isinstance(self.prompt, str) else self.prompt[0]


class ContentPart(msgspec.Struct, frozen=True):
    """A part of a message. Only text is supported."""

    type: Literal["text"]
    text: str


class ChatMessage(msgspec.Struct, frozen=True):
    """One message of a chat."""

    role: Literal["system", "developer", "user", "assistant"]
    content: str | tuple[ContentPart, ...] | None = None

    @property
    def text(self) -> str:
        """The text of the message."""
        if isinstance(self.content, tuple):
            return "".join(part.text for part in self.content)
        return self.content or ""


class Chat(_OpenAI, frozen=True, kw_only=True):
    """`POST /v1/chat/completions`."""

    messages: Annotated[tuple[ChatMessage, ...], Meta(min_length=1, max_length=_MAX_MESSAGES)]
    max_completion_tokens: int | None = None
    n_predict: int | None = None
    tools: Raw = Raw()

    def _unsupported(self) -> str:
        return super()._unsupported() or ("tools" if _is_given(self.tools) else "")

    @property
    def token_limit(self) -> int:
        """The maximum number of tokens, by whichever name it was given. Negative means as many as fit."""
        return next((n for n in (self.max_completion_tokens, self.max_tokens, self.n_predict) if n is not None), -1)


class Tokenize(msgspec.Struct, frozen=True):
    """`POST /tokenize`."""

    content: Annotated[str, Meta(max_length=_MAX_TOKENIZED)]
    add_special: bool = False
    parse_special: bool = True
    with_pieces: bool = False


def _is_given(raw: Raw) -> bool:
    """Whether a field that is not decoded has a value. What it contains may be nested without end."""
    return b"".join(bytes(raw).split()) not in _NOTHING


def _given(value: Any, otherwise: Any) -> Any:
    return otherwise if value is None else value
