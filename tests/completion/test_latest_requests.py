from lsp_server.completion.latest_requests import LatestRequests


def test_a_newer_turn_ends_the_older():
    turns = LatestRequests()
    first = turns.register("a", "inline")
    assert turns.is_latest(first)
    second = turns.register("a", "inline")
    assert not turns.is_latest(first)
    assert turns.is_latest(second)


def test_documents_and_kinds_are_apart():
    turns = LatestRequests()
    begun = [turns.register(uri, kind) for uri in ("a", "b") for kind in ("inline", "menu")]
    assert all(map(turns.is_latest, begun))
    turns.register("a", "menu")
    assert [turns.is_latest(turn) for turn in begun] == [True, False, True, True]


def test_closing_a_document_ends_all_its_turns():
    turns = LatestRequests()
    begun = [turns.register(uri, kind) for uri in ("a", "b") for kind in ("inline", "menu")]
    turns.forget("a")
    assert [turns.is_latest(turn) for turn in begun] == [False, False, True, True]


def test_a_turn_of_a_closed_document_stays_over_when_it_is_opened_again():
    turns = LatestRequests()
    old = turns.register("a", "inline")
    turns.forget("a")
    new = turns.register("a", "inline")
    assert not turns.is_latest(old)
    assert turns.is_latest(new)
