"""Code actions in the test's process: what they are worked out from, what a model is shown, and what is refused."""

import asyncio
import contextlib
import tempfile
from pathlib import Path

import pytest

from lsp_server.actions.replies import NO_CODE, NOTHING
from lsp_server.server.features import code_actions
from tests.raw_client import INLINE

CODE = "def a():\n    return 1\n"
TOKEN = "ghp_" + "a1B2" * 9
CAPABILITIES = {
    "textDocument": {
        **INLINE["textDocument"],
        "codeAction": {
            "codeActionLiteralSupport": {"codeActionKind": {"valueSet": ["quickfix", "refactor"]}},
            "dataSupport": True,
            "resolveSupport": {"properties": ["edit"]},
        },
    },
    "workspace": {"applyEdit": True, "workspaceEdit": {"documentChanges": True, "resourceOperations": ["create"]}},
    "window": {"showDocument": {"support": True}},
}


class Shop:
    """A client with a folder, and a chat model that says what it is told to and keeps what it was asked."""

    def __init__(self, connection, root: Path) -> None:
        self.connection, self.root = connection, root
        self.uri = (root / "a.py").as_uri()
        self.says = "```\ndef test_a(): pass\n```"
        self.questions: list[str] = []
        self.while_it_writes = lambda: None

    async def chat(self, messages, _progress) -> str:
        self.questions.append(messages[0].text)
        self.while_it_writes()
        await asyncio.sleep(0)
        return self.says

    def opened(self, text: str, uri: str = "", version: int = 1):
        item = {"uri": uri or self.uri, "languageId": "python", "version": version, "text": text}
        return self.connection.note("textDocument/didOpen", {"textDocument": item})

    def changed(self, version: int, text: str, uri: str = ""):
        document = {"uri": uri or self.uri, "version": version}
        params = {"textDocument": document, "contentChanges": [{"text": text}]}
        return self.connection.note("textDocument/didChange", params)

    def asked(self, line: int, diagnostics=(), **context):
        place = {"line": line, "character": 0}
        params = {
            "textDocument": {"uri": self.uri},
            "range": {"start": place, "end": place},
            "context": {"diagnostics": list(diagnostics), **context},
        }
        return self.connection.call("textDocument/codeAction", params)

    def data(self, kind: str, first: int = 0, last: int = 1, version: int = 1, **more) -> dict:
        return {"kind": kind, "uri": self.uri, "version": version, "start": [first, 0], "end": [last, 0], **more}

    async def resolve(self, kind: str, first: int = 0, last: int = 1, **more) -> dict:
        action = {"title": "x", "data": self.data(kind, first, last, **more)}
        return await self.connection.answer(self.connection.call("codeAction/resolve", action))


@pytest.fixture
async def shop(fresh, tmp_path, monkeypatch):
    root = tmp_path / "project"
    root.mkdir()
    folders = [{"uri": root.as_uri(), "name": "project"}]
    await fresh.initialize(capabilities=CAPABILITIES, workspaceFolders=folders)
    shop = Shop(fresh, root)
    runner = fresh.context.code_actions
    monkeypatch.setattr(runner, "chat_problem", lambda: "")
    monkeypatch.setattr(runner, "_chat", shop.chat)
    fresh.feed(shop.opened(CODE))
    await fresh.settle()
    return shop


# From one frozen document


@pytest.mark.parametrize("text", ["def new():\n    pass\n" + CODE, "", "x = 1", "\n" * 9 + CODE])
async def test_actions_of_a_text_that_has_changed_are_dropped(shop, text):
    request = shop.asked(1)
    shop.connection.feed(request, shop.changed(2, text))
    assert (await shop.connection.response(request["id"]))["result"] == []


async def test_actions_of_a_document_that_was_opened_again_are_dropped(shop):
    request = shop.asked(0)
    closed = shop.connection.note("textDocument/didClose", {"textDocument": {"uri": shop.uri}})
    shop.connection.feed(request, closed, shop.opened("x = 1\n"))
    assert (await shop.connection.response(request["id"]))["result"] == []


async def test_actions_are_worked_out_in_the_text_that_was_there(shop):
    request = shop.asked(0)
    shop.connection.feed(shop.changed(2, "\n\n"), shop.changed(3, CODE), request)
    actions = (await shop.connection.response(request["id"]))["result"]
    assert {(action["data"]["version"], *action["data"]["start"]) for action in actions} == {(3, 0, 0)}


async def test_only_wanted_kinds_are_worked_out(shop, monkeypatch):
    monkeypatch.setattr("lsp_server.server.handlers.code_action.import_candidates", None)
    actions = (await shop.connection.answer(shop.asked(0, only=["refactor"])))["result"]
    assert {action["kind"].partition(".")[0] for action in actions} == {"refactor"}


@pytest.mark.parametrize("kind", ["edit", "test"])
async def test_an_edit_for_a_text_that_changes_while_the_model_writes_is_refused(shop, kind):
    shop.while_it_writes = lambda: shop.connection.context.documents.get(shop.uri).replace("# " + CODE)
    assert "changed" in (await shop.resolve(kind, instruction="Do."))["error"]["message"]


@pytest.mark.parametrize("kind", ["import", "fill", "edit"])
async def test_a_document_that_is_closed_while_the_client_is_waited_for_is_refused(shop, monkeypatch, kind):
    @contextlib.asynccontextmanager
    async def progress(_):
        shop.connection.context.documents.close(shop.uri)
        yield

    monkeypatch.setattr(shop.connection.context.code_actions, "_progress", progress)
    monkeypatch.setattr(shop.connection.context.engines, "pipeline_for", lambda uri: object())
    assert "changed" in (await shop.resolve(kind, name="json", instruction="Do."))["error"]["message"]


async def test_an_edit_of_a_test_file_that_changes_meanwhile_is_refused(shop):
    tests = shop.root / "tests/test_a.py"
    tests.parent.mkdir()
    tests.write_text("import a\n", encoding="utf-8")
    shop.while_it_writes = lambda: tests.write_text("import a\nimport b\n", encoding="utf-8")
    assert "changed" in (await shop.resolve("test"))["error"]["message"]


@pytest.mark.parametrize(("first", "last"), [(0, 99), (99, 99), (-1, 0), (1, 0)])
async def test_a_place_outside_of_the_document_is_refused_with_a_sentence(shop, first, last):
    for kind in ("edit", "test", "fill"):
        message = (await shop.resolve(kind, first, last, instruction="Do."))["error"]["message"]
        assert "changed" in message or "starting" in message


# Replies


@pytest.mark.parametrize("kind", ["edit", "fix", "test"])
@pytest.mark.parametrize("reply", ["", " ", "\n\n", "```\n```", "I'm sorry, but I cannot help with that request."])
async def test_a_reply_without_code_changes_nothing(shop, kind, reply):
    shop.says = reply
    response = await shop.resolve(kind, instruction="Do.")
    assert response["error"]["message"] in (NOTHING, NO_CODE)
    warned = [message for message in shop.connection.received if message.get("method") == "window/showMessage"]
    assert response["error"]["message"] in warned[-1]["params"]["message"]


async def test_code_in_a_fence_replaces_the_lines_and_prose_around_it_does_not(shop):
    shop.says = "Sure! Here it is:\n\n```python\ndef b():\n```\nI renamed it."
    [change] = (await shop.resolve("edit", instruction="Rename."))["result"]["edit"]["documentChanges"]
    assert change["edits"][0]["newText"] == "def b():"


async def test_a_model_that_forgets_the_fence_is_asked_once_more(shop):
    async def chat(messages, _progress):
        asked.append([message.role for message in messages])
        return "Sure!\ndef b():" if len(asked) == 1 else "```\ndef b():\n```"

    asked = []
    shop.connection.context.code_actions._chat = chat
    [change] = (await shop.resolve("edit", instruction="Rename."))["result"]["edit"]["documentChanges"]
    assert change["edits"][0]["newText"] == "def b():"
    assert asked == [["user"], ["user", "assistant", "user"]]


async def test_a_model_is_not_asked_for_ever(shop):
    shop.says = "The code looks fine."
    assert "error" in await shop.resolve("edit", instruction="Rename.")
    assert len(shop.questions) == 2


@pytest.mark.parametrize("text", ["", "  \n", "I'm sorry, but I cannot help with that.", "Here is the new text of it"])
async def test_a_selection_is_not_rewritten_by_no_code(shop, monkeypatch, text):
    async def fill(*_):
        return text

    monkeypatch.setattr(code_actions.writing, "fill", fill)
    monkeypatch.setattr(shop.connection.context.engines, "pipeline_for", lambda uri: object())
    assert (await shop.resolve("rewrite"))["error"]["message"] in (NOTHING, NO_CODE)
    text = "def b():\n"
    assert "result" in await shop.resolve("rewrite")


# What "write tests" shows


@pytest.fixture
def tests_file(shop):
    path = shop.root / "tests/test_a.py"
    path.parent.mkdir()
    path.write_text("import pytest_of_the_project\n", encoding="utf-8")
    return path


@pytest.mark.parametrize("is_open", [False, True])
@pytest.mark.parametrize("case", ["readable", "secret", "late secret", "link"])
async def test_a_file_of_tests_is_shown_only_if_it_may_be_read(shop, tests_file, tmp_path, case, is_open):
    text = tests_file.read_text(encoding="utf-8")
    if case == "secret":
        text += f"token = '{TOKEN}'\n"
    elif case == "late secret":
        text += "\n" * code_actions.HEAD_LINES + f"token = '{TOKEN}'\n"
    elif case == "link":
        tests_file.unlink()
        tests_file.symlink_to(tmp_path / "outside.py")
    tests_file.write_text(text, encoding="utf-8")
    if is_open:
        shop.connection.feed(shop.opened(text, tests_file.as_uri()))
    response = await shop.resolve("test")
    [question] = shop.questions
    assert ("pytest_of_the_project" in question) is (case == "readable")
    assert TOKEN not in question
    [change] = response["result"]["edit"]["documentChanges"]
    assert change["edits"][0]["range"]["start"] == {"line": text.count("\n"), "character": 0}, "added at the end"


@pytest.mark.parametrize("is_there", [False, True])
@pytest.mark.parametrize(
    ("ignore_file", "pattern"),
    [
        (".infillignore", "tests/"),
        (".gitignore", "test_*"),
        (".git/info/exclude", "/tests"),
        ("../.gitignore", "tests"),
    ],
)
async def test_an_ignored_file_of_tests_is_left_alone(shop, tests_file, ignore_file, pattern, is_there):
    if ignore_file.startswith(".."):
        (shop.root.parent / ".git").mkdir()
        (shop.root.parent / ".git" / "HEAD").write_text("ref: refs/heads/main\n", encoding="utf-8")
    (shop.root / ignore_file).parent.mkdir(parents=True, exist_ok=True)
    (shop.root / ignore_file).write_text(f"{pattern}\n", encoding="utf-8")
    if not is_there:
        tests_file.unlink()
    response = await shop.resolve("test")
    assert "tests/test_a.py, which is ignored" in response["error"]["message"]
    assert shop.questions == []


async def test_an_ignored_folder_of_tests_is_left_alone_also_if_it_is_a_link(shop, tests_file, tmp_path):
    tests_file.parent.rename(tmp_path / "elsewhere")
    tests_file.parent.symlink_to(tmp_path / "elsewhere")
    assert "result" in await shop.resolve("test")
    (shop.root / ".gitignore").write_text("/tests\n", encoding="utf-8")
    assert "which is ignored" in (await shop.resolve("test"))["error"]["message"]


# What an import is taken from


@pytest.mark.parametrize("case", ["readable", "ignored", "secret", "link", "another language"])
async def test_imports_are_taken_only_from_files_that_may_be_read(shop, monkeypatch, tmp_path, case):
    seen = []

    async def import_line(_pipeline, _document, _name, _neighbours, others):
        seen.extend(each.path for each in others)
        return code_actions.writing.ReplaceRange(code_actions.Position(0, 0), code_actions.Position(0, 0)), "import x\n"

    monkeypatch.setattr(code_actions.writing, "import_line", import_line)
    monkeypatch.setattr(shop.connection.context.engines, "pipeline_for", lambda uri: object())
    other = shop.root / ("b.js" if case == "another language" else "b.py")
    if case == "ignored":
        (shop.root / ".gitignore").write_text("b.py\n", encoding="utf-8")
    elif case == "link":
        (tmp_path / "outside.py").write_text("import x\n", encoding="utf-8")
        other.symlink_to(tmp_path / "outside.py")
    text = "import x\n" + (f"token = '{TOKEN}'\n" if case == "secret" else "")
    item = {"uri": other.as_uri(), "languageId": "python", "version": 1, "text": text}
    if case == "another language":
        item["languageId"] = "javascript"
    shop.connection.feed(shop.connection.note("textDocument/didOpen", {"textDocument": item}))
    assert "result" in await shop.resolve("import", name="x")
    assert seen == (["b.py"] if case == "readable" else [])


# What is left behind


async def test_explanations_leave_nothing_in_the_temporary_folder(shop, monkeypatch, tmp_path):
    for name in ("temporary", "cache"):
        (tmp_path / name).mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    shown = []

    async def show(path):
        shown.append(path.read_text(encoding="utf-8"))

    monkeypatch.setattr(shop.connection.context.client, "show_document", show)
    for shop.says in ("It is one.", "It is two.", "It is three."):
        command = {"command": "infill.runAction", "arguments": [shop.data("explain")]}
        await shop.connection.answer(shop.connection.call("workspace/executeCommand", command))
    assert shown == ["It is one.\n", "It is two.\n", "It is three.\n"]
    assert list((tmp_path / "temporary").iterdir()) == []
    [left] = [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]
    assert left.stat().st_mode & 0o077 == 0
