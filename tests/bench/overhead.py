"""What infill costs besides the model, in milliseconds."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import AsyncGenerator
from typing import Any

from lsp_server.completion.pipeline import Pipeline
from lsp_server.engine.backends.fake import FakeBackend
from lsp_server.engine.client.interface import EngineState
from lsp_server.engine.client.supervisor import EngineSupervisor
from lsp_server.engine.process.worker import Worker
from lsp_server.ipc.launch import EngineOptions
from lsp_server.ipc.model_info import ModelInfo
from lsp_server.ipc.requests import Done, Event, Generate, Marker, Prefilled, Text, Timings
from lsp_server.measure.stats import Spread, spread
from lsp_server.server.main import Server
from lsp_server.settings.model import Settings
from tests.raw_client import INLINE, RawClient

BARE_PYGLS = "from pygls.lsp.server import LanguageServer as L; L('bare', '1').start_io()"
FAKE = EngineOptions(model_path="fake", backend="fake")

Rows = dict[str, Spread | None]


def start_up_ms(command: list[str]) -> float:
    """From launching a server to its answer to `initialize`."""
    message = {"jsonrpc": "2.0", "id": 1, "method": "initialize",
               "params": {"processId": None, "rootUri": None, "capabilities": INLINE}}  # fmt: skip
    began = time.monotonic()
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(RawClient.frame(message))
        process.stdin.flush()
        process.stdout.readline()
        elapsed = (time.monotonic() - began) * 1000
        process.kill()
    return elapsed


def start_up(pairs: int) -> Rows:
    ours = [sys.executable, "-m", "lsp_server", "serve"]
    bare = [sys.executable, "-c", BARE_PYGLS]
    samples = [(start_up_ms(ours), start_up_ms(bare)) for _ in range(pairs)]
    return {
        "start-up to initialize answered": spread([mine for mine, _ in samples]),
        "  bare pygls server": spread([theirs for _, theirs in samples]),
        "  ratio": spread([mine / theirs for mine, theirs in samples]),
    }


class StampingEngine:
    """An engine that records the time of each request and answers with nothing."""

    def __init__(self, model: ModelInfo) -> None:
        self.state = EngineState.READY
        self.model = model
        self.asked_at = 0.0

    def start(self) -> None:
        pass

    async def ready(self) -> ModelInfo:
        return self.model

    async def generate(self, request: Generate) -> AsyncGenerator[Event, None]:
        self.asked_at = time.monotonic()
        yield Done("end", Timings())


async def own_time(num_lines: int, samples: int) -> Rows:
    """From the bytes of a change and a request to its submission to the engine, in a file of `num_lines`."""
    server = Server()
    sent: list[bytes] = []
    server.protocol.set_writer(type("Writer", (), {"write": lambda _, data: sent.append(data)})())

    def receive(method: str, params: Any, message_id: int | None = None) -> None:
        message = {"jsonrpc": "2.0", "method": method, "params": params}
        server.protocol.receive(json.dumps(message | ({"id": message_id} if message_id else {})).encode())

    receive("initialize", {"processId": None, "rootUri": None, "capabilities": INLINE}, 1)
    engine = StampingEngine(FakeBackend(FAKE).info)
    server.context.engines.pipelines[Settings()] = Pipeline(engine, Settings())
    text = "".join(f"    value_{line} = compute(value_{line - 1}, {line})\n" for line in range(num_lines))
    for name in ("main", *(f"other_{number}" for number in range(20))):
        document = {"uri": f"file:///project/{name}.py", "languageId": "python", "version": 1, "text": text}
        receive("textDocument/didOpen", {"textDocument": document})
    elapsed = []
    for number in range(samples):
        identifier = {"uri": "file:///project/main.py"}
        position = {"line": num_lines // 2, "character": number}
        change = {"range": {"start": position, "end": position}, "text": "x"}
        began = time.monotonic()
        receive(
            "textDocument/didChange", {"textDocument": identifier | {"version": number + 2}, "contentChanges": [change]}
        )
        context = {"triggerKind": 1}
        after = {"line": num_lines // 2, "character": number + 1}
        receive("textDocument/inlineCompletion", {"textDocument": identifier, "position": after, "context": context},
                number + 2)  # fmt: skip
        while engine.asked_at < began:  # noqa: ASYNC110
            await asyncio.sleep(0)
        elapsed.append((engine.asked_at - began) * 1000)
        await asyncio.sleep(0.001)
    return {f"change and request to submission, {num_lines} lines": spread(elapsed)}


def question(number: int) -> Generate:
    prefix = f"def function_{number}(a, b):\n" + "    a += b\n" * 3
    return Generate(
        (Marker("begin"), Marker("prefix"), Text(prefix), Marker("suffix"), Text("\n"), Marker("middle")), max_tokens=8
    )


async def boundary(pairs: int) -> Rows:
    """From a request to its first event: across the process boundary, and from a worker in this process."""
    loop = asyncio.get_running_loop()
    events: asyncio.Queue[Event] = asyncio.Queue()

    def receive(_: str, event: Event) -> None:
        loop.call_soon_threadsafe(events.put_nowait, event)

    worker = Worker(lambda progress: FakeBackend(FAKE, progress), lambda _: None, receive)
    worker.start()
    engine = EngineSupervisor(FAKE)
    engine.start()
    await engine.ready()
    across, within = [], []
    for number in range(pairs):
        began = time.monotonic()
        first = 0.0
        async for _ in engine.generate(question(number)):
            first = first or time.monotonic() - began
        across.append(first * 1000)
        began = time.monotonic()
        worker.submit(str(number), question(number))
        first = 0.0
        while not isinstance(event := await events.get(), Done):
            first = first or time.monotonic() - began
            assert isinstance(event, Prefilled) or first
        within.append((first or time.monotonic() - began) * 1000)
    await engine.stop()
    worker.close()
    return {
        "first event across the process boundary": spread(across),
        "  the same engine in this process": spread(within),
        "  difference": spread([a - w for a, w in zip(across, within, strict=True)]),
    }
