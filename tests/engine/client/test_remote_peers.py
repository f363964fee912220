"""A server that others made: llama-cpp-python's own, with the embedded model."""

import asyncio
import socket
import sys

import aiohttp
import pytest

from lsp_server.catalog.resolve import engine_options
from lsp_server.completion.pipeline import Pipeline
from lsp_server.completion.request import CompletionRequest
from lsp_server.engine.client.supervisor import EngineSupervisor
from lsp_server.ipc.requests import Done, Generate, Marker, Text
from lsp_server.settings.model import RemoteSettings, Settings
from tests.builders import none, snapshot_at
from tests.gguf.embedded import EMBEDDED
from tests.waiting import eventually

TIMEOUT_S = 120.0
# Without AMX, as infill's own engine (`amx.py`).
SERVER = (
    "import runpy; from lsp_server.engine.backends.llama import amx; "
    "amx.switch_off(); runpy.run_module('llama_cpp.server', run_name='__main__')"
)


@pytest.fixture
async def url():
    """The address of a running server."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    arguments = ("--model", str(EMBEDDED), "--port", str(port), "--n_threads", "1", "--n_ctx", "1024")
    nowhere = asyncio.subprocess.DEVNULL
    server = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", SERVER, *arguments, "--model_alias", "tiny"), stdout=nowhere, stderr=nowhere
    )
    url = f"http://127.0.0.1:{port}"
    async with aiohttp.ClientSession() as session:
        await eventually(lambda: server.returncode is not None or _answers(session, url))
    yield url
    server.kill()
    await server.wait()


async def _answers(session: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with session.get(f"{url}/v1/models") as response:
            return response.status == 200
    except aiohttp.ClientError:
        return False


async def test_what_it_had_in_its_cache_it_does_not_tell(url):
    """So nothing of it can be shown on this peer; llama-server tells (`python -m tests.bench typing --remote`)."""
    engine = EngineSupervisor(engine_options(Settings(remote=RemoteSettings(url=url)), None))
    engine.start()
    request = Generate((Marker("prefix"), Text("def add(a, b):\n"), Marker("suffix"), Text("\n"), Marker("middle")), 4)
    try:
        async with asyncio.timeout(TIMEOUT_S):
            ends = [[event async for event in engine.generate(request)][-1] for _ in range(2)]
    finally:
        await engine.stop()
    assert all(isinstance(end, Done) for end in ends)
    assert [end.timings.reused_tokens for end in ends] == [0, 0]


async def test_a_server_of_openai_s_api_completes(url):
    settings = Settings(remote=RemoteSettings(url=url))
    engine = EngineSupervisor(engine_options(settings, None))
    engine.start()
    try:
        async with asyncio.timeout(TIMEOUT_S):
            model = await engine.ready()
            answer = await Pipeline(engine, settings).complete(
                snapshot_at("def add(a, b):\n‸\n\n\nprint(add(1, 2))\n"), none, CompletionRequest("command")
            )
    finally:
        await engine.stop()
    assert (model.name, model.backend) == ("tiny", "openai")
    assert answer.error == ""
    assert answer.timings.decoded_tokens > 0
