"""A text being written outlives the keystrokes that agree with it, and no others."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from lsp_server.completion import generation as generation_module
from lsp_server.completion.request import Answer, CompletionRequest
from lsp_server.ipc.requests import Chunk, Done, Failed, Prefilled, Timings
from lsp_server.text.snapshot import Snapshot
from tests.builders import END, moved, none, pipeline_of
from tests.completion.cases import AUTOMATIC, HERE, spin_event_loop, typed

READ = Prefilled(Timings(prompt_tokens=20))


class Session:
    """Requests to a pipeline whose engine has written `return w` and waits before the rest of the line."""

    def __init__(self, *script) -> None:
        self.go_on = asyncio.Event()
        self.pipeline = pipeline_of(*(script or (READ, Chunk("return w"), self.go_on, Chunk(" * h"), END)))
        self.engine = self.pipeline.engine

    async def ask(self, snapshot: Snapshot, ask: CompletionRequest = AUTOMATIC) -> asyncio.Task[Answer]:
        """A request under way, that has got as far as it can."""
        task = asyncio.create_task(self.pipeline.complete(snapshot, none, ask))
        await spin_event_loop()
        return task


@pytest.fixture
async def session() -> AsyncIterator[Session]:
    session = Session()
    yield session
    session.pipeline.forget(HERE.uri)
    await spin_event_loop()


@pytest.fixture
def _nobody_comes_back(monkeypatch) -> None:
    monkeypatch.setattr(generation_module, "CANCEL_GRACE_S", 0)


async def cancel(task: asyncio.Task[Answer]) -> None:
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await spin_event_loop()


@pytest.mark.parametrize(("more", "rest"), [("r", "eturn w * h"), ("return ", "w * h"), ("", "return w * h")])
async def test_a_keystroke_that_agrees_waits_for_the_text_being_written(session, more, rest):
    first = await session.ask(HERE)
    second = await session.ask(typed(more))
    session.go_on.set()
    answer = await second
    assert (answer.text, answer.reason) == (rest, "known")
    assert (await first).text == "return w * h"
    assert len(session.engine.requests) == 1
    summaries = [line.summary for line in answer.trace.lines if line.stage == "recall"]
    assert summaries == [
        "no earlier answer agrees",
        "joins the running generation",
        "known from an earlier answer",
    ]


async def test_it_goes_on_for_a_client_that_cancels_at_every_keystroke(session):
    await cancel(await session.ask(HERE))
    assert session.engine.ends == []
    second = await session.ask(typed("re"))
    await cancel(second)
    third = await session.ask(typed("ret"))
    session.go_on.set()
    assert (await third).text == "urn w * h"
    assert len(session.engine.requests) == 1


async def test_it_goes_on_while_one_of_two_still_waits(session):
    first, second = await session.ask(HERE), await session.ask(typed("re"))
    await cancel(first)
    session.go_on.set()
    assert (await second).text == "turn w * h"


@pytest.mark.parametrize("more", ["x", "return x", "return w", "return w * "])
async def test_a_keystroke_that_disagrees_or_is_ahead_of_it_ends_it(session, more):
    first = await session.ask(HERE)
    await session.ask(typed(more))
    assert (await first).reason == "superseded"
    assert session.engine.ends == ["cancelled"]
    assert [request.typed for request in session.engine.requests] == ["    ", "    " + more]


async def test_text_elsewhere_ends_it(session):
    first = await session.ask(HERE)
    await session.ask(moved(HERE, HERE.prefix, "\nx = 1\n"))
    assert (await first).reason == "superseded"


async def test_another_kind_of_request_does_not(session):
    first = await session.ask(HERE)
    await session.ask(typed("x"), CompletionRequest("menu", automatic=True))
    assert not first.done()


async def test_who_asks_the_same_again_waits_for_it_before_anything_is_written():
    go_on = asyncio.Event()
    session = Session(READ, go_on, Chunk("pass"), END)
    first, second = await session.ask(HERE), await session.ask(HERE)
    go_on.set()
    assert [(await task).text for task in (first, second)] == ["pass", "pass"]
    assert len(session.engine.requests) == 1


@pytest.mark.usefixtures("_nobody_comes_back")
async def test_it_is_cancelled_when_nobody_comes_back(session):
    await cancel(await session.ask(HERE))
    assert session.engine.ends == ["cancelled"]


async def test_before_anything_is_written_it_is_cancelled_at_once():
    """The next keystroke takes over its prompt in the engine, and tells the model more."""
    hang = asyncio.Event()
    session = Session(READ, hang, END)
    await cancel(await session.ask(HERE))
    assert session.engine.ends == ["cancelled"]


async def test_closing_the_document_ends_it(session):
    first = await session.ask(HERE)
    session.pipeline.forget(HERE.uri)
    assert (await first).reason == "superseded"
    await spin_event_loop()
    assert session.engine.ends == ["cancelled"]


async def test_what_nobody_waited_for_is_remembered_all_the_same(session):
    await cancel(await session.ask(HERE))
    session.go_on.set()
    await spin_event_loop()
    assert session.engine.ends == ["read to the end"]
    assert (await (await session.ask(typed("return w *")))).text == " h"
    assert len(session.engine.requests) == 1


@pytest.mark.parametrize("end", [Failed("It died."), Done("superseded", Timings())])
async def test_who_waited_for_a_text_that_fails_asks_anew(end):
    go_on = asyncio.Event()
    session = Session(READ, Chunk("return w"), go_on, end)
    first, second = await session.ask(HERE), await session.ask(typed("r"))
    session.engine.script = (READ, Chunk("eturn 0"), END)
    go_on.set()
    assert (await second).text == "eturn 0"
    assert (await first).text == ""


async def test_a_text_that_is_cut_shorter_than_what_was_typed_is_no_answer():
    """The trailing space that was typed is no part of the answer that was remembered."""
    go_on = asyncio.Event()
    session = Session(READ, Chunk("pass  "), go_on, END)
    await session.ask(HERE)
    second = await session.ask(typed("pass "))
    session.engine.script = (READ, Chunk("# no more"), END)
    go_on.set()
    assert (await second).text == "# no more"
