"""`python -m tests.eval retrieval` end to end, on little."""

import json
import re


def test_figures_are_printed_and_written(evaluate, project):
    found = evaluate(
        *("retrieval", "--projects", "pygls", "--holes", "3", "--model-holes", "1", "--threads", "1"),
        *("--json", "result.json"),
    )
    assert found.status == 0, found.err
    for row in ("infill", "BM25", "open files", "random chunks", "with blocks"):
        assert re.search(rf"^{row} ", found.out, re.MULTILINE), found.out
    written = json.loads((project / "result.json").read_text(encoding="utf-8"))
    assert written["held_out"]["projects"] == ["pygls 2.1.1"]
    for row in written["held_out"]["rows"]:
        for share in (*row["imported"], *row["members"]):
            assert 0 <= share["found"] <= share["needed"]
    assert written["model"]["num_holes"] > 0
    assert written["model"]["nats"] < 0


def test_a_project_that_is_not_pinned_is_said(evaluate):
    assert "hypothesis" in evaluate("retrieval", "--projects", "nothing").sentence()
