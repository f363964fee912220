"""An engine at a fixed address: what it hands on, to whom, and what becomes of it when the engine dies."""

import asyncio
import contextlib
import json
import os
import signal

import aiohttp
import psutil
import pytest

from lsp_server.base.errors import EngineError
from lsp_server.engine.client import shared
from lsp_server.engine.client.connect import connect_private, connect_shared
from lsp_server.engine.client.supervisor import EngineSupervisor
from lsp_server.engine.gateway.gateway import Gateway
from lsp_server.engine.http.routes import ROUTES
from lsp_server.ipc.launch import EngineOptions

TIMEOUT_S = 60.0
KEY = "the-key"
FAKE = EngineOptions("fake", backend="fake")
SLOW = EngineOptions("fake:decode_ms=20", backend="fake")
INFILL = {"input_prefix": "abc9", "n_predict": 5, "temperature": 0.0}


pytestmark = pytest.mark.usefixtures("runtime_folder")


class Asker:
    """A program that was told the address and the key."""

    def __init__(self, port: int, gateway: Gateway) -> None:
        self.port = port
        self.gateway = gateway

    async def ask(self, method="POST", path="/infill", fields=INFILL, **headers) -> tuple[int, dict | str]:
        given = {"Authorization": f"Bearer {KEY}"} | headers
        body = json.dumps(fields) if method == "POST" else None
        async with (
            asyncio.timeout(TIMEOUT_S),
            aiohttp.request(method, f"http://127.0.0.1:{self.port}{path}", data=body, headers=given) as response,
        ):
            text = await response.text()
            return response.status, json.loads(text) if text.startswith("{") else text

    async def becomes(self, text: str) -> None:
        """Wait until the engine's state has this text."""
        async with asyncio.timeout(TIMEOUT_S):
            while text not in str(await self.ask("GET", "/state")):  # noqa: ASYNC110
                await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def served(options: EngineOptions = FAKE, connector=connect_shared, port: int = 0):
    gateway = Gateway(KEY, options, connector)
    async with gateway.listening(port) as bound:
        yield Asker(bound, gateway)


@pytest.mark.parametrize("connector", [connect_shared, connect_private])
async def test_it_answers_as_the_engine_does(connector):
    async with served(connector=connector) as asker:
        status, answer = await asker.ask()
        assert (status, answer["tokens_predicted"]) == (200, 5)
        status, health = await asker.ask("GET", "/health")
        assert (status, health["status"]) == (200, "ok")
        assert (await asker.ask("GET", "/v1/models"))[1]["data"][0]["id"] == "fake"
        status, refused = await asker.ask(fields={"prompt": 3})
        assert (status, refused["error"]["code"]) == (400, 400)


async def test_it_streams():
    async with served() as asker:
        status, text = await asker.ask(fields=INFILL | {"stream": True})
    events = [json.loads(line[6:]) for line in text.splitlines() if line]
    assert status == 200
    assert [event["stop"] for event in events] == [False] * (len(events) - 1) + [True]


async def test_the_engine_is_the_one_that_editors_share():
    editor = EngineSupervisor(FAKE, connector=shared.join_shared)
    editor.start()
    await editor.ready()
    [(_, before)] = shared.records()
    async with served() as asker:
        assert (await asker.ask())[0] == 200
        assert [record for _, record in shared.records()] == [before]
    await editor.stop()


async def test_the_engine_s_own_token_is_not_its_key():
    async with served() as asker:
        await asker.ask()
        [(_, record)] = shared.records()
        assert (await asker.ask(Authorization=f"Bearer {record.token}"))[0] == 401
        async with aiohttp.request(
            "GET", f"http://127.0.0.1:{record.port}/health", headers={"Authorization": f"Bearer {KEY}"}
        ) as response:
            assert response.status == 401


@pytest.mark.parametrize(("method", "path"), [*ROUTES, ("GET", "/health"), ("GET", "/state")])
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Authorization": ""}, 401),
        ({"Authorization": "Bearer wrong"}, 401),
        ({"Origin": "https://evil.example"}, 403),
        ({"Host": "evil.example"}, 403),
    ],
)
async def test_others_get_nothing(method, path, headers, status):
    async with served() as asker:
        assert (await asker.ask(method, path, **headers))[0] == status


@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/generate"), ("GET", "/watch"), ("POST", "/stop"), ("GET", "/load")]
)
async def test_what_is_for_infill_s_servers_only_is_not_handed_on(method, path):
    async with served() as asker:
        assert (await asker.ask(method, path))[0] == 404


async def test_it_listens_on_loopback_only():
    async with served() as asker:
        listening = [each for each in psutil.Process().net_connections("inet") if each.status == "LISTEN"]
        assert [each.laddr.ip for each in listening if each.laddr.port == asker.port] == ["127.0.0.1"]


async def test_closing_the_connection_frees_the_engine():
    async with served(SLOW) as asker:
        fields = INFILL | {"n_predict": 1500, "stream": True}
        headers = {"Authorization": f"Bearer {KEY}"}
        async with aiohttp.request(
            "POST", f"http://127.0.0.1:{asker.port}/infill", data=json.dumps(fields), headers=headers
        ) as response:
            await response.content.readline()
            await asker.becomes(", 1 open")
            response.close()
        await asker.becomes(", 0 open")


async def test_an_engine_that_was_killed_is_started_again():
    async with served(SLOW) as asker:
        asking = asyncio.ensure_future(asker.ask(fields=INFILL | {"n_predict": 1500}))
        await asker.becomes(", 1 open")
        [(_, record)] = shared.records()
        os.kill(record.pid, signal.SIGKILL)
        status, answer = await asking
        assert (status, answer["error"]["code"]) == (503, 503)
        await asker.becomes(", 0 open")
        assert (await asker.ask())[0] == 200


async def test_a_stream_that_breaks_off_does_not_look_like_one_that_ended():
    async with served(SLOW) as asker:
        asking = asyncio.ensure_future(asker.ask(fields=INFILL | {"n_predict": 1500, "stream": True}))
        await asker.becomes(", 1 open")
        [(_, record)] = shared.records()
        os.kill(record.pid, signal.SIGKILL)
        with pytest.raises(aiohttp.ClientError):
            await asking


async def test_a_model_that_does_not_load_is_said():
    async with served(EngineOptions("fake:fail_load=1", backend="fake")) as asker:
        status, answer = await asker.ask()
        assert status == 503
        assert "told not to load" in answer["error"]["message"]
        assert "told not to load" in await asker.gateway.failed()


async def test_a_port_that_is_taken_is_said():
    async with served() as asker:
        with pytest.raises(EngineError, match="--port"):
            async with served(port=asker.port):
                pass
