"""A model that is set and not here: the client is asked, the hub on loopback is, and the embedded model serves."""

import asyncio

import pytest

from tests.catalog.conftest import FILE, REPO
from tests.gguf.embedded import EMBEDDED
from tests.hub import Hub
from tests.raw_client import INLINE
from tests.waiting import eventually

pytestmark = pytest.mark.asyncio(loop_scope="module")

MODEL = "deepseek-coder-1.3b-base"
FUNCTION = "def add(a, b):\n    ret"
ASK = "window/showMessageRequest"
PROGRESS = {**INLINE, "window": {"workDoneProgress": True}}


@pytest.fixture
def hub():
    with (served := Hub({f"{REPO}/{FILE}": EMBEDDED.read_bytes()})).running():
        yield served


@pytest.fixture
def ask(serve, hub, tmp_path):
    """A server that is set to that model; `choice` is the client's answer to its question."""

    async def ask(choice, capabilities=INLINE):
        answers = {ASK: choice and {"title": choice}, "window/workDoneProgress/create": None}
        env = {"HF_ENDPOINT": hub.url, "HF_HOME": str(tmp_path)}
        client = await serve(capabilities, {"model": MODEL, "engine": {"threads": 1}}, answers=answers, env=env)
        await client.ready()
        return client

    return ask


def questions(client):
    return [message["params"] for message in client.all_of(ASK)]


async def completes(client):
    client.open("file:///a.py", FUNCTION)
    response = await client.response(client.ask("file:///a.py", 1, 7))
    client.notify("textDocument/didClose", {"textDocument": {"uri": "file:///a.py"}})
    return bool(response["result"]["items"])


async def test_a_model_is_downloaded_and_started_with_the_users_consent(ask):
    client = await ask("Download", PROGRESS)

    def is_end_of_pull(message):
        params = message.get("params", {})
        return str(params.get("token")).startswith("infill/pull") and params.get("value", {}).get("kind") == "end"

    async def is_started():
        """Once it is here, a model becomes ready: the embedded one may not have had the time."""
        ends = [number for number, message in enumerate(client.received) if is_end_of_pull(message)]
        return bool(ends and client.all_of("window/logMessage", since=ends[0]))

    await eventually(is_started)
    [question] = questions(client)
    assert [action["title"] for action in question["actions"]] == ["Download", "Not now"]
    for fact in (MODEL, "0.9 GB", "DeepSeek License 1.0", "military", "The embedded model serves meanwhile"):
        assert fact in question["message"]
    values = [message["params"]["value"] for message in client.all_of("$/progress")]
    assert any(FILE in value.get("title", "") for value in values)
    assert any(value.get("percentage") == 100 for value in values)
    assert await completes(client)
    assert not client.shown()


@pytest.mark.parametrize("choice", ["Not now", None])
async def test_the_embedded_model_serves_who_does_not_want_it(ask, hub, choice):
    client = await ask(choice)
    assert await completes(client)
    client.notify("workspace/didChangeConfiguration", {"settings": {"completion": {"max_lines": 3}}})

    async def is_changed():
        return "max_lines=3" in await client.command("infill.dumpState")

    await eventually(is_changed)
    assert await completes(client)
    assert len(questions(client)) == 1, "asked only once"
    assert hub.requests == []


async def test_a_hub_that_refuses_is_said_and_the_embedded_model_serves(ask, hub):
    hub.status, hub.error_code = 403, "GatedRepo"
    client = await ask("Download")

    async def is_said():
        return bool(client.shown())

    await eventually(is_said)
    assert "set HF_TOKEN" in client.shown()[0]
    assert await completes(client)


async def test_a_download_does_not_keep_the_server_from_ending(ask, hub):
    hub.stall = True
    client = await ask("Download")

    async def is_under_way():
        return any(method == "GET" for method, _, _ in hub.requests)

    await eventually(is_under_way)
    await client.response(client.send("shutdown"))
    client.notify("exit")
    assert await asyncio.wait_for(client.exit_status(), 20) == 0


async def test_a_disk_without_room_is_said_and_the_embedded_model_serves(ask, hub):
    hub.stated_bytes = 10**15
    client = await ask("Download")
    await eventually(client.shown)
    [said] = client.shown()
    assert "needs 1000000.00 GB" in said
    assert "set HF_HOME to a folder on another disk" in said
    assert "The embedded model serves meanwhile" in said
    assert await completes(client)


async def test_a_download_that_the_user_stops_ends_and_the_embedded_model_serves(ask, hub, tmp_path):
    content = hub.files[f"{REPO}/{FILE}"] = b"GGUF" + bytes(100_000_000)
    hub.slow, hub.pause_at = True, 50_000_000
    client = await ask("Download", PROGRESS)

    def values(kind):
        """What was said of the download: progress of that kind."""
        messages = [message["params"] for message in client.all_of("$/progress")]
        ours = [params for params in messages if str(params["token"]).startswith("infill/pull")]
        return [(params["token"], params["value"]) for params in ours if params["value"]["kind"] == kind]

    await eventually(lambda: any(value["percentage"] > 0 for _, value in values("report")))
    assert await completes(client), "while it is downloaded"
    [(token, begun)] = values("begin")
    assert begun["cancellable"]
    client.notify("window/workDoneProgress/cancel", {"token": token})
    await eventually(lambda: values("end"))
    await eventually(client.shown)
    [said] = client.shown()
    assert f"infill models pull {MODEL} goes on with it" in said
    hub.go_on.set()
    await eventually(lambda: not hub.num_open)
    assert hub.num_sent < len(content), "the connection was closed"
    [part] = [path for path in tmp_path.rglob("*.incomplete") if path.stat().st_size]
    assert part.read_bytes() == content[: part.stat().st_size]
    assert await completes(client)
