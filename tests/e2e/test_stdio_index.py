"""The index in a server: built when it starts, used in prompts, kept up to date, ended with its server."""

import os
import re
import signal

import pytest

from lsp_server.index.database import open_for_reading
from lsp_server.index.reader import Reader
from tests.processes import INDEX_WORKER, children_of, is_running
from tests.raw_client import INLINE
from tests.waiting import eventually

pytestmark = pytest.mark.asyncio(loop_scope="module")

SETTINGS = {"model": "fake", "engine": {"warm_up": False}}
WATCHES = {**INLINE, "workspace": {"didChangeWatchedFiles": {"dynamicRegistration": True}}}
LIBRARY = "class Orders:\n    def fetch_all_orders(self, since: int) -> list[str]:\n        return []\n"
MAIN = "from library import Orders\n\n\ndef main(orders: Orders) -> None:\n    orders.\n"


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "project"
    root.mkdir()
    (root / "library.py").write_text(LIBRARY)
    (root / "main.py").write_text(MAIN)
    (root / ".env").write_text("fetch_all_orders=1\n")
    return root


@pytest.fixture
def serve_in(serve, folder, tmp_path):
    async def serve_in(capabilities=INLINE, settings=SETTINGS, **options):
        client = await serve(
            capabilities,
            settings,
            env={"XDG_CACHE_HOME": str(tmp_path / "cache")},
            workspaceFolders=[{"uri": folder.as_uri(), "name": "project"}],
            **options,
        )
        await client.ready()
        return client

    return serve_in


async def explained(client, uri, line=4, character=11):
    """The prompt of a fresh request."""
    await client.response(client.ask(uri, line, character, trigger_kind=1))
    return await client.command("infill.explainLast")


def indexers(client):
    return children_of(client.process.pid, INDEX_WORKER)


async def prompt_with(client, folder, wanted):
    """Ask in a document opened anew until the prompt has something."""

    async def asked():
        uri = (folder / "main.py").as_uri()
        client.open(uri, MAIN)
        text = await explained(client, uri)
        client.notify("textDocument/didClose", {"textDocument": {"uri": uri}})
        return text if wanted in text else None

    return await eventually(asked)


async def test_a_definition_of_another_file_stands_in_the_prompt(serve_in, folder):
    client = await serve_in()
    text = await prompt_with(client, folder, "block ")
    assert "library.py: score" in text
    assert ".env" not in text


async def test_the_state_says_what_is_in_the_index(serve_in, folder):
    client = await serve_in()

    async def line():
        text = await client.command("infill.dumpState")
        return re.search(r"^index of project: 2 files, 3 definitions, up to date at 2\S+$", text, re.MULTILINE)

    await eventually(line)


async def test_without_an_index_the_state_says_so(serve_in):
    client = await serve_in(settings={**SETTINGS, "context": {"index": False}})
    assert "no index" in await client.command("infill.dumpState")


async def test_a_file_that_was_closed_again_is_context(serve_in, folder):
    client = await serve_in(settings={**SETTINGS, "context": {"index": False}})
    for name in ("library.py", ".env"):
        uri = (folder / name).as_uri()
        client.open(uri, LIBRARY)
        client.insert(uri, 0, 0, "# not saved ")
        client.notify("textDocument/didClose", {"textDocument": {"uri": uri}})
    uri = (folder / "main.py").as_uri()
    client.open(uri, MAIN)
    text = await explained(client, uri)
    assert re.search(r"library\.py: score .*; recent edits", text)
    assert ".env" not in text


async def test_a_save_is_seen(serve_in, folder, tmp_path):
    client = await serve_in()
    await prompt_with(client, folder, "library.py: score")
    (folder / "library.py").write_text(LIBRARY.replace("Orders", "SavedJustNow"))
    client.notify("textDocument/didSave", {"textDocument": {"uri": (folder / "library.py").as_uri()}})
    (index,) = (tmp_path / "cache" / "infill" / "index").glob("*.sqlite")
    reader = Reader(open_for_reading(index))
    await eventually(
        lambda: reader.refresh() is not None and reader.files_defining("SavedJustNow", ("class",), 1) != []
    )


async def test_who_can_watch_is_asked_to_and_heard(serve_in, folder):
    client = await serve_in(WATCHES, answers={"client/registerCapability": None})
    (registered,) = client.all_of("client/registerCapability")
    (registration,) = registered["params"]["registrations"]
    assert registration["method"] == "workspace/didChangeWatchedFiles"
    await prompt_with(client, folder, "library.py: score")
    (folder / "library.py").unlink()
    (folder / "other.py").write_text(LIBRARY)
    changes = [{"uri": (folder / name).as_uri(), "type": kind} for name, kind in (("library.py", 3), ("other.py", 1))]
    client.notify("workspace/didChangeWatchedFiles", {"changes": changes})
    assert "library.py: score" not in await prompt_with(client, folder, "other.py: score")


async def test_progress_is_shown_of_a_large_folder(serve_in, folder):
    for number in range(40):
        (folder / f"m{number}.py").write_text(LIBRARY * 300)
    shows = {**INLINE, "window": {"workDoneProgress": True}}
    client = await serve_in(shows, answers={"window/workDoneProgress/create": None})

    def kinds():
        progress = [m["params"] for m in client.all_of("$/progress") if m["params"]["token"] == "infill/index"]
        return [each["value"]["kind"] for each in progress]

    await eventually(lambda: "end" in kinds())
    assert kinds()[0] == "begin"
    assert kinds()[-1] == "end"


async def test_switched_off_there_is_no_process(serve_in, folder):
    client = await serve_in(settings={**SETTINGS, "context": {"index": False}})
    assert indexers(client) == []


async def test_the_process_ends_with_its_server_however_that_ends(serve_in):
    client = await serve_in()
    (process,) = await eventually(lambda: indexers(client))
    os.kill(client.process.pid, signal.SIGKILL)
    await eventually(lambda: not is_running(process))


async def test_no_prompt_for_a_file_of_secrets(serve_in, folder):
    client = await serve_in()
    uri = (folder / ".env").as_uri()
    client.open(uri, "A=1\n")
    assert "usually holds secrets" in await explained(client, uri, 0, 2)


async def test_no_prompt_for_a_file_in_a_folder_of_secrets_elsewhere(serve_in, tmp_path):
    client = await serve_in()
    uri = (tmp_path / ".kube" / "config").as_uri()
    client.open(uri, "a: b\n")
    assert "usually holds secrets" in await explained(client, uri, 0, 2)


async def test_what_a_folder_ignores_stays_out_also_if_the_folder_came_later(serve_in, folder):
    (folder / ".infillignore").write_text("private/\n")
    client = await serve_in(settings={**SETTINGS, "context": {"index": False}})
    project, uri = {"uri": folder.as_uri(), "name": "project"}, (folder / "main.py").as_uri()
    client.notify("workspace/didChangeWorkspaceFolders", {"event": {"added": [], "removed": [project]}})
    client.open((folder / "private" / "hidden.py").as_uri(), 'SECRET_PLAN = "attack at dawn"\n')
    client.open((folder / "library.py").as_uri(), LIBRARY)
    client.open(uri, MAIN)
    assert "hidden.py: score" in await explained(client, uri), "without a folder nothing tells that it is ignored"
    client.notify("workspace/didChangeWorkspaceFolders", {"event": {"added": [project], "removed": []}})
    text = await explained(client, uri)
    assert "library.py: score" in text
    assert "hidden.py" not in text
