"""The baseline: a running llama-server, asked over HTTP as llama.vim asks it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import aiohttp
import msgspec

from lsp_server.base.errors import EngineError
from lsp_server.measure.corpus import View, lines_of
from lsp_server.measure.targets import BASELINE, Answer, ignore

# llama.vim's defaults: how many lines around the cursor it sends. They fit this context. `/infill` refuses longer ones.
LINES_BEFORE, LINES_AFTER, CONTEXT_TOKENS = 256, 64, 4096
POLL_S = 0.05
# llama.vim's samplers are top_k 40, top_p 0.9 and infill. Greedy answers have the same length in every run, and one
# sampler over one candidate is the least work.
GREEDY = {"temperature": 0.0, "top_k": 1, "samplers": ["top_k"]}
UNLIMITED_MS = 10_000_000  # llama.vim gives up after half a second of prompt and a second of text


class Baseline:
    """Satisfies `Target`, in one of llama-server's slots. Use as an async context manager.

    Its methods raise `EngineError` when llama-server fails.
    """

    def __init__(self, url: str, slot: int = 0) -> None:
        self.name = BASELINE
        self._slot = slot
        self._scale = 1.0  # the share of llama.vim's lines that is sent
        self._session = aiohttp.ClientSession(
            base_url=url,
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=5),
            connector=aiohttp.TCPConnector(limit=0),
            trust_env=False,
        )

    async def __aenter__(self) -> Baseline:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    async def describe(self, model: Path) -> dict[str, Any]:
        """Build, context and slots of the peer. Raises `EngineError` unless it runs a file of the same name."""
        properties = await self._get("/props")
        running = Path(properties.get("model_path", "")).name
        if running != model.name:
            raise EngineError(f"The peer runs {running or 'no model'}, not {model.name}. Start it with the same file.")
        context = properties["default_generation_settings"]["n_ctx"]
        self._scale = min(1.0, context / CONTEXT_TOKENS)
        return {"build": properties["build_info"], "context_tokens": context, "slots": properties["total_slots"]}

    async def complete(self, view: View, max_tokens: int, on_text: Callable[[Answer], None] = ignore) -> Answer:
        """Complete at a cursor with the request that llama.vim sends."""
        return await self.ask("/infill", infill_fields(view, self._scale) | {"n_predict": max_tokens}, on_text)

    async def ask(self, path: str, fields: dict[str, Any], on_text: Callable[[Answer], None] = ignore) -> Answer:
        """Send a request. It is streamed only if `on_text` waits for the first text."""
        stream = on_text is not ignore
        body = fields | GREEDY | {"cache_prompt": True, "id_slot": self._slot, "stream": stream}
        body |= {"timings_per_token": stream, "t_max_prompt_ms": UNLIMITED_MS, "t_max_predict_ms": UNLIMITED_MS}
        answer = Answer()
        began = time.perf_counter()
        try:
            async with self._session.post(path, json=body) as response:
                if response.status != 200:
                    raise EngineError(f"The peer refused a request: {response.status} {await response.text()}")
                async for event in _events(response, stream=stream):
                    had_text = bool(answer.text)
                    _add(answer, event)
                    if answer.text and not had_text:
                        answer.first_text_ms = (time.perf_counter() - began) * 1000
                        on_text(answer)
        except (aiohttp.ClientError, OSError) as error:
            raise EngineError(f"The peer does not answer ({type(error).__name__}). Is llama-server running?") from error
        answer.total_ms = (time.perf_counter() - began) * 1000
        return answer

    async def settle(self) -> None:
        """Wait until all slots were idle twice in a row. Once is too little: a queued request may begin just then."""
        idle = 0
        while idle < 2:
            idle = 0 if any(slot["is_processing"] for slot in await self._get("/slots")) else idle + 1
            await asyncio.sleep(POLL_S)

    async def _get(self, path: str) -> Any:
        try:
            async with self._session.get(path) as response:
                if response.status != 200:
                    raise EngineError(f"The peer does not offer {path} ({response.status}). Is it a llama-server?")
                return await response.json()
        except (aiohttp.ClientError, OSError) as error:
            raise EngineError(f"The peer does not answer ({type(error).__name__}). Is llama-server running?") from error


def infill_fields(view: View, scale: float) -> dict[str, Any]:
    """The text around a cursor in the fields of `/infill`, as llama.vim's `llama#fim` fills them.

    `prompt` is the line up to the cursor, or nothing if that is blank. Without a ring buffer `input_extra` is empty.
    `scale` is the share of llama.vim's lines to send.
    """
    line_start = view.prefix.rfind("\n") + 1
    line = view.prefix[line_start:]
    return {
        "input_prefix": "".join(lines_of(view.prefix[:line_start])[-int(LINES_BEFORE * scale) :]),
        "prompt": line if line.strip() else "",
        "input_suffix": "".join(lines_of(view.suffix)[: int(LINES_AFTER * scale) + 1]),
        "input_extra": [],
    }


async def _events(response: aiohttp.ClientResponse, *, stream: bool) -> AsyncIterator[dict[str, Any]]:
    """The object of an answer, or the objects of its server-sent events."""
    if not stream:
        yield msgspec.json.decode(await response.read())
        return
    async for line in response.content:
        if line.startswith(b"data: {"):
            yield msgspec.json.decode(line[6:])


def _add(answer: Answer, event: dict[str, Any]) -> None:
    if "error" in event:
        raise EngineError(f"The peer failed: {event['error']}")
    answer.text += event["content"]
    if timings := event.get("timings"):
        answer.evaluated_tokens = timings["prompt_n"]
        answer.prompt_tokens = timings["prompt_n"] + timings["cache_n"]
        answer.written_tokens = timings["predicted_n"]
        answer.prompt_ms = timings["prompt_ms"]
