"""The part of llama-server's HTTP API that benchmarks use, without a model: every answer has `n_predict` tokens.

Shapes: llama.cpp, `tools/server/README.md`, of the build in llama-cpp-python 0.3.36.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

from aiohttp import web

from lsp_server.base.common_prefix import common_prefix

CONTEXT_TOKENS = 4096


class FakeLlamaServer:
    """Remembers its requests as (path, body)."""

    def __init__(self, model_file: str) -> None:
        self._model_file = model_file
        self.num_slots = 1
        self._cached: list[int] = []
        self.asked: list[tuple[str, dict[str, Any]]] = []

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[str]:
        """Its address while it runs."""
        app = web.Application()
        app.router.add_get("/props", self._props)
        app.router.add_get("/slots", self._slots)
        app.router.add_post("/infill", self._answer)
        app.router.add_post("/completion", self._complete)
        app.router.add_post("/tokenize", self._tokenize)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            yield f"http://127.0.0.1:{runner.addresses[0][1]}"
        finally:
            await runner.cleanup()

    async def _props(self, _: web.Request) -> web.Response:
        return web.json_response(
            {
                "model_path": f"/models/{self._model_file}",
                "build_info": "b0-stub",
                "total_slots": self.num_slots,
                "default_generation_settings": {"n_ctx": CONTEXT_TOKENS},
            }
        )

    async def _slots(self, _: web.Request) -> web.Response:
        return web.json_response([{"id": 0, "is_processing": False}])

    async def _tokenize(self, request: web.Request) -> web.Response:
        """A FIM marker is one token. In other texts each character is one."""
        asked = await request.json()
        pieces = [asked["content"]] if asked["parse_special"] and asked["content"] else list(asked["content"])
        return web.json_response({"tokens": [{"id": hash(piece) & 0xFFFF, "piece": piece} for piece in pieces]})

    async def _complete(self, request: web.Request) -> web.StreamResponse:
        """The common prefix with the last prompt in tokens counts as cached."""
        body = await request.json()
        if isinstance(body["prompt"], str):
            return await self._answer(request)
        self.asked.append((request.path, body))
        prompt = body["prompt"]
        num_cached = common_prefix(self._cached, prompt)
        self._cached = prompt
        timings = {"prompt_n": len(prompt) - num_cached, "cache_n": num_cached, "prompt_ms": 2.0, "predicted_ms": 1.0}
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for _ in range(body["n_predict"]):
            await response.write(b'data: {"content": "x", "stop": false}\n\n')
        last = {"content": "", "stop": True, "stop_type": "limit", "tokens_predicted": body["n_predict"]}
        await response.write(b"data: " + json.dumps(last | {"timings": timings}).encode() + b"\n\n")
        return response

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        self.asked.append((request.path, body))
        num_tokens = body["n_predict"]
        timings = {"prompt_n": 512, "cache_n": 900, "predicted_n": num_tokens, "prompt_ms": 2.0}
        if not body["stream"]:
            return web.json_response({"content": "x" * num_tokens, "timings": timings})
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for number in range(num_tokens):
            event = {"content": "x", "timings": timings | {"predicted_n": number + 1}}
            await response.write(b"data: " + json.dumps(event).encode() + b"\n\n")
        return response
