"""Ghost text from the real server with the embedded model, byte for byte."""

import asyncio
import itertools
import re

import pytest

from tests.raw_client import INLINE

pytestmark = pytest.mark.asyncio(loop_scope="module")

FUNCTION = "def add(a, b):\n    ret"
AUTOMATIC = 2
_numbers = itertools.count(1)


@pytest.fixture
def uri():
    return f"file:///project/module{next(_numbers)}.py"


async def item_at(client, uri, line, character, trigger_kind=AUTOMATIC):
    """The one item there is."""
    response = await client.response(client.ask(uri, line, character, trigger_kind))
    assert set(response) == {"jsonrpc", "id", "result"}, response
    assert set(response["result"]) == {"items"}
    (item,) = response["result"]["items"]
    return item


def at(line, character):
    return {"start": {"line": line, "character": character}, "end": {"line": line, "character": character}}


@pytest.mark.parametrize("trigger_kind", [1, AUTOMATIC])
async def test_an_item_is_a_text_and_an_explicit_empty_range(shared, uri, trigger_kind):
    shared.open(uri, FUNCTION)
    response = await shared.response(shared.ask(uri, 1, 7, trigger_kind))
    item = response["result"]["items"][0]
    assert set(item) == {"insertText", "range"}, "no filterText, no command, no format: each hides or bends the text"
    assert item["range"] == at(1, 7)
    assert item["insertText"]
    assert item["insertText"] == item["insertText"].rstrip(), "VS Code hides what ends in a line break"
    assert "\r" not in item["insertText"]


async def test_what_is_typed_in_agreement_is_answered_with_the_rest(shared, uri):
    shared.open(uri, FUNCTION)
    text = (await item_at(shared, uri, 1, 7))["insertText"]
    half = len(text) // 2
    assert half
    shared.insert(uri, 1, 7, text[:half])
    assert await item_at(shared, uri, 1, 7 + half) == {"insertText": text[half:], "range": at(1, 7 + half)}


async def test_who_asks_gets_several_texts_the_first_of_which_stays(shared, uri):
    shared.open(uri, FUNCTION)
    shown = (await item_at(shared, uri, 1, 7, AUTOMATIC))["insertText"]
    response = await shared.response(shared.ask(uri, 1, 7))
    texts = [item["insertText"] for item in response["result"]["items"]]
    assert texts[0] == shown
    assert 1 < len(texts) <= 3
    assert len(set(texts)) == len(texts)


def selected(text, start, end):
    return {"text": text, "range": {"start": at(1, start)["start"], "end": at(1, end)["start"]}}


async def test_an_item_selected_in_the_menu_is_continued(shared, uri):
    """The editor shows `return` in place of `ret`; it takes only what begins with that, for the same range."""
    shared.open(uri, FUNCTION)
    chosen = selected("return", 4, 7)
    response = await shared.response(shared.ask(uri, 1, 7, AUTOMATIC, selectedCompletionInfo=chosen))
    (item,) = response["result"]["items"]
    assert item["range"] == chosen["range"]
    assert item["insertText"].startswith("return")
    assert len(item["insertText"]) > len("return")
    prompt = await shared.command("infill.explainLast", True)
    assert "<｜fim▁end｜>    return" in prompt


@pytest.mark.parametrize(
    "chosen", [selected("return", 4, 6), selected("return", 9, 7), {"text": "x", "range": at(0, 0)}]
)
async def test_an_item_that_replaces_something_else_is_not(shared, uri, chosen):
    shared.open(uri, FUNCTION)
    response = await shared.response(shared.ask(uri, 1, 7, AUTOMATIC, selectedCompletionInfo=chosen))
    assert response["result"] is None


@pytest.mark.parametrize(("encoding", "units"), [("utf-8", 8), ("utf-16", 4), ("utf-32", 2)])
async def test_positions_are_in_the_negotiated_encoding(encoding, units, serve):
    client = await serve({**INLINE, "general": {"positionEncodings": [encoding]}})
    await client.ready()
    uri = "file:///a.py"
    client.open(uri, "# é\nx = '😀😀' + |")
    cursor = 5 + units + 4
    client.change(uri, {"range": {"start": at(1, cursor)["start"], "end": at(1, cursor + 1)["end"]}, "text": "str("})
    cursor += 4
    assert (await item_at(client, uri, 1, cursor))["range"] == at(1, cursor)
    prompt = await client.command("infill.explainLast", True)
    assert "<｜fim▁end｜>x = '😀😀' + str(" in prompt, "and read in it"
    assert "str(|" not in prompt


async def test_a_document_never_opened_has_nothing(shared, uri):
    assert (await shared.response(shared.ask(uri, 0, 0)))["result"] is None
    shared.open(uri, FUNCTION)
    assert (await shared.response(shared.ask(uri.upper(), 1, 7)))["result"] is None
    shared.notify("textDocument/didClose", {"textDocument": {"uri": uri}})
    assert (await shared.response(shared.ask(uri, 1, 7)))["result"] is None


async def test_changes_to_documents_never_opened_do_no_harm(shared, uri):
    document = {"uri": uri, "version": 3}
    shared.notify("textDocument/didChange", {"textDocument": document, "contentChanges": [{"text": "x"}]})
    shared.notify("textDocument/didSave", {"textDocument": {"uri": uri}})
    shared.notify("textDocument/didClose", {"textDocument": {"uri": uri}})
    assert (await shared.response(shared.ask(uri, 0, 0)))["result"] is None


async def test_an_answer_for_a_text_that_has_changed_is_not_given(shared, uri):
    shared.open(uri, FUNCTION)
    request = shared.ask(uri, 1, 7)
    shared.insert(uri, 0, 0, "# changed\n")
    assert (await shared.response(request))["result"] is None


async def test_an_empty_file(shared, uri):
    shared.open(uri, "")
    response = await shared.response(shared.ask(uri, 0, 0))
    assert "error" not in response
    assert response["result"] is None or response["result"]["items"][0]["range"] == at(0, 0)


async def test_a_file_of_ten_megabytes(shared, uri):
    line = "value = compute(first, second, third)  # ordinary\n"
    lines = 10_000_000 // len(line)
    shared.open(uri, line * lines + FUNCTION)
    shared.insert(uri, 0, 0, "# first\n")
    for number in range(20):
        shared.insert(uri, lines // 2, number, "x")
    middle, last = lines // 2, lines + 2
    for at_line, character in ((middle, 5), (0, 2), (last, 7)):
        response = await shared.response(shared.ask(uri, at_line, character))
        assert "error" not in response
        for item in (response["result"] or {"items": []})["items"]:
            assert item["range"] == at(at_line, character)
    prompt = re.sub(r"\n +│ ", "\n", await shared.command("infill.explainLast", True))
    assert "def add(a, b):\n<｜fim▁hole｜>" in prompt
    assert "<｜fim▁end｜>    ret" in prompt
    shared.notify("textDocument/didClose", {"textDocument": {"uri": uri}})


async def test_a_file_with_windows_line_breaks_is_answered_in_kind(shared, uri):
    shared.open(uri, "class Point:\r\n    def __init__(self, x, y, z):\r\n        self")
    text = (await item_at(shared, uri, 2, 12))["insertText"]
    assert "\r\n" in text
    assert "\n" not in text.replace("\r\n", "")
    assert "\r" not in text.replace("\r\n", "")


async def test_half_a_character_is_no_harm(shared, uri):
    """JSON can carry what no encoding can: one half of a surrogate pair."""
    shared.open(uri, "x = '\ud83d'; y = '\udc00'\n" + FUNCTION)
    assert (await item_at(shared, uri, 2, 7))["range"] == at(2, 7)
    shared.insert(uri, 0, 6, "\ude00")
    assert (await item_at(shared, uri, 2, 7))["range"] == at(2, 7)
    prompt = await shared.command("infill.explainLast", True)
    assert "x = '😀'; y = '\ufffd'" in prompt


@pytest.mark.parametrize(("line", "character"), [(1, 999), (7, 0), (2**31 - 1, 2**31 - 1)])
async def test_a_cursor_beyond_the_text_is_moved_into_it(shared, uri, line, character):
    shared.open(uri, FUNCTION)
    assert (await item_at(shared, uri, line, character))["range"] == at(1, 7)


@pytest.mark.parametrize(
    "path", ["line%0Abreak.py", "%00.py", "%FF.py", "a%2Fb.py", "C%3A/x.py", "%E2%80%A8.py", "%.py", "", "?q#f"]
)
async def test_odd_uris(shared, path):
    uri = f"file:///odd/{path}"
    shared.open(uri, FUNCTION)
    assert (await item_at(shared, uri, 1, 7))["range"] == at(1, 7)
    shared.notify("textDocument/didClose", {"textDocument": {"uri": uri}})


@pytest.mark.parametrize("uri", ["untitled:Untitled-1", "vscode-notebook-cell:/a.ipynb#W0", "no uri at all", "", "a:b"])
async def test_uris_that_are_no_files(shared, uri):
    shared.open(uri, FUNCTION)
    assert (await item_at(shared, uri, 1, 7))["range"] == at(1, 7)
    shared.notify("textDocument/didClose", {"textDocument": {"uri": uri}})


async def test_other_documents_are_context_and_a_path_is_one_line(serve):
    client = await serve(options={"engine": {"threads": 1}})
    await client.ready()
    client.open("file:///p/evil%0Aimport%20os.py", "def other():\n    pass\n")
    client.open("file:///p/main.py", FUNCTION)
    await client.response(client.ask("file:///p/main.py", 1, 7))
    trace = await client.command("infill.explainLast", True)
    assert "# evil?import os.py" in trace, "a line break in a path does not reach the prompt"
    assert "\nimport os.py" not in trace
    assert "│ import os.py" not in trace

    for number in range(100):
        client.open(f"file:///p/{number}.py", f"def function_{number}():\n    pass\n" * 5)
    client.open("file:///p/last.py", FUNCTION)
    assert "error" not in await client.response(client.ask("file:///p/last.py", 1, 7))
    trace = await client.command("infill.explainLast")
    assert trace.count("\nblock ") > 1
    assert "def function" not in trace, "no source text without being asked"
    for number in range(100):
        client.notify("textDocument/didClose", {"textDocument": {"uri": f"file:///p/{number}.py"}})
    assert "3 documents open" in await client.command("infill.dumpState")


async def test_where_reading_takes_too_long_the_prompt_is_short_until_a_pause(serve):
    client = await serve(options={"model": "fake:tokens_per_s=100"})
    await client.ready()
    uri = "file:///p/long.py"
    client.open(uri, "value = 1\n" * 300)
    for character in itertools.count():
        client.insert(uri, 150, 9 + character, "Q")  # which the fake never writes
        await item_at(client, uri, 150, 10 + character, AUTOMATIC)
        trace = await client.command("infill.explainLast")
        assert ("new anchor, short to save time" in trace) == (character == 0)
        if "short" not in trace:
            break
        await asyncio.sleep(1)  # a pause, in which the whole comes into the cache
    assert "anchor kept with 1500 characters before" in trace
