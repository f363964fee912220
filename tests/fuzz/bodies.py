"""Bodies of HTTP requests: each is answered, or refused with a sentence. `python -m tests.fuzz bodies --cases 100000`

The engine runs in this process, with a fake model. Only the sockets are left out.
"""

from __future__ import annotations

import asyncio
import json
import random
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.base_protocol import BaseProtocol
from aiohttp.streams import StreamReader
from aiohttp.test_utils import make_mocked_request

from lsp_server.engine.backends.fake import FakeBackend
from lsp_server.engine.compat.chat_forms import with_chat_forms
from lsp_server.engine.compat.handlers import compat_routes
from lsp_server.engine.process.bridge import WorkerBridge
from lsp_server.engine.process.watchdog import Watchdog
from lsp_server.ipc.launch import EngineOptions

# Fields and values that are right, by path.
ROUTES: dict[str, dict[str, Any]] = {
    "/infill": {
        "input_prefix": "def f():\n    ", "input_suffix": "\nx = 1\n", "prompt": "ret", "n_predict": 4, "n_cmpl": 1,
        "input_extra": [{"text": "a = 1\n", "filename": "a.py"}], "filename": "m.py", "document": "d", "n_indent": 2,
        "t_max_predict_ms": 10, "timings_per_token": True, "response_fields": ["content", "timings/prompt_n"],
    },
    "/v1/completions": {
        "prompt": "def f():\n", "suffix": "\n", "max_tokens": 4, "n": 1, "echo": False, "best_of": 1,
        "stream_options": {"include_usage": True}, "presence_penalty": 0, "logprobs": None,
    },
    "/v1/chat/completions": {
        "messages": [{"role": "system", "content": "s"}, {"role": "user", "content": [{"type": "text", "text": "q"}]}],
        "max_tokens": 4, "max_completion_tokens": 4, "n": 1, "tools": [],
    },
    "/tokenize": {"content": "a <｜fim▁begin｜> b", "add_special": True, "parse_special": True, "with_pieces": True},
}  # fmt: skip
SAMPLING = {
    "temperature": 0.5, "top_k": 4, "top_p": 0.9, "min_p": 0.1, "seed": 1, "samplers": ["top_k", "infill"],
    "stop": ["x"], "stream": True, "grammar": "", "json_schema": None, "logit_bias": {},
    "response_format": {"type": "text"},
}  # fmt: skip
NUMBERS = (0, 1, -1, 2, 8, 9, 0.5, 1e308, -1e-308, 2**31, 2**32, 2**53, 2**63, 2**64, -(2**63), 10**30, 10**12)
TEXTS = (
    "",
    "x",
    "\0",
    "\ud800",
    "\udc00x",
    "é漢🙂",
    "\n",
    "\r\n",
    " " * 9000,
    "x" * 9000,
    "-" * 70_000,
    "<｜fim▁begin｜>",
)


def any_value(rng: random.Random, depth: int = 0) -> Any:
    """Anything that JSON can say."""
    match rng.randrange(8 if depth < 3 else 5):
        case 0 | 1:
            return rng.choice(NUMBERS)
        case 2 | 3:
            return rng.choice(TEXTS)
        case 4:
            return rng.choice((None, True, False))
        case 5 | 6:
            return [any_value(rng, depth + 1) for _ in range(rng.randrange(4))]
    return {rng.choice(("type", "text", "role", "content", "x")): any_value(rng, depth + 1) for _ in range(3)}


def any_body(path: str, rng: random.Random) -> bytes:
    """A body that is nearly right."""
    fields = dict(ROUTES[path])
    if path != "/tokenize":
        fields |= SAMPLING
    chosen = {name: value for name, value in fields.items() if rng.random() < 0.5}
    for name in rng.sample(sorted(fields), rng.choice((0, 1, 1, 1, 2, 3))):
        chosen[name] = any_value(rng)
    body = json.dumps(chosen, ensure_ascii=rng.random() < 0.5).encode("utf-8", errors="surrogatepass")
    match rng.randrange(12):
        case 0:
            at = rng.randrange(len(body) + 1)
            body = body[:at] + rng.randbytes(rng.randrange(4)) + body[at + rng.randrange(3) :]
        case 1:
            body = body.replace(b"4", rng.choice((b"1e999", b"-0", b"NaN", b"[" * 5000, b"1" * 400)), 1)
    return body


class _Writer(AbstractStreamWriter):
    """Keeps what a response writes."""

    def __init__(self) -> None:
        self.written = bytearray()

    async def write(self, chunk) -> None:
        self.written.extend(chunk)

    async def write_eof(self, chunk: bytes = b"") -> None:
        await self.write(chunk)

    async def write_headers(self, status_line, headers) -> None:
        pass

    async def drain(self) -> None:
        pass

    def enable_chunking(self) -> None:
        pass

    def enable_compression(self, encoding="deflate", strategy=None) -> None:
        pass


class Routes:
    """The handlers of other programs' requests, in front of a worker with a fake model."""

    def __init__(self, says: str) -> None:
        options = EngineOptions(f"fake:says={says}", backend="fake", context_tokens=512, cache_tokens=2048)
        self.deaths = 0
        self.bridge = WorkerBridge(lambda _: _backend(options), self._die, Watchdog(300.0))
        self.bridge.start()
        self._handlers = {route.path: route.handler for route in compat_routes(self.bridge)}

    def _die(self) -> None:
        self.deaths += 1

    async def ask(self, path: str, body: bytes) -> tuple[int, bytes]:
        """Status and body of an answer."""
        payload = StreamReader(BaseProtocol(asyncio.get_running_loop()), 2**24)
        payload.feed_data(body)
        payload.feed_eof()
        writer = _Writer()
        request = make_mocked_request("POST", path, payload=payload, writer=writer)
        response = await self._handlers[path](request)
        assert isinstance(response, web.StreamResponse)
        return response.status, bytes(response.body) if isinstance(response, web.Response) else bytes(writer.written)


def _backend(options: EngineOptions) -> FakeBackend:
    backend = FakeBackend(options)
    backend.info = with_chat_forms(backend.info)
    return backend


async def _run(num_cases: int, seed: int, says: str) -> list[str]:
    rng, found = random.Random(seed), []
    routes = Routes(says)
    for number in range(num_cases):
        path = rng.choice(sorted(ROUTES))
        body = any_body(path, rng)
        try:
            async with asyncio.timeout(60):
                status, answer = await routes.ask(path, body)
            if status not in (200, 400, 501):
                found.append(f"seed {seed}, case {number}: {status} {answer[:200]!r}")
            elif status != 200:
                assert json.loads(answer)["error"]["message"]
        except Exception as error:  # noqa: BLE001  (that is what is looked for)
            found.append(f"seed {seed}, case {number}: {error!r}: {path} {body[:300]!r}")
    if routes.deaths or "0 open" not in await routes.bridge.state():
        found.append(f"seed {seed}: the worker died, or a request is left: {await routes.bridge.state()}")
    return found


def faults(num_cases: int, seed: int) -> Iterator[str]:
    """The cases that are not answered as they should."""
    with tempfile.TemporaryDirectory() as folder:
        says = Path(folder) / "says"
        says.write_text("on and on ")
        yield from asyncio.run(_run(num_cases, seed, str(says)))
