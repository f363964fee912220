"""Servers elsewhere, on loopback: they speak what llama-server and OpenAI's API speak, and misbehave when told to."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

from aiohttp import web

MARKERS = {"<｜fim▁begin｜>": 1001, "<｜fim▁hole｜>": 1002, "<｜fim▁end｜>": 1003}
BEGIN = 1000


class Server:
    """Answers every request with `pieces`; keeps what it was asked. `fault` is how it misbehaves."""

    def __init__(self, *pieces: str) -> None:
        self.pieces = pieces
        self.fault = ""
        self.wrong_line = b""
        self.says_of_itself = ""
        self.token = ""
        self.asked: list[dict[str, Any]] = []
        self.statuses: list[int] = []
        self.num_cancelled = 0
        self.url = ""

    def app(self) -> web.Application:
        raise NotImplementedError

    @contextlib.asynccontextmanager
    async def running(self, port: int = 0) -> AsyncIterator[Server]:
        runner = web.AppRunner(self.app(), handler_cancellation=True)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", port, reuse_address=True)
        await site.start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield self
        await runner.cleanup()

    def refused(self, request: web.Request) -> web.Response | None:
        if self.token and request.headers.get("Authorization") != f"Bearer {self.token}":
            return web.Response(status=401)
        return None

    async def stream(self, request: web.Request, events: list[Any]) -> web.StreamResponse:
        self.asked.append(await request.json())
        if self.statuses:
            return web.Response(status=self.statuses.pop(0), text="busy")
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        try:
            for number, event in enumerate(events):
                if self.fault == "stops" and number == 1:
                    return response
                if self.fault == "silent" and number == 1:
                    await asyncio.sleep(60)
                if self.wrong_line and number == 1:
                    await response.write(self.wrong_line + b"\n\n")
                text = "{not json" if self.fault == "garbage" and number == 1 else json.dumps(event)
                await response.write(f": comment\r\ndata: {text}\r\n\r\n".encode())
        except asyncio.CancelledError:
            self.num_cancelled += 1
            raise
        return response


class LlamaServer(Server):
    """Tokens are code points; markers are single tokens where they are asked for as such."""

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/props", self.props)
        app.router.add_post("/tokenize", self.tokenize)
        app.router.add_post("/completion", self.completion)
        return app

    async def props(self, _: web.Request) -> web.Response:
        return web.json_response({"default_generation_settings": {"n_ctx": 2048}, "model_path": "/m/coder.gguf"})

    async def tokenize(self, request: web.Request) -> web.Response:
        asked = await request.json()
        text = asked["content"]
        tokens = [{"id": BEGIN, "piece": ""}] if asked["add_special"] else []
        if asked["parse_special"] and text in MARKERS:
            tokens.append({"id": MARKERS[text], "piece": text})
        else:
            tokens += [{"id": ord(character), "piece": character} for character in text]
        return web.json_response({"tokens": tokens})

    async def completion(self, request: web.Request) -> web.StreamResponse:
        events: list[dict[str, Any]] = [{"content": piece, "stop": False} for piece in self.pieces]
        timings = {"cache_n": 7, "prompt_ms": 3.0, "predicted_ms": 4.0}
        events.append({"content": "", "stop": True, "stop_type": "eos", "tokens_predicted": 2, "timings": timings})
        return await self.stream(request, events)


class OpenAIServer(Server):
    """One model, `coder`, with a window of 1,000 tokens."""

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/v1/models", self.models)
        app.router.add_post("/v1/completions", self.completions)
        return app

    async def models(self, request: web.Request) -> web.Response:
        data = [{"id": "coder", "max_model_len": 1000}]
        said = self.says_of_itself or json.dumps({"data": data})
        return self.refused(request) or web.Response(text=said, content_type="application/json")

    async def completions(self, request: web.Request) -> web.StreamResponse:
        events: list[Any] = [{"choices": [{"text": piece, "finish_reason": None}]} for piece in self.pieces]
        events.append({"choices": [{"text": "", "finish_reason": "stop"}]})
        return self.refused(request) or await self.stream(request, events)
