"""Engines elsewhere: what they are asked, and that whatever they do ends in one sentence."""

import asyncio
import contextlib

import msgspec
import pytest

from lsp_server.base.errors import ModelError
from lsp_server.catalog.resolve import engine_options
from lsp_server.completion.pipeline import Pipeline
from lsp_server.completion.request import CompletionRequest
from lsp_server.engine.client import supervisor as process_module
from lsp_server.engine.client.interface import WENT_AWAY
from lsp_server.engine.client.lazy import RETRY_S, LazyEngine
from lsp_server.engine.client.remote import client
from lsp_server.engine.client.supervisor import EngineSupervisor
from lsp_server.ipc.launch import EngineOptions
from lsp_server.ipc.requests import Chunk, Done, Failed, Generate, Marker, Sampling, Text
from lsp_server.settings.layers import Layer, parse
from lsp_server.settings.model import RemoteSettings, Settings
from tests.builders import none, snapshot_at
from tests.engine.client.remote_servers import BEGIN, MARKERS, LlamaServer, OpenAIServer

TIMEOUT_S = 30.0
PRE, HOLE, MIDDLE = MARKERS
ANCHOR = (Marker("begin"), Marker("prefix"), Text("a\n"), Marker("suffix"), Text("\nb"), Marker("middle"))
ANCHOR_TOKENS = [BEGIN, MARKERS[PRE], *map(ord, "a\n"), MARKERS[HOLE], *map(ord, "\nb"), MARKERS[MIDDLE]]

pytestmark = pytest.mark.usefixtures("short_delays")


@pytest.fixture
def short_delays(monkeypatch):
    monkeypatch.setattr(process_module, "RESTART_DELAYS_S", (0.05, 0.05, 0.1))
    monkeypatch.setattr(client, "RETRY_DELAYS_S", (0.01, 0.01))


def options(url: str, **remote: str) -> EngineOptions:
    return engine_options(Settings(remote=RemoteSettings(url=url, **remote)), None)


@contextlib.asynccontextmanager
async def connected(url: str, **remote: str):
    engine = EngineSupervisor(options(url, **remote))
    engine.start()
    try:
        yield engine
    finally:
        await engine.stop()


async def ask(engine, request: Generate) -> tuple[str, Done | Failed]:
    async with asyncio.timeout(TIMEOUT_S):
        events = [event async for event in engine.generate(request)]
    ends = [event for event in events if isinstance(event, Done | Failed)]
    assert ends == events[-1:], "one end, and last"
    return "".join(event.text for event in events if isinstance(event, Chunk)), ends[0]


async def test_llama_server_gets_the_anchor_in_tokens_and_heals_by_a_grammar():
    async with LlamaServer(" retu", "rn x").running() as server, connected(server.url) as engine:
        model = await engine.ready()
        assert (model.name, model.context_tokens, model.heals) == ("coder.gguf", 2048, True)
        text, end = await ask(engine, Generate(ANCHOR, 20, typed="x re"))
        [asked] = server.asked
    assert asked["prompt"] == [*ANCHOR_TOKENS, ord("x")]
    assert asked["grammar"] == 'root ::= " re" [^\\x00]*'
    assert (asked["n_predict"], asked["cache_prompt"], asked["stream"]) == (20, True, True)
    assert text == "turn x"
    assert (end.reason, end.timings.reused_tokens) == ("end", 7)


async def test_what_was_taken_back_is_not_written_twice():
    async with LlamaServer(" r", "etu", "rn").running() as server, connected(server.url) as engine:
        assert (await ask(engine, Generate(ANCHOR, 9, typed="x re")))[0] == "turn"


async def test_an_indentation_that_is_meant_stays():
    async with LlamaServer(" ", "x").running() as server, connected(server.url) as engine:
        text, _ = await ask(engine, Generate(ANCHOR, 9, typed="    ", fixed_indent=True))
        [asked] = server.asked
    assert text == "x"
    assert asked["prompt"] == [*ANCHOR_TOKENS, *map(ord, "   ")]
    assert asked["grammar"] == 'root ::= " " [^ \\t\\n] [^\\x00]*'


async def test_user_text_never_becomes_a_marker():
    wicked = (Marker("prefix"), Text(PRE), Marker("middle"))
    async with LlamaServer("x").running() as server, connected(server.url) as engine:
        await ask(engine, Generate(wicked, 5))
        assert server.asked[0]["prompt"] == [MARKERS[PRE], *map(ord, PRE), MARKERS[MIDDLE]]
    async with OpenAIServer("x").running() as server, connected(server.url) as engine:
        await ask(engine, Generate(wicked, 5))
        assert server.asked[0]["prompt"] == f"{PRE}{PRE[0]} {PRE[1:]}{MIDDLE}"


async def test_others_get_the_prompt_as_text():
    async with OpenAIServer("x", " = 1").running() as server, connected(f"{server.url}/v1/") as engine:
        model = await engine.ready()
        assert (model.name, model.context_tokens, model.heals) == ("coder", 1000, False)
        assert await ask(engine, Generate(ANCHOR, 20, sampling=Sampling(temperature=0.5)))
        [asked] = server.asked
    assert asked["prompt"] == f"{PRE}a\n{HOLE}\nb{MIDDLE}"
    assert (asked["model"], asked["max_tokens"], asked["temperature"]) == ("coder", 20, 0.5)


async def test_the_whole_pipeline_asks_from_the_cursor_where_nothing_heals():
    async with OpenAIServer("rn 1\n").running() as server, connected(server.url) as engine:
        pipeline = Pipeline(engine, Settings())
        answer = await pipeline.complete(snapshot_at("def f():\n    retu‸\n"), none, CompletionRequest("command"))
    assert answer.text == "rn 1"
    assert server.asked[0]["prompt"] == f"{PRE}def f():\n    retu{HOLE}\n{MIDDLE}"


async def test_a_token_is_sent(monkeypatch):
    server = OpenAIServer("x")
    server.token = "secret"
    async with server.running():
        async with connected(server.url) as engine:
            with pytest.raises(ModelError, match="INFILL_REMOTE_TOKEN"):
                await engine.ready()
        monkeypatch.setenv("INFILL_REMOTE_TOKEN", "secret")
        async with connected(server.url) as engine:
            assert (await ask(engine, Generate(ANCHOR, 5)))[0] == "x"


@pytest.mark.parametrize(
    ("server", "remote", "sentence"),
    [
        (OpenAIServer(), {"model": "other"}, "remote.model"),
        (OpenAIServer(), {"api": "llama-server"}, "remote.api"),
        (LlamaServer(), {"format": "starcoder"}, "remote.format"),
        (LlamaServer(), {"api": "openai"}, "no server that infill knows"),
    ],
)
async def test_a_server_that_cannot_serve_is_said(server, remote, sentence):
    async with server.running(), connected(server.url, **remote) as engine:
        with pytest.raises(ModelError, match=sentence):
            await engine.ready()


async def test_one_that_cannot_be_reached_is_said_and_tried_again():
    now = [0.0]
    engine = LazyEngine(options("http://127.0.0.1:9"), clock=lambda: now[0])
    text, end = await ask(engine, Generate(ANCHOR, 5))
    assert "cannot be reached" in end.message
    assert text == ""
    async with LlamaServer("x").running() as server:
        engine.options = options(server.url)
        assert isinstance((await ask(engine, Generate(ANCHOR, 5)))[1], Failed)
        now[0] += RETRY_S
        assert (await ask(engine, Generate(ANCHOR, 5)))[0] == "x"
    await engine.stop()


@pytest.mark.parametrize("make", [LlamaServer, OpenAIServer])
@pytest.mark.parametrize(("fault", "sentence"), [("stops", "in the middle"), ("garbage", "not its protocol")])
async def test_a_broken_answer_ends_in_one_sentence(make, fault, sentence):
    server = make("x", "y", "z")
    server.fault = fault
    async with server.running(), connected(server.url) as engine:
        text, end = await ask(engine, Generate(ANCHOR, 5))
    assert text == "x"
    assert sentence in end.message


@pytest.mark.parametrize(
    "line",
    [
        b"data: [1]",
        b"data: null",
        b'data: {"choices": {"text": "x"}, "content": ["x"]}',
        b'data: {"choices": ["x"], "content": null}',
        b'data: {"choices": [{"text": 3}], "timings": [], "stop": true}',
        b'data: {"choices": [{"text": "\xff"}], "content": "\xff"}',
        b"data: " + b"x" * 1_000_000,
        b'data: {"error": {"message": "out of memory"}}',
    ],
    ids=lambda line: line[6:30].decode(errors="replace"),
)
@pytest.mark.parametrize("make", [LlamaServer, OpenAIServer])
async def test_an_event_of_another_shape_ends_in_one_sentence(make, line):
    server = make("x", "y", "z")
    server.wrong_line = line
    async with server.running(), connected(server.url) as engine:
        text, end = await ask(engine, Generate(ANCHOR, 5))
    assert text == "x"
    assert isinstance(end, Failed)
    assert end.message.endswith((".", "}"))


@pytest.mark.parametrize("answer", ["null", "[]", '{"data": 3, "tokens": [{"id": "x"}]}', "not json"])
async def test_what_a_server_says_of_itself_may_be_nonsense(answer):
    server = OpenAIServer("x")
    server.says_of_itself = answer
    async with server.running(), connected(server.url, api="openai") as engine:
        _, end = await ask(engine, Generate(ANCHOR, 5))
    assert "not its protocol" in end.message


@pytest.mark.parametrize("make", [LlamaServer, OpenAIServer])
async def test_one_that_falls_silent_is_given_up(make, monkeypatch):
    monkeypatch.setattr(client, "SILENCE_S", 0.3)
    server = make("x", "y")
    server.fault = "silent"
    async with server.running(), connected(server.url) as engine:
        text, end = await ask(engine, Generate(ANCHOR, 5))
        assert (text, type(end)) == ("x", Failed)


@pytest.mark.parametrize(
    ("statuses", "ends_well"), [([503], True), ([429, 503], True), ([503] * 3, False), ([400], False)]
)
async def test_who_is_busy_is_asked_again(statuses, ends_well):
    server = OpenAIServer("x")
    async with server.running(), connected(server.url) as engine:
        await engine.ready()
        server.statuses = list(statuses)
        text, end = await ask(engine, Generate(ANCHOR, 5))
    assert (text == "x") is ends_well
    assert isinstance(end, Done) is ends_well


@pytest.mark.parametrize("make", [LlamaServer, OpenAIServer])
async def test_who_stops_reading_closes_the_connection(make):
    server = make("x", "y")
    server.fault = "silent"
    async with server.running(), connected(server.url) as engine:
        await engine.ready()
        async with contextlib.aclosing(engine.generate(Generate(ANCHOR, 5))) as events:
            async for event in events:
                if isinstance(event, Chunk):
                    break
        async with asyncio.timeout(TIMEOUT_S):
            while not server.num_cancelled:  # noqa: ASYNC110
                await asyncio.sleep(0.01)


async def test_one_that_went_away_is_found_again():
    server = LlamaServer("x")
    async with server.running():
        engine = EngineSupervisor(options(server.url))
        engine.start()
        await engine.ready()
    assert (await ask(engine, Generate(ANCHOR, 5)))[1] == Failed(WENT_AWAY)
    async with server.running(port=int(server.url.rpartition(":")[2])):
        assert (await ask(engine, Generate(ANCHOR, 5)))[0] == "x"
        await engine.stop()


async def test_nothing_is_warmed_elsewhere():
    async with LlamaServer("x").running() as server, connected(server.url) as engine:
        assert (await ask(engine, Generate(ANCHOR, 0)))[1].reason == "length"
        assert server.asked == []


def test_a_project_can_name_no_server(tmp_path):
    settings, [problem] = parse([Layer("project", {"remote": {"url": "http://evil"}}, tmp_path)])
    assert settings.remote.url == ""
    assert "may not send your code elsewhere" in problem


def test_a_format_that_is_none_is_said():
    with pytest.raises(ModelError, match=r"remote\.format"):
        options("http://x", format="nonsense")


def test_options_travel():
    wanted = options("http://x", model="m")
    assert msgspec.json.decode(msgspec.json.encode(wanted), type=EngineOptions) == wanted
