"""Remote engines: llama-server, and servers with OpenAI's `/v1/completions` (vLLM, SGLang, Ollama and others).

infill renders the prompt for both kinds. llama-server receives tokens. So typed text goes behind the middle marker, as
in infill's own engine, and a grammar heals the last token. Other servers receive text, cut at the cursor.

Sources: llama.cpp's `tools/server/README.md` ("POST /completion", "POST /tokenize", "GET /props"), and OpenAI's API
reference ("Completions", "List models"), with vLLM's `max_model_len`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import time
from collections.abc import AsyncGenerator
from typing import Any, TypeVar

import aiohttp
import msgspec
from aiohttp.http import HttpProcessingError

from lsp_server.base.errors import EngineError, ModelError
from lsp_server.base.jsonc import encodable_json
from lsp_server.engine.client.interface import WENT_AWAY
from lsp_server.engine.client.remote.responses import (
    AnswerTimings,
    Completion,
    CompletionEvent,
    ErrorEvent,
    Models,
    Props,
    Tokens,
    Usage,
)
from lsp_server.engine.client.remote.token import how_to_set_token, read_token
from lsp_server.ipc.launch import EngineOptions, Loaded, LoadEvent
from lsp_server.ipc.model_info import ModelInfo
from lsp_server.ipc.requests import (
    Chunk,
    Control,
    Done,
    Event,
    Failed,
    Generate,
    Marker,
    Prefilled,
    Sampling,
    Text,
    Timings,
)

_T = TypeVar("_T")

logger = logging.getLogger(__name__)

DEFAULT_CONTEXT_TOKENS = 4096
SILENCE_S = 60.0  # a server that is silent for this long in the middle of an answer counts as gone
_CONNECT_S = 5.0
_RETRIED_STATUSES = {429, 502, 503, 504}
RETRY_DELAYS_S = (0.5, 1.5)
_MAX_HEALED = 4  # tokens
_MAX_CACHED_TEXTS = 64  # texts


class RemoteClient:
    """One remote engine of either kind.

    Raises `EngineError` if the server cannot be reached, and `ModelError` if it cannot serve.
    """

    def __init__(self, options: EngineOptions) -> None:
        assert options.remote is not None
        self._options, self._remote = options, options.remote
        self._session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_S, sock_read=SILENCE_S),
            trust_env=True,
            json_serialize=encodable_json,
        )
        self._url = self._remote.url.rstrip("/").removesuffix("/v1")
        self._is_llama_server = False
        self._tokens: dict[str, list[tuple[int, bytes]]] = {}
        self._markers: dict[str, str] = {}
        self._marker_tokens: dict[str, int] = {}
        self._model = self._remote.model
        self.lost = asyncio.Event()

    async def __aenter__(self) -> RemoteClient:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all connections, which cancels the requests under way."""
        await self._session.close()

    # Loading

    async def load(self) -> AsyncGenerator[LoadEvent, None]:
        """Find out what the server is, and which model it has."""
        if token := await asyncio.to_thread(read_token, self._remote):
            self._session.headers["Authorization"] = f"Bearer {token}"
        try:
            props = await self._props()
            self._is_llama_server = props is not None
            model = await (self._llama_server(props) if props is not None else self._openai())
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise EngineError(
                f"The engine at {self._url} cannot be reached ({_reason(error)}). Start it, or mend remote.url."
            ) from error
        yield Loaded(model)

    async def _props(self) -> Props | None:
        """llama-server's properties. None for another kind of server."""
        if self._remote.api == "openai":
            return None
        async with self._session.get(f"{self._url}/props") as response:
            found = await response.read() if response.status == 200 else b""
        with contextlib.suppress(msgspec.MsgspecError, UnicodeDecodeError):
            return msgspec.json.decode(found, type=Props)
        if self._remote.api == "llama-server":
            raise ModelError(f"{self._url} is no llama-server: it has no /props. Set remote.api to openai.")
        return None

    async def _llama_server(self, props: Props) -> ModelInfo:
        context_tokens = props.default_generation_settings.n_ctx or DEFAULT_CONTEXT_TOKENS
        begin = await self._request_tokens("", add_special=True)
        if begin:
            self._marker_tokens["begin"] = begin[0][0]
            self._markers["begin"] = props.bos_token or ""
        for role, text in self._remote.markers.items():
            found = await self._request_tokens(text, parse_special=True)
            if len(found) != 1:
                raise ModelError(
                    f"The model at {self._url} does not know {text!r}, a marker of the format {self._remote.format}. "
                    "Set remote.format to the model's family."
                )
            self._markers[role], self._marker_tokens[role] = text, found[0][0]
        name = props.model_alias or props.model_path or self._model or "model"
        return self._info(name.rsplit("/", 1)[-1], context_tokens, heals=True)

    async def _openai(self) -> ModelInfo:
        async with self._session.get(f"{self._url}/v1/models") as response:
            if response.status in (401, 403):
                raise ModelError(f"{self._url} wants a token: {how_to_set_token(self._remote)}.")
            if response.status != 200:
                raise ModelError(f"{self._url}/v1/models answers {response.status}: it is no server that infill knows.")
            models = {each.id: each for each in self._decode(await response.read(), Models).data}
        if not self._model and len(models) == 1:
            self._model = next(iter(models))
        if self._model not in models:
            raise ModelError(
                f"{self._url} does not have the model {self._model!r}. Set remote.model to one it has: "
                f"{', '.join(models) or 'it names none'}."
            )
        context_tokens = models[self._model].max_model_len or self._options.context_tokens or DEFAULT_CONTEXT_TOKENS
        self._markers = dict(self._remote.markers)
        return self._info(self._model, context_tokens, heals=False)

    def _info(self, name: str, context_tokens: int, *, heals: bool) -> ModelInfo:
        if self._options.context_tokens:
            context_tokens = min(context_tokens, self._options.context_tokens)
        backend = "llama-server" if self._is_llama_server else "openai"
        info = ModelInfo.remote(name, self._url, f"at {self._url}", self._markers, context_tokens, backend)
        # Families with common markers are told apart by this name of a tokeniser.
        return msgspec.structs.replace(info, pre_tokeniser=self._remote.format, heals=heals)

    # Requests

    async def generate(self, request: Generate) -> AsyncGenerator[Event, None]:
        """Generate text. Ends with exactly one `Done` or `Failed`, also if the server goes away meanwhile."""
        if not request.max_tokens:
            yield Done("length", Timings())  # no warm-up: the cache belongs to another machine
            return
        try:
            ask = self._generate_llama_server if self._is_llama_server else self._generate_openai
            async for event in ask(request):
                yield event
        except EngineError as error:
            yield Failed(str(error))
        except (aiohttp.ClientError, HttpProcessingError, TimeoutError, OSError, RuntimeError, ValueError) as error:
            logger.info("The engine at %s went away: %r", self._url, error)
            self.lost.set()
            yield Failed(WENT_AWAY)

    async def _generate_llama_server(self, request: Generate) -> AsyncGenerator[Event, None]:
        prompt = [token for part in request.prompt for token in await self._tokens_of(part)]
        typed, rest = await self._heal(request)
        body: dict[str, Any] = {
            "prompt": prompt + typed,
            "n_predict": request.max_tokens,
            "cache_prompt": True,
            "stream": True,
            **_sampling(request.sampling),
        }
        if rest or request.fixed_indent:
            body["grammar"] = _grammar(rest, visible=request.fixed_indent)
        timings = Timings(prompt_tokens=len(prompt) + len(typed))
        began, announced = time.monotonic(), False
        async for data in self._stream("/completion", body, CompletionEvent):
            if not announced:
                announced = True
                timings.first_token_ms = (time.monotonic() - began) * 1000
                yield Prefilled(timings)
            text = data.content
            agreed = min(len(rest), len(text))
            text, rest = text[agreed:], rest[agreed:]
            if text:
                yield Chunk(text)
            if data.stop:
                took = data.timings or AnswerTimings()
                timings.reused_tokens = took.cache_n
                timings.prefill_ms, timings.decode_ms = took.prompt_ms, took.predicted_ms
                timings.decoded_tokens = data.tokens_predicted
                yield Done("length" if data.stop_type == "limit" else "end", timings)
                return
        raise EngineError(f"The engine at {self._url} ended its answer in the middle.")

    async def _generate_openai(self, request: Generate) -> AsyncGenerator[Event, None]:
        body: dict[str, Any] = {
            "model": self._model,
            "prompt": "".join(map(self._render, request.prompt)) + self._break_up_markers(request.typed),
            "max_tokens": request.max_tokens,
            "stream": True,
            "temperature": request.sampling.temperature,
            # Only the usage tells how much of the prompt was cached.
            "stream_options": {"include_usage": True},
        }
        timings = Timings()
        began, announced = time.monotonic(), False
        reason = ""
        async for data in self._stream("/v1/completions", body, Completion):
            if not announced:
                announced = True
                timings.first_token_ms = (time.monotonic() - began) * 1000
                yield Prefilled(timings)
            for choice in data.choices[:1]:
                reason = choice.finish_reason or reason
                if choice.text:
                    timings.decoded_tokens += 1
                    yield Chunk(choice.text)
            if data.usage:
                _count(timings, data.usage)
        if not reason:
            raise EngineError(f"The engine at {self._url} ended its answer in the middle.")
        yield Done("length" if reason == "length" else "end", timings)

    async def state(self) -> str:
        """A description of the server, for a bug report."""
        kind = "llama-server" if self._is_llama_server else "OpenAI-compatible"
        return f"{kind} at {self._url}, model {self._model or 'not named'}"

    async def _stream(self, path: str, body: dict[str, Any], kind: type[_T]) -> AsyncGenerator[_T, None]:
        """The objects of a stream of server-sent events. Retries while the server is busy and has sent nothing."""
        for delay in (*RETRY_DELAYS_S, None):
            async with self._session.post(self._url + path, json=body) as response:
                if response.status in _RETRIED_STATUSES and delay is not None:
                    await asyncio.sleep(delay)
                    continue
                if response.status != 200:
                    raise EngineError(f"{self._url} refuses: {response.status} {(await response.text())[:300]}")
                async for line in response.content:
                    if not line.startswith(b"data:"):
                        continue
                    text = line[5:].strip()
                    if text == b"[DONE]":
                        return
                    yield self._decode(text, kind)
                return

    def _decode(self, text: bytes, kind: type[_T]) -> _T:
        try:
            if problem := msgspec.json.decode(text, type=ErrorEvent).error:
                raise EngineError(f"{self._url} reports an error: {str(problem)[:300]}")
            return msgspec.json.decode(text, type=kind)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise EngineError(f"{self._url} answers something that is not its protocol: {error}.") from None

    # Prompts

    async def _tokens_of(self, part: Marker | Text | Control) -> list[int]:
        if isinstance(part, Marker):
            return [self._marker_tokens[part.role]]
        if isinstance(part, Control):
            return [token for token, _ in await self._request_tokens(part.text, parse_special=True)]
        lead = [self._marker_tokens[part.marker]] if part.marker else []
        return lead + [token for token, _ in await self._tokenize(part.text)]

    async def _heal(self, request: Generate) -> tuple[list[int], str]:
        """Tokens of the typed text that are kept, and the text of those taken back for healing."""
        if request.heal and request.fixed_indent:
            return [token for token, _ in await self._tokenize(request.typed[:-1])], request.typed[-1:]
        found = await self._tokenize(request.typed)
        count = 1 if request.heal and found else 0
        while 0 < count < min(_MAX_HEALED, len(found)) and _continues_word(found[-count][1]):
            count += 1
        kept, taken = found[: len(found) - count], found[len(found) - count :]
        rest = b"".join(piece for _, piece in taken)
        return [token for token, _ in kept], rest.decode("utf-8", errors="ignore")

    async def _tokenize(self, text: str) -> list[tuple[int, bytes]]:
        """Tokens of user text with their bytes. Cached, because an anchor's texts come again with every keystroke."""
        if not text:
            return []
        if text not in self._tokens:
            if len(self._tokens) > _MAX_CACHED_TEXTS:
                self._tokens.clear()
            self._tokens[text] = await self._request_tokens(text)
        return self._tokens[text]

    async def _request_tokens(self, text: str, **how: bool) -> list[tuple[int, bytes]]:
        body = {"content": text, "with_pieces": True, "add_special": False, "parse_special": False, **how}
        async with self._session.post(f"{self._url}/tokenize", json=body) as response:
            if response.status != 200:
                raise EngineError(f"{self._url} does not tokenise: {response.status}.")
            found = self._decode(await response.read(), Tokens)
        return [(token.id, token.spelling) for token in found.tokens]

    def _render(self, part: Marker | Text | Control) -> str:
        if isinstance(part, Marker):
            return "" if part.role == "begin" else self._markers[part.role]  # the server adds that one itself
        if isinstance(part, Control):
            return part.text
        return (self._markers[part.marker] if part.marker else "") + self._break_up_markers(part.text)

    def _break_up_markers(self, text: str) -> str:
        """The text with a space after the first character of each marker text, so that it does not become a marker."""
        for marker in self._markers.values():
            if marker and marker in text:
                text = text.replace(marker, f"{marker[0]} {marker[1:]}")
        return text


def _continues_word(piece: bytes) -> bool:
    """Whether a token continues a word that began before it."""
    return piece[:1].isalnum() or piece[:1] == b"_"


def _count(timings: Timings, usage: Usage) -> None:
    """Set the counts of an answer to the server's own."""
    timings.prompt_tokens = usage.prompt_tokens
    timings.decoded_tokens = usage.completion_tokens or timings.decoded_tokens
    details = usage.prompt_tokens_details
    timings.reused_tokens = (details.cached_tokens if details else None) or 0


def _grammar(rest: str, *, visible: bool) -> str:
    """A GBNF grammar for text that begins with `rest`. With `visible`, no white space may follow."""
    start = f"{json.dumps(rest, ensure_ascii=False)} " if rest else ""
    seen = "[^ \\t\\n] " if visible else ""
    return f"root ::= {start}{seen}[^\\x00]*"


def _sampling(sampling: Sampling) -> dict[str, Any]:
    found: dict[str, Any] = {"temperature": sampling.temperature}
    if sampling.temperature:
        found |= {"top_k": sampling.top_k, "top_p": sampling.top_p, "min_p": sampling.min_p, "seed": sampling.seed}
    return found


def _reason(error: BaseException) -> str:
    return str(error) or type(error).__name__
