"""`python -m tests.eval passthrough` end to end, over a small corpus of our own."""

from __future__ import annotations

import json

import pytest

from tests.eval.passthrough.test_holes import PYTHON, RUST


@pytest.fixture
def small(project):
    """A corpus of two languages."""
    for name, text in (("rust/a.rs", RUST), ("python/a.py", PYTHON), ("python/b.py", PYTHON.replace("main", "run"))):
        path = project / "corpus" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return "corpus"


def test_each_language_has_a_row(evaluate, project, small):
    found = evaluate("passthrough", "--corpus", small, "--holes", "12", "--json", "result.json")
    assert found.status == 0, found.err
    rows = json.loads((project / "result.json").read_text(encoding="utf-8"))["rows"]
    assert [row["language"] for row in rows] == ["python", "rust", "all"]
    for row in rows:
        assert set(row["shares"]) == {"middle", "ends", "running on"}
        assert row["shares"]["middle"] == 1.0
        assert f"{row['language']} " in found.out
    assert "Languages that miss the aim: middle 0" in found.out


def test_failures_are_printed_with_the_text_around(evaluate, project, small):
    found = evaluate(
        "passthrough", "--corpus", small, "--language", "python", "--holes", "60", "--show", "5", "--json", "r.json"
    )
    assert found.status == 0, found.err
    assert "rust" not in found.out
    written = json.loads((project / "r.json").read_text(encoding="utf-8"))
    assert len(written["failures"]) == sum(written["rows"][0]["cuts"].values())
    assert found.out.count("expected:") == min(5, len(written["failures"]))


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        pytest.param(["--corpus", "nowhere"], "fetch", id="no corpus"),
        pytest.param(["--corpus", "corpus", "--language", "cobol"], "cobol", id="no files of the language"),
        pytest.param(["--corpus", "corpus", "--json", "nowhere/x.json"], "nowhere", id="no folder"),
    ],
)
def test_what_is_wrong_is_said(evaluate, small, arguments, says):
    assert says in evaluate("passthrough", *arguments).sentence()
