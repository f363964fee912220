"""Code actions that an instruct model does, over stdio: a fake one, which replies what a file says."""

import pytest
import pytest_asyncio

from tests.e2e.test_stdio_actions import CAPABILITIES, applied, at, named, offered
from tests.waiting import eventually

pytestmark = pytest.mark.asyncio(loop_scope="module")

CODE = "def add(a, b):\n    return a - b\n\n\nprint(add(1, 2))\n"
WRONG = {"range": at(1, 11), "message": "subtracts", "severity": 1}
PROGRESS = {"window": {"workDoneProgress": True}}


class Shop:
    """A client with a project on the disk whose chat model replies what it is told to."""

    def __init__(self, client, root, reply) -> None:
        self.client, self.root, self._reply = client, root, reply
        self.uri = (root / "sums.py").as_uri()

    def will_say(self, text: str) -> None:
        self._reply.write_text(text, encoding="utf-8")

    async def actions(self, place, diagnostics=()):
        return await offered(self.client, place, diagnostics, self.uri)

    async def chat_is_idle(self) -> bool:
        state = await self.client.command("infill.dumpState")
        return " 0 open" in state.partition("chat: ")[2]

    async def resolved(self, action) -> dict:
        return (await self.client.request("codeAction/resolve", action))["edit"]


@pytest_asyncio.fixture(loop_scope="module")
async def open_shop(serve, tmp_path):
    async def open_shop(*, says: str, decode_ms: float = 0, answers=None, **capabilities) -> Shop:
        reply = tmp_path / "reply.txt"
        reply.write_text(says, encoding="utf-8")
        root = tmp_path / "project"
        root.mkdir()
        options = {"model": "fake", "chat": {"model": f"fake:says={reply},decode_ms={decode_ms}"}}
        folders = [{"uri": root.as_uri(), "name": "project"}]
        answers = {"window/workDoneProgress/create": None, **(answers or {})}
        client = await serve(
            {**CAPABILITIES, **PROGRESS, **capabilities}, options, answers=answers, workspaceFolders=folders
        )
        await client.ready()
        shop = Shop(client, root, reply)
        client.open(shop.uri, CODE)
        return shop

    return open_shop


async def test_a_diagnostic_is_mended(open_shop):
    shop = await open_shop(says="Here:\n```python\nreturn a + b\n```\nIt adds now.\n")
    action = named(await shop.actions(1, [WRONG]), "fix “subtracts”")
    assert action["kind"] == "quickfix"
    text = applied(CODE, await shop.resolved(action))
    assert text == CODE.replace("a - b", "a + b"), "at the depth of what stood there"


async def test_nothing_is_to_be_mended_without_a_diagnostic(open_shop):
    shop = await open_shop(says="x")
    assert not [action for action in await shop.actions(1) if "fix" in action["title"]]


async def test_a_selection_is_explained(open_shop):
    shop = await open_shop(says="It adds.")
    action = named(await shop.actions(at(0, 0, to=(1, 4))), "explain")
    command = action["command"]
    assert await shop.client.command(command["command"], *command["arguments"]) == "It adds."
    assert shop.client.shown()[-1] == "It adds."


async def test_an_explanation_is_shown_beside_the_code_where_that_can_be(open_shop):
    shop = await open_shop(
        says="It adds.",
        answers={"window/showDocument": {"success": True}},
        window={"workDoneProgress": True, "showDocument": {"support": True}},
    )
    command = named(await shop.actions(at(0, 0, to=(1, 4))), "explain")["command"]
    await shop.client.command(command["command"], *command["arguments"])
    [shown] = shop.client.all_of("window/showDocument")
    assert shown["params"]["uri"].endswith("explanation.md")
    assert "It adds." not in shop.client.shown()


async def test_tests_go_to_a_file_of_their_own(open_shop):
    shop = await open_shop(says="```python\ndef test_add(): pass\n```")
    edit = await shop.resolved(named(await shop.actions(0), "write tests"))
    create, change = edit["documentChanges"]
    wanted = (shop.root / "tests/test_sums.py").as_uri()
    assert (create["kind"], create["uri"], change["textDocument"]) == (
        "create",
        wanted,
        {"uri": wanted, "version": None},
    )
    assert change["edits"][0]["newText"] == "def test_add(): pass\n"


async def test_tests_are_added_to_those_there_are(open_shop):
    shop = await open_shop(says="```python\ndef test_add(): pass\n```")
    (shop.root / "tests").mkdir()
    there = shop.root / "tests/test_sums.py"
    there.write_text("import sums\n", encoding="utf-8")
    edit = await shop.resolved(named(await shop.actions(0), "write tests"))
    assert applied("import sums\n", edit, version=None) == "import sums\n\ndef test_add(): pass\n"
    shop.client.open(there.as_uri(), "import sums  # open\n")
    edit = await shop.resolved(named(await shop.actions(0), "write tests"))
    assert applied("import sums  # open\n", edit).endswith("# open\n\ndef test_add(): pass\n")


async def test_an_edit_by_instruction(open_shop):
    shop = await open_shop(
        says="```\ndef plus(a, b):\n    return a + b\n```", answers={"workspace/applyEdit": {"applied": True}}
    )
    argument = {"uri": shop.uri, "range": at(0, 4, to=(1, 3)), "instruction": "Call it plus."}
    assert await shop.client.command("infill.edit", argument) == {"applied": True}
    [request] = shop.client.all_of("workspace/applyEdit")
    assert applied(CODE, request["params"]["edit"]).startswith("def plus(a, b):\n    return a + b\n\n\nprint")


@pytest.mark.parametrize(
    "argument", [None, {}, {"uri": "file:///nowhere.py", "range": at(0), "instruction": "x"}, {"uri": 1, "range": {}}]
)
async def test_an_instruction_that_cannot_be_followed_is_refused(open_shop, argument):
    shop = await open_shop(says="x")
    request = shop.client.send("workspace/executeCommand", {"command": "infill.edit", "arguments": [argument]})
    assert "infill.edit" in (await shop.client.response(request))["error"]["message"]


async def test_an_instruct_model_is_shown_no_file_of_secrets(open_shop):
    shop = await open_shop(says="x")
    secret = (shop.root / ".env").as_uri()
    shop.client.open(secret, "A=1\n")
    argument = {"uri": secret, "range": at(0), "instruction": "Sort."}
    request = shop.client.send("workspace/executeCommand", {"command": "infill.edit", "arguments": [argument]})
    assert "secrets" in (await shop.client.response(request))["error"]["message"]


async def test_what_stands_there_already_is_no_edit(open_shop):
    shop = await open_shop(says="```\n    return a - b\n```")
    action = named(await shop.actions(1, [WRONG]), "fix")
    response = await shop.client.response(shop.client.send("codeAction/resolve", action))
    assert "change nothing" in response["error"]["message"]


async def test_progress_is_shown_and_stops_the_model(open_shop):
    shop = await open_shop(says="word " * 2000, decode_ms=20)
    action = named(await shop.actions(1, [WRONG]), "fix")
    request = shop.client.send("codeAction/resolve", action)
    begun = await shop.client.wait_for(
        lambda message: message.get("method") == "$/progress" and "fix" in message["params"]["value"].get("title", "")
    )
    token = begun["params"]["token"]
    assert begun["params"]["value"]["cancellable"]
    await shop.client.wait_for(
        lambda message: (
            message.get("method") == "$/progress"
            and message["params"]["token"] == token
            and message["params"]["value"].get("message", "").startswith("word")
        )
    )
    shop.client.notify("window/workDoneProgress/cancel", {"token": token})
    assert "error" in await shop.client.response(request)
    await eventually(shop.chat_is_idle)
    await shop.client.wait_for(
        lambda message: (
            message.get("method") == "$/progress"
            and message["params"]["token"] == token
            and message["params"]["value"]["kind"] == "end"
        )
    )


async def test_cancelling_the_request_stops_the_model(open_shop):
    shop = await open_shop(says="word " * 2000, decode_ms=20)
    request = shop.client.send("codeAction/resolve", named(await shop.actions(1, [WRONG]), "fix"))
    await shop.client.wait_for(lambda message: message.get("method") == "$/progress" and "word" in str(message))
    shop.client.cancel(request)
    assert "error" in await shop.client.response(request)


async def test_without_a_chat_model_there_is_no_such_action_and_a_command_says_why(serve):
    client = await serve(CAPABILITIES, {"model": "fake"})
    await client.ready()
    client.open("file:///p/a.py", CODE)
    titles = {action["title"] for action in await offered(client, 1, [WRONG], "file:///p/a.py")}
    assert not any(word in title for title in titles for word in ("fix", "explain", "tests"))
    status = await client.command("infill.chatStatus")
    assert not status["available"]
    assert "chat.model" in status["message"]


async def test_a_chat_model_that_is_not_here_is_said(serve):
    client = await serve(CAPABILITIES, {"model": "fake", "chat": {"model": "deepseek-coder-1.3b-instruct"}})
    await client.ready()
    status = await client.command("infill.chatStatus")
    assert "infill models pull deepseek-coder-1.3b-instruct" in status["message"]
