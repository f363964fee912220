import pytest

from lsp_server.completion.anchors import MAX_ANCHORS_PER_DOCUMENT, MAX_DOCUMENTS, Anchors
from lsp_server.prompt.anchor import Anchor, Continuation
from lsp_server.text.snapshot import Snapshot
from tests.builders import make_snapshot

URI = make_snapshot("").uri
SUFFIX = "\nprint(x)\n"


def anchor_at(prefix: str, suffix: str = SUFFIX) -> Anchor:
    return Anchor(prefix, suffix, (), (), reserve_tokens=10, max_typed_characters=30)


def at(prefix: str, suffix: str = SUFFIX, path: str = "main.py") -> Snapshot:
    return make_snapshot(prefix, suffix, path=path)


def find(anchors: Anchors, snapshot: Snapshot) -> tuple[Anchor, Continuation] | None:
    """The one with the least typed text."""
    return next(iter(anchors.continued(snapshot)), None)


@pytest.fixture
def anchors() -> Anchors:
    """Anchors at three lines of one document, the last one made last."""
    known = Anchors()
    for prefix in ("", "x = 1\n", "x = 1\ny = 2\n"):
        known.add(URI, anchor_at(prefix))
    return known


def test_nothing_is_known_of_a_new_document(anchors):
    assert find(Anchors(), at("x")) is None
    assert find(anchors, at("x", path="other.py")) is None


@pytest.mark.parametrize(
    ("prefix", "anchored_at", "typed"),
    [
        pytest.param("x = 1\ny = 2\n", "x = 1\ny = 2\n", "", id="nothing typed"),
        pytest.param("x = 1\ny = 2\nz", "x = 1\ny = 2\n", "z", id="a letter"),
        pytest.param("x = 1\ny = 2\nz = 3\nw", "x = 1\ny = 2\n", "z = 3\nw", id="a new line"),
        pytest.param("x = 1\ny = 2", "x = 1\n", "y = 2", id="backspace before the line start"),
        pytest.param("x = 1", "", "x = 1", id="backspace before the line start before that"),
        pytest.param("x = 1\nz", "x = 1\n", "z", id="another letter in a line before"),
        pytest.param("y", "", "y", id="another letter in the first line"),
    ],
)
def test_the_anchor_with_the_least_typed_text(anchors, prefix, anchored_at, typed):
    assert find(anchors, at(prefix)) == (anchor_at(anchored_at), Continuation(typed))


def test_the_least_typed_text_wins_over_the_newest_anchor(anchors):
    anchors.add(URI, anchor_at(""))
    assert find(anchors, at("x = 1\nz")) == (anchor_at("x = 1\n"), Continuation("z"))


def test_an_undo_returns_to_an_older_anchor(anchors):
    anchors.add(URI, anchor_at("x = 1\ny = 2\n", "\n"))
    assert find(anchors, at("x = 1\ny = 2\nz", "\n")) == (anchor_at("x = 1\ny = 2\n", "\n"), Continuation("z"))
    assert find(anchors, at("x = 1\ny = 2\nz")) == (anchor_at("x = 1\ny = 2\n"), Continuation("z"))


def test_a_closed_bracket_comes_with_the_continuation(anchors):
    found = find(anchors, at("x = 1\nf(", ")" + SUFFIX))
    assert found == (anchor_at("x = 1\n"), Continuation("f(", ")"))


def test_too_much_typed(anchors):
    assert find(anchors, at("x = 1\ny = 2\n" + "z" * 30)) is not None
    assert find(anchors, at("x = 1\ny = 2\n" + "z" * 31)) is None


def test_another_suffix(anchors):
    assert find(anchors, at("x = 1\n", "\n")) is None


def test_only_the_last_few_anchors_are_kept():
    anchors = Anchors()
    suffixes = [f"\n{number}" for number in range(MAX_ANCHORS_PER_DOCUMENT + 2)]
    for suffix in suffixes:
        anchors.add(URI, anchor_at("", suffix))
    kept = [find(anchors, at("x", suffix)) is not None for suffix in suffixes]
    assert kept == [False, False, *[True] * MAX_ANCHORS_PER_DOCUMENT]


def test_only_the_last_documents_are_kept():
    anchors = Anchors()
    paths = [f"{number}.py" for number in range(MAX_DOCUMENTS)]
    for path in [*paths, paths[0], "new.py"]:
        anchors.add(at("", path=path).uri, anchor_at(""))
    kept = [find(anchors, at("x", path=path)) is not None for path in [*paths, "new.py"]]
    assert kept == [True, False, *[True] * (MAX_DOCUMENTS - 1)]


def test_a_closed_document_is_forgotten(anchors):
    other = at("x", path="other.py")
    anchors.add(other.uri, anchor_at(""))
    anchors.forget(URI)
    anchors.forget("of no document")
    assert find(anchors, at("x")) is None
    assert find(anchors, other) is not None


def test_of_two_anchors_at_one_place_the_newer_is_used(anchors):
    newer = anchor_at("x = 1\n")
    anchors.add(URI, newer)
    assert find(anchors, at("x = 1\nz"))[0] is newer


def test_all_that_go_on_are_there_the_least_typed_first(anchors):
    found = anchors.continued(at("x = 1\ny = 2\nz"))
    assert [continuation.typed for _, continuation in found] == ["z", "y = 2\nz", "x = 1\ny = 2\nz"]
