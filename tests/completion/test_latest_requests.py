from lsp_server.completion.latest_requests import LatestRequests


def test_a_newer_turn_ends_the_older():
    requests = LatestRequests()
    first = requests.register("a", "inline")
    assert requests.is_latest(first)
    second = requests.register("a", "inline")
    assert not requests.is_latest(first)
    assert requests.is_latest(second)


def test_documents_and_kinds_are_apart():
    requests = LatestRequests()
    numbers = [requests.register(uri, kind) for uri in ("a", "b") for kind in ("inline", "menu")]
    assert all(map(requests.is_latest, numbers))
    requests.register("a", "menu")
    assert [requests.is_latest(number) for number in numbers] == [True, False, True, True]


def test_closing_a_document_ends_all_its_turns():
    requests = LatestRequests()
    numbers = [requests.register(uri, kind) for uri in ("a", "b") for kind in ("inline", "menu")]
    requests.forget("a")
    assert [requests.is_latest(number) for number in numbers] == [False, False, True, True]


def test_a_turn_of_a_closed_document_stays_over_when_it_is_opened_again():
    requests = LatestRequests()
    old = requests.register("a", "inline")
    requests.forget("a")
    new = requests.register("a", "inline")
    assert not requests.is_latest(old)
    assert requests.is_latest(new)
