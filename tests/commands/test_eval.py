"""`infill eval model` end to end, on one place of each kind."""

import json
import re


def test_figures_are_printed_and_written(infill, project):
    found = infill("eval", "model", "--holes", "1", "--window", "512", "--threads", "1", "--json", "result.json")
    assert found.status == 0, found.err
    for row in ("half line +1 ", "line +1 ", "block +1 ", "with neighbouring files +1 "):
        assert re.search(rf"^{row}", found.out, re.MULTILINE), found.out
    written = json.loads((project / "result.json").read_text(encoding="utf-8"))
    assert {"command", "machine", "model", "description"} < set(written)
    for found in (*(row["over_fresh"] for row in written["result"]["rows"]), written["result"]["with_neighbours"]):
        assert found["num_holes"] == 1
        assert found["exact"] in (0, 1)
        assert found["nats"] < 0


def test_a_folder_that_is_missing_is_said_before_anything_is_measured(infill):
    assert "nowhere" in infill("eval", "model", "--json", "nowhere/result.json").sentence()


def test_a_model_that_is_missing_is_said(infill):
    assert "nowhere.gguf" in infill("eval", "model", "--model", "nowhere.gguf").sentence()
