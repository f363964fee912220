"""Authentication: admits programs that know the token, and refuses web pages and other machines."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable

from aiohttp import web
from aiohttp.typedefs import Middleware

from lsp_server.engine.http.responses import error_response

MAX_BODY_BYTES = 16 * 1024 * 1024
_LOOPBACK_HOSTS = {"127.0.0.1", "localhost", "[::1]"}

_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def require_token(token: str) -> Middleware:
    """A middleware that requires the token as a bearer, and limits the size of the body.

    Browsers add an Origin to requests that a page sends to another site. A page's own name may be made to resolve to
    loopback, and then stands in Host. Both kinds are refused.
    """

    @web.middleware
    async def check(request: web.Request, handler: _Handler) -> web.StreamResponse:
        given = request.headers.get("Authorization", "")
        if not hmac.compare_digest(given.encode("utf-8", "surrogateescape"), f"Bearer {token}".encode()):
            return error_response(401, "The token is missing or wrong.")
        if "Origin" in request.headers or request.host.rsplit(":", 1)[0] not in _LOOPBACK_HOSTS:
            return error_response(403, "Only local programs may ask, not web pages.")
        if (request.content_length or 0) > MAX_BODY_BYTES:
            return _too_large()
        try:
            return await handler(request)
        except web.HTTPRequestEntityTooLarge:  # a body without a length
            return _too_large()

    return check


def _too_large() -> web.Response:
    return error_response(413, f"A request may have {MAX_BODY_BYTES >> 20} MiB at most. Send less text.")
