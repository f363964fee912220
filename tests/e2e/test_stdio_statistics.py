"""What a server counts, and that it does not where the user does not want it."""

import pytest
import pytest_asyncio

from lsp_server.server import statistics
from tests.e2e.conftest import QUICK
from tests.raw_client import INLINE

pytestmark = pytest.mark.asyncio(loop_scope="module")

URI = "file:///p/src/a.py"
FUNCTION = "def add(a, b):\n    ret"
AUTOMATIC = 2
REPORTING = {**INLINE, "experimental": {"infill": {"acceptance": True}}}


@pytest.mark.parametrize("wanted", [True, False])
async def test_what_is_shown_and_accepted_is_counted(serve, tmp_path, monkeypatch, wanted):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    path = statistics.file()
    client = await serve(INLINE, {**QUICK, "statistics": wanted}, env={"XDG_DATA_HOME": str(tmp_path)})
    await client.ready()
    client.open(URI, FUNCTION)
    text = (await client.response(client.ask(URI, 1, 7, AUTOMATIC)))["result"]["items"][0]["insertText"]
    client.insert(URI, 1, 7, text)
    await client.response(client.ask(URI, 1, 7 + len(text.partition("\n")[0]), AUTOMATIC))
    await end(client)
    counted = statistics.total(statistics.read(path))
    if wanted:
        assert counted.shown >= 1
        assert (counted.accepted, counted.accepted_characters) == (1, len(text))
        assert sum(counted.times) == counted.shown
    else:
        assert not path.exists()


@pytest_asyncio.fixture(loop_scope="module")
async def reporting(serve, tmp_path, monkeypatch):
    """A client that reports what becomes of ghost text, with a document open."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    client = await serve(REPORTING, QUICK, env={"XDG_DATA_HOME": str(tmp_path)})
    await client.ready()
    client.open(URI, FUNCTION)
    return client


async def counted_by(client):
    """What a server has counted by its end."""
    await end(client)
    return statistics.total(statistics.read(statistics.file()))


async def end(client):
    client.send("shutdown")
    client.notify("exit")
    await client.exit_status()


async def items_at(client, character, trigger_kind=AUTOMATIC, **context):
    return (await client.response(client.ask(URI, 1, character, trigger_kind, **context)))["result"]["items"]


async def run(client, item):
    """What an editor does with an accepted item's command, but for the title, which is for people."""
    return await client.command(item["command"]["command"], *item["command"]["arguments"])


@pytest.mark.parametrize("is_reported_first", [True, False])
async def test_a_text_whose_acceptance_is_reported_is_counted_once(reporting, is_reported_first):
    (item,) = await items_at(reporting, 7)
    if is_reported_first:
        assert await run(reporting, item) is True
    reporting.insert(URI, 1, 7, item["insertText"])
    assert await run(reporting, item) is True
    counted = await counted_by(reporting)
    assert (counted.accepted, counted.accepted_characters) == (1, len(item["insertText"]))
    assert (counted.accepted_parts, counted.rejected) == (0, 0)


async def test_parts_are_counted_as_they_are_reported(reporting):
    """`length` is that of all accepted so far; the text goes on from a word of the menu, which is not the model's."""
    chosen = {"text": "return", "range": {"start": {"line": 1, "character": 4}, "end": {"line": 1, "character": 7}}}
    (item,) = await items_at(reporting, 7, selectedCompletionInfo=chosen)
    (argument,) = item["command"]["arguments"]
    for length in (0, 7, 7, 8):
        assert await reporting.command("infill.partiallyAccepted", {**argument, "length": length}) is True
        reporting.change(URI, {"text": "def add(a, b):\n    " + item["insertText"][:length]})
    await run(reporting, item)
    await reporting.command("infill.rejected", argument)
    counted = await counted_by(reporting)
    assert counted.accepted == 1
    assert counted.accepted_characters == len(item["insertText"]) - len("return")
    assert (counted.accepted_parts, counted.rejected) == (2, 0)


async def test_texts_turned_down_together_are_counted_once(reporting):
    items = await items_at(reporting, 7, 1)
    assert len(items) > 1
    for item in items:
        assert await reporting.command("infill.rejected", *item["command"]["arguments"]) is True
    assert await reporting.command("infill.rejected", {"id": 10**6}) is False
    counted = await counted_by(reporting)
    assert (counted.shown, counted.rejected, counted.accepted) == (1, 1, 0)


async def test_nothing_is_counted_that_is_not_reported(reporting):
    (item,) = await items_at(reporting, 7)
    reporting.insert(URI, 1, 7, item["insertText"])
    counted = await counted_by(reporting)
    assert (counted.shown, counted.accepted) == (1, 0)


@pytest.mark.parametrize(
    ("command", "argument"),
    [
        ("infill.acceptedCompletion", None),
        ("infill.acceptedCompletion", {"id": "7"}),
        ("infill.partiallyAccepted", {"id": 7}),
        ("infill.partiallyAccepted", {"id": 7, "length": -1}),
        ("infill.rejected", {"id": 7, "why": "ugly"}),
    ],
)
async def test_a_report_that_means_nothing_is_an_error(shared, command, argument):
    request = shared.send("workspace/executeCommand", {"command": command, "arguments": [argument]})
    error = (await shared.response(request))["error"]
    assert error["code"] == -32602
    assert command in error["message"]
