"""OpenAI's API: `/v1/completions`, `/v1/chat/completions` and `/v1/models`."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable
from typing import Any

import msgspec
from aiohttp import web

from lsp_server.engine.compat.chat_forms import chat_prompt_for
from lsp_server.engine.compat.completion_stream import CompletionStream, Engine, read_all
from lsp_server.engine.compat.fields import Chat, Completion
from lsp_server.engine.compat.llama_server import token_limit
from lsp_server.engine.compat.prompts import Prompt, continue_text, fill_in_middle
from lsp_server.engine.compat.stop_conditions import StopConditions
from lsp_server.engine.http.responses import (
    TOLD_ERRORS,
    InvalidRequestError,
    decode_body,
    error_body,
    event_stream,
    json_response,
    status_of,
)
from lsp_server.ipc.model_info import ModelInfo
from lsp_server.ipc.requests import Generate, Priority, Timings
from lsp_server.prompt.chat import Message

_DEFAULT_TOKENS = 16
_DEFAULT_TEMPERATURE = 1.0
_REASONS = {"end": "stop", "word": "stop", "limit": "length"}


async def completions(engine: Engine, request: web.Request) -> web.StreamResponse:
    """`POST /v1/completions`: the text behind a prompt, or between a prompt and a suffix."""
    fields = await decode_body(request, Completion)
    fields.require_supported()
    model = await engine.model()
    prompt = fill_in_middle(model, fields.text, fields.suffix) if fields.suffix else continue_text(model, fields.text)
    max_tokens = _DEFAULT_TOKENS if fields.max_tokens is None else fields.max_tokens
    template = _template(model, prompt, max_tokens, "completion", Priority.INTERACTIVE)
    return await _answer(engine, request, fields, model.name, template, prompt.stops, _TEXT)


async def chat(engine: Engine, request: web.Request) -> web.StreamResponse:
    """`POST /v1/chat/completions`: the next message of a chat."""
    fields = await decode_body(request, Chat)
    fields.require_supported()
    model = await engine.model()
    turns = [Message("system" if each.role == "developer" else each.role, each.text) for each in fields.messages]
    prompt = await asyncio.to_thread(chat_prompt_for, model, turns)
    template = _template(model, Prompt(prompt), fields.token_limit, "chat", Priority.CHAT)
    return await _answer(engine, request, fields, model.name, template, (), _MESSAGE)


async def models(engine: Engine, _: web.Request) -> web.StreamResponse:
    """`GET /v1/models`: the only model. `max_model_len` follows vLLM, `meta` follows llama-server."""
    model = await engine.model()
    meta = {
        "n_ctx_train": model.trained_context_tokens,
        "n_params": model.num_parameters,
        "size": model.weights_bytes,
    }
    about = {"id": model.name, "object": "model", "created": 0, "owned_by": "infill"}
    return json_response({"object": "list", "data": [about | {"max_model_len": model.context_tokens, "meta": meta}]})


class _Shape(msgspec.Struct, frozen=True):
    """The objects of one of the two APIs, as whole answers and as parts of a stream."""

    prefix: str
    whole: str
    part: str
    whole_choice: Callable[[str], dict[str, Any]]
    part_choice: Callable[[str], dict[str, Any]]
    opening: dict[str, Any] | None = None


_TEXT = _Shape("cmpl-", "text_completion", "text_completion", lambda text: {"text": text}, lambda text: {"text": text})
_MESSAGE = _Shape(
    "chatcmpl-",
    "chat.completion",
    "chat.completion.chunk",
    lambda text: {"message": {"role": "assistant", "content": text}},
    lambda text: {"delta": {"content": text} if text else {}},
    {"delta": {"role": "assistant", "content": ""}},
)


def _template(model: ModelInfo, prompt: Prompt, max_tokens: int, kind: str, priority: Priority) -> Generate:
    """The request of every answer, still without its sampling."""
    return Generate(
        prompt.parts,
        token_limit(max_tokens, model) if prompt.is_cut else _up_to(max_tokens, model.context_tokens),
        is_limit=not prompt.is_cut,
        typed=prompt.typed,
        reserve_tokens=prompt.reserve_tokens,
        kind=kind,
        priority=priority if max_tokens else Priority.WARM_UP,
    )


def _up_to(wanted: int, most: int) -> int:
    return min(wanted, most) if wanted >= 0 else most


async def _answer(
    engine: Engine,
    request: web.Request,
    fields: Completion | Chat,
    model: str,
    template: Generate,
    stops: tuple[str, ...],
    shape: _Shape,
) -> web.StreamResponse:
    requests = [
        msgspec.structs.replace(
            template, sampling=fields.sampling(number, _DEFAULT_TEMPERATURE), kind=f"{template.kind} {number}"
        )
        for number in range(fields.n or 1)
    ]
    streams = [CompletionStream(engine, each, StopConditions(fields.stops + stops)) for each in requests]
    head = {"id": shape.prefix + secrets.token_hex(12), "created": int(time.time()), "model": model}
    if fields.stream:
        if len(streams) > 1:
            raise InvalidRequestError("Of several answers none can be streamed: set stream or n.")
        return await _stream(request, fields, streams[0], shape, head)
    await read_all(streams)
    choices = [_choice(shape.whole_choice(each.text), number, each) for number, each in enumerate(streams)]
    return json_response(head | {"object": shape.whole, "choices": choices, "usage": _usage(streams)})


async def _stream(
    request: web.Request, fields: Completion | Chat, stream: CompletionStream, shape: _Shape, head: dict[str, Any]
) -> web.StreamResponse:
    head = head | {"object": shape.part}
    async with event_stream(request) as send:
        try:
            if shape.opening:
                await send(head | {"choices": [_choice(shape.opening, 0)]})
            async for piece in stream.pieces():
                await send(head | {"choices": [_choice(shape.part_choice(piece), 0)]})
        except TOLD_ERRORS as error:
            await send(error_body(status_of(error), str(error)))
            return send.response
        await send(head | {"choices": [_choice(shape.part_choice(""), 0, stream)]})
        if fields.stream_options and fields.stream_options.include_usage:
            await send(head | {"choices": [], "usage": _usage([stream])})
        await send.line(b"[DONE]")
        return send.response


def _choice(content: dict[str, Any], number: int, ended: CompletionStream | None = None) -> dict[str, Any]:
    return {"index": number, **content, "logprobs": None, "finish_reason": _REASONS[ended.reason] if ended else None}


def _usage(streams: list[CompletionStream]) -> dict[str, Any]:
    timings: Timings = streams[0].timings
    written = sum(each.timings.decoded_tokens for each in streams)
    return {
        "prompt_tokens": timings.prompt_tokens,
        "completion_tokens": written,
        "total_tokens": timings.prompt_tokens + written,
        "prompt_tokens_details": {"cached_tokens": timings.reused_tokens},
    }
