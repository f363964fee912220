"""What a result says of how it was made: the command as anyone can type it, no place of this machine."""

from __future__ import annotations

import json

import pytest

from lsp_server.measure.result_file import command_line, write_json


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        (["bench", "typing", "--pairs", "20"], "infill bench typing --pairs 20"),
        (["bench", "typing", "--model", "/home/me/models/m.gguf"], "infill bench typing --model m.gguf"),
        (["bench", "typing", "--model=/home/me/m.gguf"], "infill bench typing --model=m.gguf"),
        (["bench", "cancel", "--peer", "http://127.0.0.1:8080"], "infill bench cancel --peer URL"),
        (["bench", "cancel", "--peer=http://127.0.0.1:8080"], "infill bench cancel --peer=URL"),
        (["bench", "typing", "--remote", "http://127.0.0.1:8080"], "infill bench typing --remote URL"),
        (["bench", "typing", "--rows", "letter,new line"], "infill bench typing --rows 'letter,new line'"),
    ],
)
def test_the_command_is_shown_without_places(arguments, shown):
    assert command_line("infill", arguments) == shown


def test_figures_are_rounded_and_the_machine_is_named(tmp_path):
    write_json(
        tmp_path / "r.json",
        {"figures": {"one": 1.23456789, "many": [0.00001, 2], "pair": (1.23456, 2)}, "by_size": {128: 1.0}},
    )
    written = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))
    assert written["figures"] == {"one": 1.2346, "many": [0.0, 2], "pair": [1.2346, 2]}
    assert written["by_size"] == {"128": 1.0}
    assert written["machine"]["cores"] >= 1
    assert written["command"].startswith("infill")
