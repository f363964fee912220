"""Menu items from the real server with the embedded model, in the shape each editor inserts as it is.

The clients below say of themselves what those editors say, as far as it matters.
"""

import itertools
import re

import pytest
import pytest_asyncio

from tests.e2e.conftest import QUICK
from tests.raw_client import INLINE, POPUP, RawClient
from tests.waiting import eventually

pytestmark = pytest.mark.asyncio(loop_scope="module")

INDENT = " " * 8
SEVERAL_LINES = f"class Point:\n    def __init__(self, x, y, z):\n{INDENT}self"
ONE_LINE = "class Stack:\n    def push(self, item):\n        self.items.app()\n"
_numbers = itertools.count(1)

CLIENTS = {
    "Neovim": {
        "clientInfo": {"name": "Neovim", "version": "0.12.4"},
        "general": {"positionEncodings": ["utf-8", "utf-16", "utf-32"]},
        "completionItem": {
            "snippetSupport": True,
            "insertReplaceSupport": True,
            "documentationFormat": ["markdown", "plaintext"],
        },
    },
    "Visual Studio Code": {
        "clientInfo": {"name": "Visual Studio Code", "version": "1.139.1"},
        "general": {"positionEncodings": ["utf-16"]},
        "completionItem": {
            "snippetSupport": True,
            "insertReplaceSupport": True,
            "documentationFormat": ["markdown", "plaintext"],
            "insertTextModeSupport": {"valueSet": [1, 2]},
        },
    },
    "helix": {
        "clientInfo": {"name": "helix", "version": "25.07.1"},
        "general": {"positionEncodings": ["utf-8", "utf-32", "utf-16"]},
        "completionItem": {
            "snippetSupport": True,
            "insertReplaceSupport": True,
            "documentationFormat": ["markdown"],
        },
    },
    "Emacs": {
        "clientInfo": {"name": "Emacs", "version": "30.2"},
        "general": {"positionEncodings": ["utf-32", "utf-8", "utf-16"]},
        "completionItem": {"snippetSupport": False, "documentationFormat": ["plaintext"]},
    },
}
AUTOMATIC = 2
EMOJI_UNITS = {"Neovim": 4, "Visual Studio Code": 2, "helix": 4, "Emacs": 1}


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=CLIENTS)
async def editor(request):
    """A server for each kind of client; it knows the client's `name`."""
    said = CLIENTS[request.param]
    client = await RawClient.start()
    client.name = request.param
    capabilities = {"textDocument": {"completion": {"completionItem": said["completionItem"]}}}
    await client.initialize({**capabilities, "general": said["general"]}, QUICK, clientInfo=said["clientInfo"])
    await client.ready()
    yield client
    await client.close()


@pytest.fixture
def uri():
    return f"file:///project/module{next(_numbers)}.py"


async def item_at(client, uri, line, character):
    """The one item there is; the list must be incomplete, or eglot and nvim-cmp keep a stale one."""
    result = (await client.response(client.menu(uri, line, character)))["result"]
    assert result["isIncomplete"] is True
    (item,) = result["items"]
    return item


def documented(item):
    """The whole text, which the documentation shows."""
    if isinstance(item["documentation"], str):
        return item["documentation"]
    assert item["documentation"]["kind"] == "markdown"
    return re.fullmatch(r"```python\n(.*)\n```", item["documentation"]["value"], re.DOTALL)[1]


def as_neovim_inserts(snippet, indent):
    """Neovim gives every later line of a snippet that has text the indentation of the first."""
    first, *later = re.sub(r"\\([\\$}])", r"\1", snippet).split("\n")
    return "\n".join([first, *(indent + line if line else line for line in later)])


async def test_every_client_gets_the_shape_that_works_everywhere(editor, uri):
    editor.open(uri, SEVERAL_LINES)
    item = await item_at(editor, uri, 2, len(INDENT) + 4)
    start, end = item["textEdit"]["range"]["start"], item["textEdit"]["range"]["end"]
    assert start == {"line": 2, "character": len(INDENT)}, "the word's start"
    assert end == {"line": 2, "character": len(INDENT) + 4}, "the cursor"
    assert set(item["textEdit"]) == {"range", "newText"}, "eglot fails on an InsertReplaceEdit"
    takes_markdown = "markdown" in CLIENTS[editor.name]["completionItem"].get("documentationFormat", [])
    assert isinstance(item["documentation"], str) is not takes_markdown, "only what the client says it can show"
    text = documented(item)
    assert text.startswith("self")
    assert item["textEdit"]["newText"].startswith("self")
    assert item["filterText"] == text.split("\n")[0]
    assert item["label"].startswith("self")
    assert "\n" not in item["label"]
    assert item["label"].endswith(f"⏎ +{text.count(chr(10))}")
    assert item["sortText"] < "!"
    assert item["kind"] == 1, "Helix takes the kind Snippet for a snippet"
    assert not {"insertText", "command", "additionalTextEdits", "data"} & set(item)


async def test_several_lines_arrive_as_they_are(editor, uri):
    editor.open(uri, SEVERAL_LINES)
    item = await item_at(editor, uri, 2, len(INDENT) + 4)
    text, new_text = documented(item), item["textEdit"]["newText"]
    assert "\n" in text
    if editor.name == "Neovim":
        assert item["insertTextFormat"] == 2, "of a plain edit Neovim inserts only the first line"
        assert "insertTextMode" not in item
        inserted = as_neovim_inserts(new_text, INDENT)
        assert "\n" in inserted
        assert text == inserted or text.startswith(inserted + "\n")
    else:
        assert item["insertTextFormat"] == 1
        assert item.get("insertTextMode") == (1 if editor.name == "Visual Studio Code" else None)
        assert new_text == text


async def test_an_old_neovim_gets_the_first_line(serve, uri):
    """Its own completion inserts a line break as a NUL; nvim-cmp, which knows `asIs`, does not."""
    shape = CLIENTS["Neovim"]["completionItem"]
    for version, extra, several in [
        ("0.10.4", {}, False),
        ("0.9.5", {}, False),
        ("0.10.4", {"insertTextModeSupport": {"valueSet": [1, 2]}}, True),
        ("0.11.0", {}, True),
    ]:
        capabilities = {"textDocument": {"completion": {"completionItem": shape | extra}}}
        client = await serve(capabilities, QUICK, clientInfo={"name": "Neovim", "version": version})
        await client.ready()
        client.open(uri, SEVERAL_LINES)
        item = await item_at(client, uri, 2, len(INDENT) + 4)
        assert ("\n" in item["textEdit"]["newText"]) is several, version
        assert ("\n" in documented(item)) is several
        assert ("⏎" in item["label"]) is several


async def test_one_line_is_plain_for_all(editor, uri):
    editor.open(uri, ONE_LINE)
    item = await item_at(editor, uri, 2, len(INDENT) + 14)
    assert item["insertTextFormat"] == 1
    assert "insertTextMode" not in item
    assert item["textEdit"]["newText"] == documented(item)
    assert "\n" not in documented(item)
    assert "⏎" not in item["label"]
    assert item["textEdit"]["range"]["start"]["character"] == len(INDENT) + 11


async def test_positions_are_in_the_clients_units(editor, uri):
    editor.open(uri, "class A:\n    def __init__(self, a):\n        s = '😀'; se")
    word = 8 + 5 + EMOJI_UNITS[editor.name] + 3
    item = await item_at(editor, uri, 2, word + 2)
    assert item["textEdit"]["range"] == {
        "start": {"line": 2, "character": word},
        "end": {"line": 2, "character": word + 2},
    }
    assert item["textEdit"]["newText"].startswith("se")


async def test_without_a_word_the_range_is_empty(editor, uri):
    editor.open(uri, SEVERAL_LINES.removesuffix("self"))
    item = await item_at(editor, uri, 2, len(INDENT))
    assert item["textEdit"]["range"]["start"] == item["textEdit"]["range"]["end"]
    assert item["textEdit"]["range"]["end"] == {"line": 2, "character": len(INDENT)}
    assert item["filterText"]


async def test_windows_line_breaks(editor, uri):
    editor.open(uri, SEVERAL_LINES.replace("\n", "\r\n"))
    new_text = (await item_at(editor, uri, 2, len(INDENT) + 4))["textEdit"]["newText"]
    if editor.name == "Neovim":
        assert "\r" not in new_text, "its buffers hold no line breaks"
    else:
        assert "\n" not in new_text.replace("\r\n", "")
        assert "\r\n" in new_text


async def test_nothing_is_an_empty_list_that_may_be_asked_for_again(editor, uri):
    response = await editor.response(editor.menu(uri, 0, 0))
    assert response["result"] == {"isIncomplete": True, "items": []}


async def test_both_at_once_where_the_user_wants_it(serve):
    capabilities = {"textDocument": {**INLINE["textDocument"], **POPUP["textDocument"]}}
    client = await serve(capabilities, {**QUICK, "completion": {**QUICK["completion"], "menu": "always"}})
    await client.ready()
    client.open("file:///a.py", SEVERAL_LINES)
    ghost, menu = client.ask("file:///a.py", 2, 12, AUTOMATIC), client.menu("file:///a.py", 2, 12)
    (ghost_item,) = (await client.response(ghost))["result"]["items"]
    (menu_item,) = (await client.response(menu))["result"]["items"]
    assert menu_item["textEdit"]["newText"] == "self" + ghost_item["insertText"]


# The fake's text has no natural end. Here only time counts, so it is shown as the token limit leaves it.
AS_IT_IS = {"switched_off_rules": ["drop unfinished"]}
SLOW = {"model": "fake:decode_ms=60", "completion": {"menu_wait_ms": 50, "max_tokens": 8, **AS_IT_IS}}


async def test_other_items_do_not_wait_for_a_slow_model(serve):
    """What comes too late is there for the next keystroke."""
    client = await serve(POPUP, SLOW)
    await client.ready()
    client.open("file:///a.py", "x = (1 +\n")
    assert (await client.response(client.menu("file:///a.py", 0, 8)))["result"]["items"] == []

    async def has_items():
        return (await client.response(client.menu("file:///a.py", 0, 8)))["result"]["items"]

    await eventually(has_items)
    assert "known from an earlier answer" in await client.command("infill.explainLast")


async def test_who_wants_to_wait_for_it_waits(serve):
    client = await serve(POPUP, {**SLOW, "completion": {"menu_wait_ms": 0, "max_tokens": 8, **AS_IT_IS}})
    await client.ready()
    client.open("file:///a.py", "x = (1 +\n")
    assert len((await client.response(client.menu("file:///a.py", 0, 8)))["result"]["items"]) == 1


@pytest.mark.parametrize("leave", ["an edit", "a close"])
async def test_who_types_on_is_not_kept_waiting_for_what_is_out_of_date(serve, leave):
    """Helix asks for no other menu while one is to come."""
    client = await serve(POPUP, {**SLOW, "completion": {"menu_wait_ms": 0, "max_tokens": 64}})
    await client.ready()
    client.open("file:///a.py", "x = (1 +\n")
    request = client.menu("file:///a.py", 0, 8)

    async def is_being_written():
        return await client.num_open()

    await eventually(is_being_written)
    if leave == "an edit":
        client.insert("file:///a.py", 0, 8, "Q")
    else:
        client.notify("textDocument/didClose", {"textDocument": {"uri": "file:///a.py"}})
    assert (await client.response(request))["result"] == {"isIncomplete": True, "items": []}
    if leave == "an edit":
        assert await client.num_open(), "nothing has ended but the waiting"


async def test_by_hand_only(serve):
    """The first menu after a letter comes of typing; a second one does not, nor does one without a letter."""
    completion = {"menu": "manual", "max_tokens": 8, "confidence": 0, "menu_wait_ms": 0}
    client = await serve(POPUP, {**QUICK, "completion": completion})
    await client.ready()
    client.open("file:///a.py", SEVERAL_LINES)
    assert (await client.response(client.menu("file:///a.py", 2, 12)))["result"]["items"]
    client.insert("file:///a.py", 2, 12, "e")
    typing, by_hand = [await client.response(client.menu("file:///a.py", 2, 13)) for _ in range(2)]
    assert (typing["result"]["items"], len(by_hand["result"]["items"])) == ([], 1)


REGISTER = "client/registerCapability"


def push(client, popup):
    settings = {"completion": {**QUICK["completion"], "menu": popup}}
    client.notify("workspace/didChangeConfiguration", {"settings": settings})


async def test_the_menu_is_offered_later_where_the_setting_comes_later(serve):
    capabilities = {"textDocument": {**INLINE["textDocument"], "completion": {"dynamicRegistration": True}}}
    client = await serve(capabilities, QUICK, answers={REGISTER: None})
    await client.ready()
    push(client, "always")

    async def is_registered():
        return bool(client.all_of(REGISTER))

    await eventually(is_registered)
    push(client, "always")
    client.open("file:///a.py", SEVERAL_LINES)

    async def has_items():
        return (await client.response(client.menu("file:///a.py", 2, 12)))["result"]["items"]

    await eventually(has_items)
    [request] = client.all_of(REGISTER)
    [registration] = request["params"]["registrations"]
    assert registration["method"] == "textDocument/completion"
    assert "." in registration["registerOptions"]["triggerCharacters"]
    push(client, "never")

    async def is_empty():
        return not await has_items()

    await eventually(is_empty)


async def test_an_editor_that_cannot_be_offered_it_later_is_told_where_to_set_it(serve):
    client = await serve(INLINE, QUICK)
    await client.ready()
    push(client, "always")

    async def is_told():
        return bool(client.shown())

    await eventually(is_told)
    assert "initializationOptions" in client.shown()[0]
    assert not client.all_of(REGISTER)
