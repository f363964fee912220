"""`/infill` and `/tokenize`, as llama-server answers them."""

from __future__ import annotations

import contextlib
from typing import Any

from aiohttp import web

from lsp_server.base.errors import EngineError, PromptError
from lsp_server.engine.compat.endings import Ending
from lsp_server.engine.compat.fields import Infill, Tokenize
from lsp_server.engine.compat.prompts import fill
from lsp_server.engine.compat.writing import Engine, Writing, read_all
from lsp_server.engine.http.responses import BodyError, body_of, event_stream, json_response, problem
from lsp_server.ipc.launch import CLIENT_HEADER
from lsp_server.ipc.model_info import ModelInfo
from lsp_server.ipc.requests import Generate, Priority

_STOP_TYPES = {"end": "eos", "word": "word", "limit": "limit"}


async def infill(engine: Engine, request: web.Request) -> web.StreamResponse:
    """`POST /infill`: the text between two others, once or several times."""
    asked = await body_of(request, Infill)
    asked.require_possible()
    if asked.stream and asked.n_cmpl > 1:
        raise BodyError("Of several answers none can be streamed: set stream or n_cmpl.")
    model = await engine.model()
    client = request.headers.get(CLIENT_HEADER, "")
    writings = [_writing(engine, model, asked, number, client) for number in range(asked.n_cmpl)]
    if asked.stream:
        return await _stream(request, writings[0], model, asked)
    await read_all(writings)
    answers = [_answer(number, writing, model, asked) for number, writing in enumerate(writings)]
    return json_response(answers if len(answers) > 1 else answers[0])


def _writing(engine: Engine, model: ModelInfo, asked: Infill, number: int, client: str) -> Writing:
    prompt = fill(model, asked.input_prefix, asked.input_suffix, asked.prompt, asked.input_extra, asked.filename)
    priority = Priority.INTERACTIVE if number == 0 else Priority.ALTERNATIVES
    request = Generate(
        prompt.parts,
        most_tokens(asked.n_predict, model),
        typed=prompt.typed,
        reserve_tokens=prompt.reserve_tokens,
        document=f"{client} {asked.document}" if asked.document else "",
        kind=f"infill {number}",
        priority=priority if asked.n_predict else Priority.WARM_UP,
        sampling=asked.sampling(number),
    )
    return Writing(engine, request, Ending(asked.stops + prompt.stops, asked.n_indent, asked.t_max_predict_ms))


def most_tokens(asked: int, model: ModelInfo) -> int:
    """How many tokens an answer may have: as many as asked for, or if that is negative, half of the window."""
    return min(asked, model.context_tokens // 2) if asked >= 0 else model.context_tokens // 2


async def _stream(request: web.Request, writing: Writing, model: ModelInfo, asked: Infill) -> web.StreamResponse:
    async with event_stream(request) as send:
        try:
            async for piece in writing.pieces():
                part = _part(0, piece, writing)
                await send(part | ({"timings": _timings(writing)} if asked.timings_per_token else {}))
        except EngineError as error:
            await send(problem(500, str(error)))
        else:
            await send(_answer(0, writing, model, asked) | {"content": ""})
        return send.response


def _part(number: int, content: str, writing: Writing) -> dict[str, Any]:
    return {
        "index": number,
        "content": content,
        "tokens": [],
        "stop": False,
        "id_slot": 0,
        "tokens_predicted": writing.num_tokens,
        "tokens_evaluated": writing.timings.prompt_tokens,
    }


def _answer(number: int, writing: Writing, model: ModelInfo, asked: Infill) -> dict[str, Any]:
    timings, word = writing.timings, writing.ending.word
    answer = _part(number, writing.text, writing) | {
        "stop": True,
        "model": model.name,
        "tokens_predicted": timings.decoded_tokens,
        "tokens_cached": timings.prompt_tokens + timings.decoded_tokens,
        "has_new_line": "\n" in writing.text,
        "truncated": False,
        "stop_type": _STOP_TYPES[writing.reason],
        "stopping_word": word,
        "generation_settings": {"n_ctx": model.context_tokens, "n_predict": asked.n_predict},
        "timings": _timings(writing),
    }
    if not asked.response_fields:
        return answer
    return {path: value for path in asked.response_fields if (value := _at(answer, path)) is not None}


def _at(answer: dict[str, Any], path: str) -> Any:
    """What a path such as `timings/prompt_n` leads to; the answer then has it under that path."""
    found: Any = answer
    for name in path.split("/"):
        found = found.get(name) if isinstance(found, dict) else None
    return found


def _timings(writing: Writing) -> dict[str, float]:
    timings = writing.timings
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
    """`POST /tokenize`: a text in tokens."""
    asked = await body_of(request, Tokenize)
    await engine.model()
    tokens = engine.tokenize(asked.content, control=asked.parse_special)
    if asked.add_special:
        with contextlib.suppress(PromptError):  # this vocabulary begins with nothing
            tokens = [engine.marker("begin"), *tokens]
    if not asked.with_pieces:
        return json_response({"tokens": tokens})
    return json_response({"tokens": [{"id": token, "piece": _piece(engine.piece(token))} for token in tokens]})


def _piece(piece: bytes) -> str | list[int]:
    """A token's text, or its bytes if they are no text by themselves."""
    try:
        return piece.decode()
    except UnicodeDecodeError:
        return list(piece)
