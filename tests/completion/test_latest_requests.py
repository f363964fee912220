from lsp_server.completion.latest_requests import Turns


def test_a_newer_turn_ends_the_older():
    turns = Turns()
    first = turns.begin("a", "inline")
    assert turns.is_current(first)
    second = turns.begin("a", "inline")
    assert not turns.is_current(first)
    assert turns.is_current(second)


def test_documents_and_kinds_are_apart():
    turns = Turns()
    begun = [turns.begin(uri, kind) for uri in ("a", "b") for kind in ("inline", "popup")]
    assert all(map(turns.is_current, begun))
    turns.begin("a", "popup")
    assert [turns.is_current(turn) for turn in begun] == [True, False, True, True]


def test_closing_a_document_ends_all_its_turns():
    turns = Turns()
    begun = [turns.begin(uri, kind) for uri in ("a", "b") for kind in ("inline", "popup")]
    turns.forget("a")
    assert [turns.is_current(turn) for turn in begun] == [False, False, True, True]


def test_a_turn_of_a_closed_document_stays_over_when_it_is_opened_again():
    turns = Turns()
    old = turns.begin("a", "inline")
    turns.forget("a")
    new = turns.begin("a", "inline")
    assert not turns.is_current(old)
    assert turns.is_current(new)
