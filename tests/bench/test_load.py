"""`python -m tests.bench load` end to end, and that what it asserts can fail."""

import json

import pytest

from lsp_server.base.errors import EngineError
from tests.bench.__main__ import main
from tests.bench.editor import Editor
from tests.bench.fake_llama_server import FakeLlamaServer
from tests.bench.load import Ledger

CLIENTS = 2


@pytest.fixture
def peer():
    peer = FakeLlamaServer("tiny-fim.gguf")
    peer.num_slots = CLIENTS
    return peer


def test_all_of_it_beside_a_peer(tmp_path, capsys, peer, peer_url):
    path = tmp_path / "load.json"
    small = ("--rounds", "1", "--keys", "6", "--pace", "100", "--before", "150", "--after", "60", "--threads", "1")
    arguments = ("--clients", str(CLIENTS), "--peer", peer_url, "--json", str(path), *small)
    assert main(["load", *arguments]) == 0
    found = json.loads(path.read_text())["load"]
    assert found["num_keys"] == {"ours": 6 * CLIENTS, "peer": 6 * CLIENTS}
    ledger = found["ledger"]
    assert ledger["num_asked"] == 7 * CLIENTS, "each key, and once to open the document"
    assert (ledger["num_lost"], ledger["num_twice"], ledger["num_crossed"]) == (0, 0, 0)
    assert ledger["num_compared"] == CLIENTS
    assert 0 < found["shared_memory_mebibytes"] < found["private_memory_mebibytes"]
    assert found["over"]["n"] == CLIENTS
    assert {body["id_slot"] for _, body in peer.asked} == {0, 1}
    assert "0 lost, 0 answered twice, 0 crossed" in capsys.readouterr().out


def test_a_peer_with_too_few_slots_is_no_peer(capsys, peer_url):
    assert main(["load", "--clients", "3", "--peer", peer_url]) != 0
    assert "-np 3" in capsys.readouterr().err


@pytest.mark.parametrize("wrong", [{"num_lost": 1}, {"num_twice": 1}, {"num_crossed": 1}])
def test_what_must_not_be_is_an_error(wrong):
    sound = {"num_asked": 9, "num_lost": 0, "num_twice": 0, "num_crossed": 0, "num_compared": 2, "num_same": 1}
    Ledger(**sound).require_sound()
    with pytest.raises(EngineError, match="Of 9 requests"):
        Ledger(**sound | wrong).require_sound()


def test_answers_are_counted_by_their_request():
    editor = Editor({})
    editor.sent = {1, 2, 3}
    for number in (1, 2, 2):
        editor._take({"id": number, "result": None})
    assert editor.sent - editor.answered.keys() == {3}
    assert [number for number, count in editor.answered.items() if count > 1] == [2]
