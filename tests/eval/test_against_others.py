"""`python -m tests.eval anchored` and `equality`, on little."""

import json


def test_anchored_fill_beside_a_fresh_prompt(evaluate, project):
    found = evaluate("anchored", "--holes", "6", "--threads", "1", "--json", "result.json")
    assert found.status == 0, found.err
    rows = json.loads((project / "result.json").read_text(encoding="utf-8"))["rows"]
    for where in ("break in the hole", "break in the suffix"):
        row = rows[f"{where}, all"]
        assert 0 < row["holes"] <= 6
        assert row["healed nats/byte"] < 0
        assert f"{where}, all" in found.out


def test_equality_wants_a_peer(evaluate):
    says = evaluate("equality", "--peer", "http://127.0.0.1:9", "--prompts", "1", "--threads", "1").sentence()
    assert "Is llama-server running?" in says
