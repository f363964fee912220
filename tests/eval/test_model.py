"""`python -m tests.eval model` end to end, on little."""

import json
import re


def test_figures_are_printed_and_written(evaluate, project):
    found = evaluate("model", "--holes", "1", "--window", "512", "--threads", "1", "--json", "result.json")
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


def test_a_folder_that_is_missing_is_said_before_anything_is_measured(evaluate):
    assert "nowhere" in evaluate("model", "--json", "nowhere/result.json").sentence()


def test_a_model_that_is_missing_is_said(evaluate):
    assert "nowhere.gguf" in evaluate("model", "--model", "nowhere.gguf").sentence()
