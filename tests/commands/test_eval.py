"""`infill eval typing` end to end, on little."""

import json
import re

import pytest


def test_a_folder_that_is_missing_is_said_before_anything_is_measured(infill):
    assert "nowhere" in infill("eval", "typing", "--json", "nowhere/result.json").sentence()


def test_a_model_that_is_missing_is_said(infill):
    assert "nowhere.gguf" in infill("eval", "typing", "--model", "nowhere.gguf").sentence()


def test_typing_by_threshold(infill, project):
    options = ("--model", "fake:decode_ms=0", "--segments", "1", "--confidence", "0.5", "0")
    found = infill("eval", "typing", *options, "--json", "result.json")
    assert found.status == 0, found.err
    assert re.search(r"^0 +\d.*\n0\.5 +\d", found.out, re.MULTILINE), found.out
    result = json.loads((project / "result.json").read_text(encoding="utf-8"))["result"]
    assert [row["confidence"] for row in result["rows"]] == [0, 0.5]
    for row in result["rows"]:
        assert row["num_keys"] > 100
        assert row["num_accepted"] + row["num_wrong"] > 0
        assert all(0 <= row[share] <= 1 for share in ("known", "shown", "right_line", "agreeing", "precision"))
    assert result["rows"][0]["shown"] > 0.5


@pytest.mark.parametrize("option", [("--segments", "0"), ("--confidence", "2")])
def test_what_cannot_be_typed_is_said(infill, option):
    assert option[0] in infill("eval", "typing", *option).sentence()
