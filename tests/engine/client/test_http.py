"""The client against engines that misbehave; it ends every request with one event whatever they do."""

import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from lsp_server.base.errors import EngineError
from lsp_server.engine.client.http import HttpClient
from lsp_server.ipc.launch import Loading
from lsp_server.ipc.requests import Chunk, Done, Failed, Generate, Text, Timings

REQUEST = Generate((Text("abc"),), 3)
CHUNK = b'data: {"type":"chunk","text":"x"}\n\n'
DONE = b'data: {"type":"done","reason":"end","timings":{}}\n\n'
LOADING = b'data: {"type":"loading","fraction":0.5}\n\n'


@pytest.fixture
async def client_of():
    """Make a client of a server that answers everything with these bytes."""
    connection = []

    async def make(body: bytes, status: int = 200) -> HttpClient:
        async def answer(_: web.Request) -> web.Response:
            return web.Response(status=status, body=body)

        app = web.Application()
        app.router.add_route("*", "/{path:.*}", answer)
        server = TestServer(app)
        await server.start_server()
        client = HttpClient(server.port, "token")
        connection.extend([client, server])
        return client

    yield make
    for each in connection:
        await each.close()


async def ask(client: HttpClient, request: Generate = REQUEST) -> list:
    return [event async for event in client.generate(request)]


async def test_events_in_their_order(client_of):
    client = await client_of(CHUNK + CHUNK + DONE)
    assert await ask(client) == [Chunk("x"), Chunk("x"), Done("end", Timings())]


async def test_half_a_surrogate_pair_is_sent_as_a_question_mark():
    """Editors may have one in a document. It is no character, so no JSON can carry it."""
    received = []

    async def answer(request: web.Request) -> web.Response:
        received.append(msgspec.json.decode(await request.read(), type=Generate))
        return web.Response(body=DONE)

    app = web.Application()
    app.router.add_post("/generate", answer)
    async with TestServer(app) as server:
        client = HttpClient(server.port, "token")
        assert await ask(client, Generate((Text("a\ud83d\nb", "keep_tail"), Text("é🙂")), 3, typed="\udc00")) == [
            Done("end", Timings())
        ]
        await client.close()
    assert received == [Generate((Text("a?\nb", "keep_tail"), Text("é🙂")), 3, typed="?")]


async def test_what_is_no_data_is_ignored(client_of):
    client = await client_of(b": comment\n\nevent: x\n" + CHUNK + b"\n\n" + DONE)
    assert await ask(client) == [Chunk("x"), Done("end", Timings())]


async def test_what_comes_after_the_end_is_ignored(client_of):
    client = await client_of(DONE + CHUNK + DONE)
    assert await ask(client) == [Done("end", Timings())]


@pytest.mark.parametrize("body", [b"", CHUNK, b"<html>\n"])
async def test_an_answer_that_breaks_off_fails(client_of, body):
    events = await ask(await client_of(body))
    assert events[-1] == Failed("The engine closed the connection before its answer was complete.")
    assert len(events) == 1 + (body == CHUNK)


@pytest.mark.parametrize(
    "line", [b"data: nonsense", b'data: {"type":"surprise"}', b"data:", b'data: {"type":"chunk","text":"\xff"}']
)
async def test_an_answer_that_is_not_the_protocol_fails(client_of, line):
    events = await ask(await client_of(CHUNK + line + b"\n\n" + DONE))
    assert [type(event) for event in events] == [Chunk, Failed]


async def test_a_line_that_never_ends_fails(client_of):
    events = await ask(await client_of(CHUNK + b'data: {"type":"chunk","text":"' + b"x" * 1_000_000))
    assert [type(event) for event in events] == [Chunk, Failed]


async def test_a_refusal_fails_with_what_the_engine_said(client_of):
    events = await ask(await client_of(b"out of order", status=503))
    assert events == [Failed("The engine refused a request: 503 out of order")]


async def test_nobody_there_fails(unused_tcp_port):
    async with HttpClient(unused_tcp_port, "token") as client:
        assert [type(event) for event in await ask(client)] == [Failed]


async def test_half_a_character_in_the_text_ends_with_one_event(client_of):
    client = await client_of(DONE)
    events = await ask(client, Generate((Text("a \ud800 b"),), 3))
    assert [type(event) for event in events] in ([Done], [Failed])


@pytest.mark.parametrize(("body", "status"), [(b"", 200), (LOADING, 200), (b"data: x\n", 200), (b"no", 500)])
async def test_a_load_that_breaks_off_is_an_engine_error(client_of, body, status):
    client = await client_of(body, status)
    seen = []

    async def follow() -> None:
        async for event in client.load():
            seen.append(event)  # noqa: PERF401 (what came before the error counts)

    with pytest.raises(EngineError):
        await follow()
    assert seen == [Loading(0.5)] * (body == LOADING)


async def test_the_state_of_an_engine_that_is_not_there_is_a_sentence(unused_tcp_port):
    async with HttpClient(unused_tcp_port, "token") as client:
        assert "does not answer" in await client.state()
