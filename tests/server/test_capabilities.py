"""What `initialize` answers: what is offered depends on the client and its settings."""

import pytest

from tests.raw_client import INLINE, POPUP

BOTH = {"textDocument": {**INLINE["textDocument"], **POPUP["textDocument"]}}


@pytest.mark.parametrize(
    ("capabilities", "setting", "inline", "menu"),
    [
        (INLINE, None, True, False),
        (POPUP, None, False, True),
        ({}, None, False, True),
        (BOTH, None, True, False),
        (BOTH, "always", True, True),
        (INLINE, "never", True, False),
        (POPUP, "never", False, False),
    ],
)
async def test_the_menu_is_offered_where_it_does_not_disturb_ghost_text(fresh, capabilities, setting, inline, menu):
    """VS Code cancels the one for the other, which halves a slow model's speed."""
    options = {"completion": {"menu": setting}} if setting else None
    offered = (await fresh.initialize(capabilities=capabilities, initializationOptions=options))["capabilities"]
    assert ("inlineCompletionProvider" in offered) is inline
    assert ("completionProvider" in offered) is menu
    assert not offered.get("completionProvider", {}).get("resolveProvider"), "Helix freezes while it resolves"


async def test_what_the_server_says_of_itself(fresh):
    result = await fresh.initialize()
    assert result["serverInfo"]["name"] == "infill"
    assert result["serverInfo"]["version"]
    offered = result["capabilities"]
    assert offered["positionEncoding"] == "utf-16"
    assert offered["textDocumentSync"]["openClose"] is True
    assert offered["textDocumentSync"]["change"] == 2
    assert set(offered["executeCommandProvider"]["commands"]) >= {"infill.explainLast", "infill.dumpState"}
    assert offered["workspace"]["workspaceFolders"]["supported"] is True
    for missing in ("hoverProvider", "diagnosticProvider", "definitionProvider"):
        assert missing not in offered


@pytest.mark.parametrize(
    ("encodings", "chosen"),
    [
        (["utf-8", "utf-16"], "utf-8"),
        (["utf-32", "utf-8", "utf-16"], "utf-32"),
        (["utf-16"], "utf-16"),
        ([], "utf-16"),
        (["utf-7", "utf-8"], "utf-8"),
        (["utf-7"], "utf-16"),
    ],
)
async def test_the_position_encoding_is_the_clients_first_that_is_known(fresh, encodings, chosen):
    offered = (await fresh.initialize(capabilities={"general": {"positionEncodings": encodings}}))["capabilities"]
    assert offered["positionEncoding"] == chosen
    assert fresh.context.client.encoding == chosen


@pytest.mark.parametrize(
    "params",
    [
        {"rootUri": None, "workspaceFolders": None},
        {"rootUri": None, "workspaceFolders": []},
        {"rootUri": "file:///a%20b"},
        {"rootPath": "/a b"},
        {"workspaceFolders": [{"uri": "file:///a%20b", "name": "a"}, {"uri": "vscode-vfs://github/x", "name": "x"}]},
    ],
)
async def test_roots_in_every_way_clients_have(fresh, params):
    await fresh.initialize(**params)
    found = [str(root) for root in fresh.context.documents.roots]
    assert found == (["/a b"] if any(isinstance(value, str) or value for value in params.values()) else [])


@pytest.mark.parametrize("process_id", [2**31 - 1, 0, -1])
async def test_an_editor_that_cannot_be_seen_is_not_missed(fresh, process_id):
    """A server in a container does not see the editor's process."""
    await fresh.initialize(processId=process_id)
    await fresh.settle()


async def test_the_stream_may_end_in_the_middle_of_a_message(connection):
    connection.feed(b"Content-Length: 1000\r\n\r\n{")
    assert await connection.end() == 1
