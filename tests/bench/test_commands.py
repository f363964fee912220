"""`python -m tests.bench` end to end: the real engine on the embedded model, beside a fake llama-server."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from lsp_server.catalog.resolve import embedded_model
from tests.bench import drafts, responsiveness
from tests.bench.__main__ import KINDS, main
from tests.bench.fake_llama_server import FakeLlamaServer

MODEL = "tiny-fim.gguf"


@pytest.fixture
def peer() -> FakeLlamaServer:
    return FakeLlamaServer(MODEL)


@pytest.fixture
def bench(tmp_path, capsys) -> Callable[..., dict]:
    """Runs a benchmark and returns its JSON, with what it printed under `printed`."""

    def run(*arguments: str) -> dict:
        path = tmp_path / "results.json"
        pairs = () if arguments[0] == "revisit" else ("--pairs", "1")
        assert main([*arguments, *pairs, "--threads", "1", "--json", str(path)]) == 0
        return json.loads(path.read_text(encoding="utf-8")) | {"printed": capsys.readouterr().out}

    return run


def test_every_kind_of_edit_beside_the_peer(bench, peer, peer_url):
    small = ("--before", "200", "--after", "100", "--letters", "12", "--pace", "20")
    results = bench("typing", "--peer", peer_url, "--peer-options", "-np 1", *small)
    rows = {row["name"]: row for row in results["rows"]}
    assert list(rows) == ["letter", "new line", "accept", "backspace", "undo", "jump", "bracket", "cold"]
    for name, row in rows.items():
        assert set(row["evaluated_tokens"]) >= {"ours", "peer"}, name
        assert row["evaluated_tokens"]["peer"]["median"] == 512
        assert name in results["printed"]
    assert rows["letter"]["evaluated_tokens"]["ours"]["median"] <= 3
    assert rows["cold"]["evaluated_tokens"]["ours"]["median"] > 200
    assert results["from_cold"]["num_keys"]["ours"]["median"] >= 1
    assert results["peer"] == {"build": "b0-stub", "context_tokens": 4096, "slots": 1, "options": "-np 1"}
    assert results["busy_processes"] == 0


def test_the_peer_is_asked_as_llama_vim_asks(bench, peer, peer_url):
    bench("typing", "--peer", peer_url, "--rows", "letter", "--before", "200", "--after", "100")
    path, body = peer.asked[-1]
    assert path == "/infill"
    assert body["input_prefix"].endswith("\n")
    assert body["cache_prompt"]
    assert body["id_slot"] == 0
    assert body["n_predict"] == 16
    assert body["prompt"].strip()


def test_our_prompts_on_a_llama_server(bench, peer, peer_url):
    """Anchored fill works there too: by its own count, a letter costs it the tokens typed."""
    results = bench("typing", "--remote", peer_url, "--rows", "letter,cold", "--before", "200", "--after", "100")
    rows = {row["name"]: row for row in results["rows"]}
    assert rows["letter"]["evaluated_tokens"]["ours"]["median"] <= 3
    assert rows["letter"]["prompt_tokens"]["ours"]["median"] > 200
    assert rows["cold"]["evaluated_tokens"]["ours"]["median"] > 200
    assert {path for path, _ in peer.asked} == {"/completion"}
    assert results["remote"]["build"] == "b0-stub"


def test_giving_up_midway(bench, peer_url):
    results = bench("cancel", "--peer", peer_url, "--prefill", "300", "--batch-pairs", "1")
    assert set(results["cancel"]["undisturbed_ms"]["prefill"]) == {"ours", "peer"}
    assert results["batches"]["over"]["median"] > 0
    assert set(results["batches"]["tokens_per_s"]) == {"128", "512"}


def test_the_scheduler_beside_a_bare_loop(bench):
    results = bench("decode")
    assert results["decode"]["over"]["median"] > 0
    assert results["decode"]["num_same_tokens"] >= 1


def test_drafts_of_every_kind(bench):
    rows = {row["name"]: row for row in bench("drafts")["drafts"]}
    assert list(rows) == list(drafts.ROWS)
    for row in rows.values():
        assert row["over"]["median"] > 0
        assert row["samples"][0]["num_tokens"] > 1
        assert [int(size) for size in row["batch_ms"]] == list(drafts.BATCHES)
        assert all(ms > 0 for ms in row["batch_ms"].values())
    right, wrong = rows["80% right"], rows["none right"]
    assert right["num_same"] == wrong["num_same"] == 1, "the text is scripted"
    for row, odds in ((right, 0.8), (wrong, 0.0)):
        times = row["batch_ms"]
        tokens = {size: sum(odds**place for place in range(int(size))) for size in times}
        assert row["most_over"] == pytest.approx(
            max(tokens[size] * times["1"] / times[size] for size in times), rel=1e-3
        )
    assert rows[drafts.PLAIN]["most_over"] is None, "nobody knows how often look-up is right"
    # Where the machine is busy, none may be worth a try.
    assert right["share_accepted"] is None or right["share_accepted"] < 1
    assert wrong["share_accepted"] in (0, None)


def test_a_draft_model_that_is_told_what_to_guess(bench):
    names = list(drafts.DRAFT_MODEL_ROWS)
    results = bench("drafts", "--draft-model", str(embedded_model()), "--rows", ",".join(names))
    rows = {row["name"]: row for row in results["drafts"]}
    assert list(rows) == names
    for row in rows.values():
        assert row["over"]["median"] > 0
        assert row["num_same"] == 1, "the text is scripted"
    assert rows[names[1]]["share_accepted"] in (0, None)


def test_several_answers_beside_a_bare_loop(bench):
    result = bench("alternatives")["alternatives"]
    assert result["over"]["median"] > 0
    assert result["samples"][0]["decoded_tokens"] == result["num_answers"] * result["num_tokens"]


def test_files_in_turn(bench, peer_url):
    results = bench("revisit", "--peer", peer_url, "--files", "3", "--rounds", "1", "--cache", "512")
    result = results["revisit"]
    assert len(result["visits"]) == 3
    assert set(result["over_cold"]) == {"ours", "peer"}
    assert result["evaluated_tokens"]["ours"]["median"] < 100, "what was moved out of the cache came back"
    assert "on return" in results["printed"]


def test_what_an_index_costs(tmp_path, capsys):
    project = tmp_path / "small"
    project.mkdir()
    (project / "a.py").write_text("def f(): ...\n")
    path = tmp_path / "result.json"
    small = ("--project", str(project), "--pairs", "2", "--files", "20")
    assert main(["context", *small, "--json", str(path)]) == 0
    assert "index of small" in capsys.readouterr().out
    written = json.loads(path.read_text(encoding="utf-8"))
    assert written["small"]["num_files"] == 1
    assert written["queries"]["num_files"] == 20
    assert written["standard library"]["num_files"] > 500


def test_what_infill_costs_besides_the_model(tmp_path, capsys):
    path = tmp_path / "result.json"
    assert main(["overhead", "--starts", "1", "--requests", "3", "--json", str(path)]) == 0
    rows = json.loads(path.read_text(encoding="utf-8"))["rows"]
    assert rows["start-up to initialize answered"]["n"] == 1
    assert "start-up to initialize answered" in capsys.readouterr().out
    assert {row["n"] for row in rows.values()} == {1, 3}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_says_what_it_does(capsys, kind):
    with pytest.raises(SystemExit, match="0"):
        main([kind, "--help"])
    printed = " ".join(capsys.readouterr().out.split())
    assert "Measure" in printed
    assert "{" not in printed
    assert kind != "drafts" or "draft model 80% right, draft model none right" in printed


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("drafts", "--rows", "80%"), "There is no row '80%'."),
        (("drafts", "--rows", "draft model none right"), "There is no row 'draft model none right'."),
        (("drafts", "--draft-model", "nowhere.gguf"), "nowhere.gguf"),
        (("typing", "--rows", "leter"), "There is no row 'leter'."),
        (("typing", "--json", "no/such/folder/r.json"), "There is no folder for"),
        (("typing", "--peer", "http://127.0.0.1:9"), "Is llama-server running?"),
        (("typing", "--remote", "http://127.0.0.1:9"), "Is llama-server running?"),
        (("typing", "--remote", "http://127.0.0.1:9", "--peer", "http://127.0.0.1:9"), "share a cache"),
        (("decode", "--model", "nowhere.gguf"), "nowhere.gguf"),
    ],
)
def test_what_cannot_be_measured_is_a_sentence(capsys, arguments, says):
    assert main([*arguments]) != 0
    assert says in capsys.readouterr().err


def test_a_peer_with_another_model_is_no_peer(capsys, peer, peer_url):
    peer._model_file = "another.gguf"
    assert main(["typing", "--peer", peer_url]) != 0
    assert "The peer runs another.gguf, not tiny-fim.gguf" in capsys.readouterr().err


def test_pings_beside_a_document(tmp_path, capsys, monkeypatch):
    page = responsiveness.SMALL
    monkeypatch.setattr(responsiveness, "PAGES", {"short": lambda: page})
    monkeypatch.setattr(responsiveness, "NUM_EDITS", 3)
    path = tmp_path / "result.json"
    assert main(["responsiveness", "--letters", "1", "--json", str(path)]) == 0
    rows = json.loads(path.read_text(encoding="utf-8"))["delays_ms"]["short"]
    assert list(rows) == ["small document alone", "opening", "typing", "the rest", "small document beside"]
    assert all(0 < row["p50"] <= row["p99"] <= row["most"] and row["n"] > 5 for row in rows.values())
    assert "the rest" in capsys.readouterr().out
