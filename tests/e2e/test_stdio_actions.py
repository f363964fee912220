"""Code actions over stdio: offered, resolved into versioned edits, stopped, and done by command."""

import itertools

import pytest
import pytest_asyncio

from tests.e2e.conftest import QUICK
from tests.raw_client import INLINE

pytestmark = pytest.mark.asyncio(loop_scope="module")

URI = "file:///p/src/shop.py"
CODE = '''"""A shop."""


class Shop:
    """Sells things."""

    def __init__(self, things):
        self.things = things

    def count(self):
        pass


def price(thing):
    return Decimal(thing.price)
'''
HEADER, PASS, PRICE, DECIMAL = 9, 10, 13, 14
RESOLVES = {"dataSupport": True, "resolveSupport": {"properties": ["edit"]}}
LITERALS = {"codeActionLiteralSupport": {"codeActionKind": {"valueSet": ["quickfix", "refactor"]}}}
EDITS = {"applyEdit": True, "workspaceEdit": {"documentChanges": True, "resourceOperations": ["create"]}}
CAPABILITIES = {
    "textDocument": {**INLINE["textDocument"], "codeAction": {**LITERALS, **RESOLVES}},
    "workspace": EDITS,
}
COMMANDS_ONLY = {"textDocument": {"codeAction": {}}, "workspace": {"applyEdit": True}}
REQUEST_FAILED = -32803


def at(line: int, character: int = 0, to: tuple[int, int] | None = None) -> dict:
    end = to or (line, character)
    return {
        "start": {"line": line, "character": character},
        "end": {"line": end[0], "character": end[1]},
    }


async def offered(client, line: int, diagnostics=(), uri=URI, **context) -> list[dict]:
    place = line if isinstance(line, dict) else at(line)
    context = {"diagnostics": list(diagnostics), **context}
    params = {"textDocument": {"uri": uri}, "range": place, "context": context}
    return await client.request("textDocument/codeAction", params)


def named(actions: list[dict], word: str) -> dict:
    [found] = [action for action in actions if word in action["title"]]
    return found


def applied(text: str, edit: dict, version: int = 1) -> str:
    """The document after an edit, which must be for its version; the text is ASCII."""
    [change] = edit["documentChanges"]
    assert change["textDocument"]["version"] == version
    [one] = change["edits"]
    lines = text.split("\n")
    offsets = [0, *itertools.accumulate(len(line) + 1 for line in lines)]
    start, end = (offsets[one["range"][each]["line"]] + one["range"][each]["character"] for each in ("start", "end"))
    return text[:start] + one["newText"] + text[end:]


@pytest_asyncio.fixture(loop_scope="module")
async def shop(serve):
    client = await serve(CAPABILITIES, QUICK)
    await client.ready()
    client.open(URI, CODE)
    return client


async def test_a_body_is_written_where_it_was_missing(shop):
    for line in (HEADER, PASS):
        action = named(await offered(shop, line), "write this body")
        assert action["kind"] == "refactor.rewrite"
        assert "edit" not in action, "resolved when it is chosen"
        resolved = await shop.request("codeAction/resolve", action)
        text = applied(CODE, resolved["edit"])
        before, after = CODE.split("        pass\n")
        assert text.startswith(before + "        ")
        assert text.endswith(after)
        body = text.removeprefix(before).removesuffix(after)
        assert body.strip()
        assert body.strip() != "pass"


async def test_documentation_is_written(shop):
    resolved = await shop.request("codeAction/resolve", named(await offered(shop, PRICE), "document"))
    text = applied(CODE, resolved["edit"])
    compile(text, "shop.py", "exec")
    assert 'def price(thing):\n    """' in text
    assert text.endswith('"""\n    return Decimal(thing.price)\n')


async def test_a_selection_is_written_anew(shop):
    action = named(await offered(shop, at(7, 0, to=(8, 0))), "rewrite")
    text = applied(CODE, (await shop.request("codeAction/resolve", action))["edit"])
    before, after = CODE.split("self.things = things")
    assert text.startswith(before)
    assert text.endswith(after)
    assert text != CODE


async def test_what_another_file_imports_is_imported(shop):
    shop.open("file:///p/src/other.py", "from decimal import Context, Decimal\n")
    action = named(await offered(shop, DECIMAL), "import `Decimal`")
    assert action["kind"] == "quickfix"
    text = applied(CODE, (await shop.request("codeAction/resolve", action))["edit"])
    assert text == CODE.replace('"""A shop."""\n\n', '"""A shop."""\n\nfrom decimal import Decimal\n')


async def test_only_the_kinds_that_are_wanted(shop):
    assert await offered(shop, HEADER, only=["source"]) == []
    assert await offered(shop, HEADER, only=["quickfix"]) == []
    kinds = {action["kind"] for action in await offered(shop, HEADER, only=["refactor"])}
    assert kinds == {"refactor.rewrite"}


async def test_nothing_is_offered_where_nothing_applies(shop):
    assert await offered(shop, 1) == []
    assert await offered(shop, 1, uri="file:///p/src/not-open.py") == []


async def test_an_action_of_another_version_fails_and_says_so(shop):
    action = named(await offered(shop, HEADER), "write this body")
    shop.insert(URI, 0, 0, "# ")
    response = await shop.response(shop.send("codeAction/resolve", action))
    assert response["error"]["code"] == REQUEST_FAILED
    assert "changed" in response["error"]["message"]
    assert any("changed" in sentence for sentence in shop.shown())


async def test_an_action_that_is_none_of_ours_is_refused(shop):
    response = await shop.response(shop.send("codeAction/resolve", {"title": "x", "data": {"kind": "fly"}}))
    assert "no action of infill's" in response["error"]["message"]


async def test_in_a_file_of_secrets_nothing_is_offered_nor_done(serve):
    client = await serve(CAPABILITIES, {"model": "fake"})
    await client.ready()
    secret = "file:///p/src/credentials"
    for uri in (URI, secret):
        client.open(uri, CODE)
    action = named(await offered(client, HEADER), "write this body")
    assert await offered(client, HEADER, uri=secret) == []
    action["data"]["uri"] = secret
    response = await client.response(client.send("codeAction/resolve", action))
    assert response["error"]["code"] == REQUEST_FAILED
    assert "secrets" in response["error"]["message"]


async def test_a_client_that_resolves_nothing_gets_commands(serve):
    client = await serve(COMMANDS_ONLY, QUICK, answers={"workspace/applyEdit": {"applied": True}})
    await client.ready()
    client.open(URI, CODE)
    command = named(await offered(client, HEADER), "write this body")
    assert command["command"] == "infill.runAction"
    assert await client.command(command["command"], *command["arguments"]) == {"applied": True}
    [request] = client.all_of("workspace/applyEdit")
    assert set(request["params"]["edit"]["changes"]) == {URI}


async def test_an_edit_that_the_client_answers_with_nothing_ends_the_command(serve):
    client = await serve(COMMANDS_ONLY, QUICK, answers={"workspace/applyEdit": None})
    await client.ready()
    client.open(URI, CODE)
    command = named(await offered(client, HEADER), "write this body")
    run = {"command": command["command"], "arguments": command["arguments"]}
    error = (await client.response(client.send("workspace/executeCommand", run)))["error"]
    assert "malformed" in error["message"]
    assert "data" not in error


async def test_actions_can_be_switched_off(serve):
    client = await serve(CAPABILITIES, {**QUICK, "actions": False})
    client.open(URI, CODE)
    assert await offered(client, HEADER) == []


async def test_a_client_without_a_menu_of_actions_is_offered_none(serve):
    client = await serve(INLINE, QUICK)
    response = await client.response(client.send("textDocument/codeAction", {}))
    assert response["error"]["code"] == -32601
