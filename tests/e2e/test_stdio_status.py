"""What plugins are told, and what they can switch: `lsp_server/server/PROTOCOL.md`."""

import pytest

from tests.raw_client import INLINE

pytestmark = pytest.mark.asyncio(loop_scope="module")

STATUS = "$/infill/status"
TOLD = {**INLINE, "experimental": {"infill": {"status": True}}}
AUTOMATIC = 2
URI = "file:///p/src/a.py"
FUNCTION = "def add(a, b):\n    ret"


def statuses(client):
    return [message["params"]["status"] for message in client.all_of(STATUS)]


async def texts(client):
    result = (await client.response(client.ask(URI, 1, 7, AUTOMATIC)))["result"]
    return [item["insertText"] for item in result["items"]] if result else []


async def test_a_client_that_wants_to_know_is_told(serve):
    client = await serve(TOLD)
    await client.ready()
    client.open(URI, FUNCTION)
    assert await texts(client)
    await client.command("infill.toggle")
    told = statuses(client)
    assert "loading" in told[:2]
    assert told[-4:] == ["ready", "generating", "ready", "off"]
    assert client.all_of(STATUS)[-1]["params"]["model"] == "tiny-fim"


async def test_others_are_not(serve):
    client = await serve(INLINE)
    await client.ready()
    await client.command("infill.toggle")
    assert client.all_of(STATUS) == []


async def test_an_engine_that_cannot_be_used_is_said(serve):
    client = await serve(TOLD, {"model": "fake:fail_load=1"})
    await client.wait_for(lambda message: message.get("method") == STATUS and message["params"]["status"] == "error")
    assert client.all_of(STATUS)[-1]["params"]["message"]


@pytest.mark.parametrize(
    "argument", [{}, {"scope": "language", "value": "python"}, {"scope": "folder", "value": "file:///p"}]
)
async def test_switched_off_and_on_again(serve, argument):
    client = await serve(INLINE)
    await client.ready()
    client.open(URI, FUNCTION)
    assert (await client.command("infill.toggle", argument))["on"] is False
    assert await texts(client) == []
    assert "switched off" in await client.command("infill.explainLast")
    assert (await client.command("infill.toggle", {**argument, "on": False}))["on"] is False
    assert (await client.command("infill.toggle", argument))["on"] is True
    assert await texts(client)


async def test_off_for_a_while(serve):
    client = await serve(TOLD)
    await client.ready()
    assert (await client.command("infill.toggle", {"minutes": 0.005}))["status"] == "off"
    await client.wait_for(
        lambda message: message.get("method") == STATUS and message["params"]["status"] == "ready",
        since=client.mark,
    )


@pytest.mark.parametrize("argument", [{"scope": "house"}, {"minutes": -1}, {"colour": "red"}, "off"])
async def test_an_argument_that_means_nothing_is_an_error(serve, argument):
    client = await serve(INLINE)
    await client.ready()
    request = client.send("workspace/executeCommand", {"command": "infill.toggle", "arguments": [argument]})
    error = (await client.response(request))["error"]
    assert error["code"] == -32602
    assert "infill.toggle" in error["message"]
