"""The handlers of other programs' requests, by method and path."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web

from lsp_server.engine.compat import llama_server, openai
from lsp_server.engine.compat.completion_stream import Engine
from lsp_server.engine.http.responses import TOLD_ERRORS, error_response, status_of

_Handler = Callable[[Engine, web.Request], Awaitable[web.StreamResponse]]

HANDLERS: dict[tuple[str, str], _Handler] = {
    ("POST", "/infill"): llama_server.infill,
    ("POST", "/tokenize"): llama_server.tokenize,
    ("POST", "/v1/completions"): openai.completions,
    ("POST", "/v1/chat/completions"): openai.chat,
    ("GET", "/v1/models"): openai.models,
}


def compat_routes(engine: Engine) -> list[web.RouteDef]:
    """The routes of `HANDLERS`, bound to an engine."""
    return [web.route(method, path, _answering(handler, engine)) for (method, path), handler in HANDLERS.items()]


def _answering(handler: _Handler, engine: Engine) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def answer(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(engine, request)
        except TOLD_ERRORS as error:
            return error_response(status_of(error), str(error))

    return answer
