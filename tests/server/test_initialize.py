"""`initialize` succeeds, whatever folders and settings come with it."""

import functools
from pathlib import Path

import pytest

from lsp_server.settings.layers import load
from lsp_server.settings.model import Settings


@pytest.mark.parametrize(
    "params",
    [
        {"rootUri": "file:///a%00b"},
        {"rootUri": "file:///a\0b"},
        {"rootUri": "file:///\ud800"},
        {"rootUri": "file://["},
        {"rootPath": "/a\0b"},
        {"rootPath": "/\ud800"},
        {"workspaceFolders": [{"uri": "file:///a%00b", "name": "a"}, {"uri": "file:///kept", "name": "kept"}]},
    ],
    ids=repr,
)
async def test_initialize_survives_a_folder_that_cannot_be(fresh, params):
    assert "capabilities" in await fresh.initialize(**params)
    assert fresh.context.documents.roots == ([Path("/kept")] if "workspaceFolders" in params else [])
    shown = [message for message in fresh.received if message.get("method") == "window/showMessage"]
    assert len(shown) == ("rootPath" not in params)
    document = {"uri": "file:///x%00y.py", "languageId": "python", "version": 1, "text": "text"}
    fresh.feed(fresh.note("textDocument/didOpen", {"textDocument": document}))
    await fresh.settle()


@pytest.mark.parametrize("depth", [5, 50, 300])
async def test_initialize_survives_settings_that_are_nested_deeply(fresh, depth, tmp_path):
    options = functools.reduce(lambda inner, _: {"completion": inner}, range(depth), 1)
    (tmp_path / ".infill.toml").write_text("a = " + "[" * 4000)
    result = await fresh.initialize(initializationOptions=options, rootUri=tmp_path.as_uri())
    assert "capabilities" in result
    settings, problems = load(tmp_path, [options])
    assert settings == Settings()
    assert len(problems) == 2
