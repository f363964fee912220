"""What an editor sends for all its servers: only infill's part is read."""

from __future__ import annotations

import pytest

from lsp_server.settings.layers import Layer, load, parse
from lsp_server.settings.model import CompletionSettings, Settings

THREE_LINES = Settings(completion=CompletionSettings(max_lines=3))
PYLSP = {"plugins": {"jedi_completion": {"include_params": True}, "black": {"enabled": False}}}


def sent(values: object) -> tuple[Settings, list[str]]:
    return parse([Layer("editor settings", values, is_editors=True)])


@pytest.mark.parametrize(
    "others",
    [
        {"pylsp": PYLSP, "gopls": {"staticcheck": True}},
        {"rust-analyzer": {"cargo.features": "all"}, "texlab": [], "basedpyright": {}},
        {"pylsp.plugins.black.enabled": True, "Lua.diagnostics.globals": ["vim"]},
        {"model": "theirs", "completion": {"max_lines": 99, "odd": 1}, "engine": {"threads": "all"}, "colour": 1},
        {"completion.maxLines": 99, "chat": {"model": "theirs"}, "remote": {"url": "http://theirs"}},
    ],
)
@pytest.mark.parametrize(
    "ours",
    [
        {"infill": {"completion": {"max_lines": 3}}},
        {"infill.completion.maxLines": 3},
        {"infill.completion": {"maxLines": 3}},
        {"Infill": {"completion.max_lines": 3}},
    ],
)
def test_beside_our_section_everything_is_another_servers(ours, others):
    assert sent({**others, **ours}) == (THREE_LINES, [])
    assert sent({**ours, **others}) == (THREE_LINES, [])


@pytest.mark.parametrize("empty", [None, {}, []])
def test_a_section_of_ours_may_be_empty(empty):
    assert sent({"infill": empty, "model": "theirs", "pylsp": PYLSP}) == (Settings(), [])


def test_tables_of_other_servers_without_a_section_of_ours():
    others = {"pylsp": PYLSP, "gopls": {"staticcheck": True}, "yaml.schemas": {}, "html": {}, "intelephense": []}
    assert sent(others) == (Settings(), [])
    assert sent({**others, "completion": {"max_lines": 3}}) == (THREE_LINES, [])


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"completoin": {"max_lines": 3}}, "`completoin.max_lines`"),
        ({"infil": {"completion": {"max_lines": 3}}}, "`infil.completion.max_lines`"),
        ({"engines.threads": 3}, "`engines.threads`"),
        ({"colour": "red"}, "`colour`"),
        ({"infill": {"pylsp": {"x": 1}}}, "`pylsp.x`"),
    ],
)
def test_what_is_misspelt_is_said(values, words):
    found, [problem] = sent(values)
    assert found == Settings()
    assert words in problem


def test_a_file_is_all_ours():
    assert len(parse([Layer("user", {"pylsp": PYLSP})])[1]) == 1


def test_what_the_client_sent_is_an_editors_layer(monkeypatch):
    assert load(None, [{"infill": {"completion": {"max_lines": 3}}, "model": "theirs", "pylsp": PYLSP}]) == (
        THREE_LINES,
        [],
    )
