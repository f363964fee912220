"""While an answer is shown, the next completion is generated, in case the answer is accepted."""

import asyncio

import pytest

from lsp_server.completion import warm_up
from lsp_server.completion.pipeline import Pipeline
from lsp_server.completion.request import CompletionRequest
from lsp_server.ipc.requests import Chunk, Prefilled, Priority, Timings
from tests.builders import END, WRITES, none, pipeline_of
from tests.completion.cases import AUTOMATIC, HERE, finish_background, spin_event_loop, typed

SPECULATIVE = (Prefilled(Timings(prompt_tokens=20)), Chunk("  # mm²"), END)
ANSWER = "return w * h"


@pytest.fixture(autouse=True)
def _pause(monkeypatch) -> None:
    """The user pauses at once."""
    monkeypatch.setattr(warm_up, "PAUSE_S", 0)


async def looking_at_an_answer(*events, **options) -> Pipeline:
    """A pipeline that has answered, and whose engine writes something else from now on."""
    pipeline = pipeline_of(*WRITES, END, **{"speculative": True} | options)
    assert (await pipeline.complete(HERE, none, AUTOMATIC)).text == ANSWER
    pipeline.engine.script = events or SPECULATIVE
    return pipeline


async def test_who_accepts_has_the_next_answer_at_once():
    pipeline = await looking_at_an_answer()
    await finish_background()
    answer = await pipeline.complete(HERE.accepting(ANSWER), none, AUTOMATIC)
    assert (answer.text, answer.reason) == ("  # mm²", "known")
    speculative = pipeline.engine.requests[-1]
    assert (speculative.priority, speculative.typed, len(pipeline.engine.requests)) == (
        Priority.WARM_UP,
        "    " + ANSWER,
        2,
    )


async def test_who_accepts_while_it_is_written_waits_for_it():
    go_on = asyncio.Event()
    pipeline = await looking_at_an_answer(*SPECULATIVE[:2], go_on, Chunk("!"), END)
    await spin_event_loop()
    asking = asyncio.create_task(pipeline.complete(HERE.accepting(ANSWER), none, AUTOMATIC))
    await spin_event_loop()
    go_on.set()
    assert (await asking).text == "  # mm²!"
    assert len(pipeline.engine.requests) == 2
    pipeline.forget(HERE.uri)


async def test_typing_on_in_agreement_lets_it_be_written():
    pipeline = await looking_at_an_answer(*SPECULATIVE[:2], asyncio.Event(), END)
    await spin_event_loop()
    assert (await pipeline.complete(typed("ret"), none, AUTOMATIC)).text == "urn w * h"
    await spin_event_loop()
    assert len(pipeline.engine.requests) >= 2
    pipeline.forget(HERE.uri)
    await finish_background()


async def test_typing_something_else_ends_it():
    pipeline = await looking_at_an_answer(*SPECULATIVE[:2], asyncio.Event(), END)
    await spin_event_loop()
    pipeline.engine.script = SPECULATIVE
    await pipeline.complete(typed("x"), none, AUTOMATIC)
    assert "cancelled" in pipeline.engine.ends
    pipeline.forget(HERE.uri)
    await finish_background()


async def test_what_is_known_is_not_written_again():
    pipeline = await looking_at_an_answer()
    await finish_background()
    await pipeline.complete(typed("r"), none, AUTOMATIC)
    await finish_background()
    assert len(pipeline.engine.requests) == 2


@pytest.mark.parametrize("options", [{"speculative": False}, {"warm_up": False}])
async def test_none_where_it_is_switched_off(options):
    pipeline = await looking_at_an_answer(**options)
    await finish_background()
    assert len(pipeline.engine.requests) == 1


async def test_none_for_who_does_not_type():
    pipeline = pipeline_of(*WRITES, END, speculative=True)
    await pipeline.complete(HERE, none, CompletionRequest("inline"))
    await finish_background()
    assert len(pipeline.engine.requests) == 1


@pytest.mark.parametrize(
    ("text", "line", "character"), [("x", 1, 5), ("x\n    y", 2, 5), ("\n", 2, 0), ("a\n\n    bé", 3, 6)]
)
def test_a_snapshot_with_its_answer(text, line, character):
    accepted = HERE.accepting(text)
    assert (accepted.prefix, accepted.suffix) == (HERE.prefix + text, HERE.suffix)
    assert (accepted.line, accepted.character) == (line, character)
    assert accepted.line_prefix == accepted.prefix[len(accepted.prefix) - character :]
