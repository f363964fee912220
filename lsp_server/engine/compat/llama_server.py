"""llama-server's API: `/infill` and `/tokenize`."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

from aiohttp import web

from lsp_server.base.errors import PromptError
from lsp_server.engine.compat.completion_stream import CompletionStream, Engine, read_all
from lsp_server.engine.compat.fields import Infill, Tokenize
from lsp_server.engine.compat.prompts import fill_in_middle
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
from lsp_server.ipc.launch import CLIENT_HEADER
from lsp_server.ipc.model_info import ModelInfo
from lsp_server.ipc.requests import Generate, Priority

_STOP_TYPES = {"end": "eos", "word": "word", "limit": "limit"}


async def infill(engine: Engine, request: web.Request) -> web.StreamResponse:
    """`POST /infill`: the text between two others, in one or several answers."""
    fields = await decode_body(request, Infill)
    fields.require_supported()
    if fields.stream and fields.n_cmpl > 1:
        raise InvalidRequestError("Of several answers none can be streamed: set stream or n_cmpl.")
    model = await engine.model()
    client = request.headers.get(CLIENT_HEADER, "")
    streams = [_open_stream(engine, model, fields, number, client) for number in range(fields.n_cmpl)]
    if fields.stream:
        return await _stream(request, streams[0], model, fields)
    await read_all(streams)
    answers = [_answer(number, stream, model, fields) for number, stream in enumerate(streams)]
    return json_response(answers if len(answers) > 1 else answers[0])


def _open_stream(engine: Engine, model: ModelInfo, fields: Infill, number: int, client: str) -> CompletionStream:
    prompt = fill_in_middle(
        model, fields.input_prefix, fields.input_suffix, fields.prompt, fields.input_extra, fields.filename
    )
    priority = Priority.INTERACTIVE if number == 0 else Priority.ALTERNATIVES
    request = Generate(
        prompt.parts,
        token_limit(fields.n_predict, model),
        typed=prompt.typed,
        reserve_tokens=prompt.reserve_tokens,
        document=f"{client} {fields.document}" if fields.document else "",
        kind=f"infill {number}",
        priority=priority if fields.n_predict else Priority.WARM_UP,
        sampling=fields.sampling(number),
    )
    return CompletionStream(
        engine, request, StopConditions(fields.stops + prompt.stops, fields.n_indent, fields.t_max_predict_ms)
    )


def token_limit(wanted: int, model: ModelInfo) -> int:
    """The maximum number of tokens of an answer to a prompt that can be cut. By default half of the context."""
    return min(wanted, model.context_tokens // 2) if wanted >= 0 else model.context_tokens // 2


async def _stream(
    request: web.Request, stream: CompletionStream, model: ModelInfo, fields: Infill
) -> web.StreamResponse:
    async with event_stream(request) as send:
        try:
            async for piece in stream.pieces():
                part = _part(0, piece, stream)
                await send(part | ({"timings": _timings(stream)} if fields.timings_per_token else {}))
        except TOLD_ERRORS as error:
            await send(error_body(status_of(error), str(error)))
        else:
            await send(_answer(0, stream, model, fields) | {"content": ""})
        return send.response


def _part(number: int, content: str, stream: CompletionStream) -> dict[str, Any]:
    return {
        "index": number,
        "content": content,
        "tokens": [],
        "stop": False,
        "id_slot": 0,
        "tokens_predicted": stream.num_tokens,
        "tokens_evaluated": stream.timings.prompt_tokens,
    }


def _answer(number: int, stream: CompletionStream, model: ModelInfo, fields: Infill) -> dict[str, Any]:
    timings, stop_word = stream.timings, stream.stop.word
    answer = _part(number, stream.text, stream) | {
        "stop": True,
        "model": model.name,
        "tokens_predicted": timings.decoded_tokens,
        "tokens_cached": timings.prompt_tokens + timings.decoded_tokens,
        "has_new_line": "\n" in stream.text,
        "truncated": False,
        "stop_type": _STOP_TYPES[stream.reason],
        "stopping_word": stop_word,
        "generation_settings": {"n_ctx": model.context_tokens, "n_predict": fields.n_predict},
        "timings": _timings(stream),
    }
    if not fields.response_fields:
        return answer
    return {path: value for path in fields.response_fields if (value := _at(answer, path)) is not None}


def _at(answer: dict[str, Any], path: str) -> Any:
    """The value at a path such as `timings/prompt_n`."""
    found: Any = answer
    for name in path.split("/"):
        found = found.get(name) if isinstance(found, dict) else None
    return found


def _timings(stream: CompletionStream) -> dict[str, float]:
    timings = stream.timings
    evaluated = timings.prompt_tokens - timings.reused_tokens
    return {
        "cache_n": timings.reused_tokens,
        **_rate("prompt", evaluated, timings.prefill_ms),
        **_rate("predicted", timings.decoded_tokens, timings.decode_ms),
    }


def _rate(name: str, count: int, milliseconds: float) -> dict[str, float]:
    return {
        f"{name}_n": count,
        f"{name}_ms": milliseconds,
        f"{name}_per_token_ms": milliseconds / count if count else 0.0,
        f"{name}_per_second": count / milliseconds * 1000 if milliseconds else 0.0,
    }


async def tokenize(engine: Engine, request: web.Request) -> web.StreamResponse:
    """`POST /tokenize`: the tokens of a text."""
    fields = await decode_body(request, Tokenize)
    await engine.model()
    return await asyncio.to_thread(_tokens, engine, fields)


def _tokens(engine: Engine, fields: Tokenize) -> web.StreamResponse:
    tokens = engine.tokenize(fields.content, control=fields.parse_special)
    if fields.add_special:
        with contextlib.suppress(PromptError):  # this vocabulary has no token for the beginning
            tokens = [engine.marker("begin"), *tokens]
    if not fields.with_pieces:
        return json_response({"tokens": tokens})
    return json_response({"tokens": [{"id": token, "piece": _piece(engine.piece(token))} for token in tokens]})


def _piece(piece: bytes) -> str | list[int]:
    """A token's text. Its bytes if they are incomplete by themselves."""
    try:
        return piece.decode()
    except UnicodeDecodeError:
        return list(piece)
