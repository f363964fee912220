"""`infill eval` end to end, on little."""

import json
import re

import pytest


def test_figures_are_printed_and_written(infill, project):
    found = infill("eval", "model", "--holes", "1", "--window", "512", "--threads", "1", "--json", "result.json")
    assert found.status == 0, found.err
    for row in ("half line +1 ", "line +1 ", "block +1 ", "half line, all +2 ", "with neighbouring files +1 "):
        assert re.search(rf"^{row}", found.out, re.MULTILINE), found.out
    written = json.loads((project / "result.json").read_text(encoding="utf-8"))
    assert {"command", "machine", "model", "description"} < set(written)
    compared = [row["over_fresh"] for row in written["result"]["rows"]] + [written["result"]["with_neighbours"]]
    assert [found["num_holes"] for found in compared] == [1, 1, 1, 2, 1]
    for found in compared:
        assert found["exact"] * found["num_holes"] in range(found["num_holes"] + 1)
        assert found["nats"] < 0


def test_a_folder_that_is_missing_is_said_before_anything_is_measured(infill):
    assert "nowhere" in infill("eval", "model", "--json", "nowhere/result.json").sentence()


def test_a_model_that_is_missing_is_said(infill):
    assert "nowhere.gguf" in infill("eval", "model", "--model", "nowhere.gguf").sentence()


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
