"""Many edits in turn leave the same text, in pieces or not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsp_server.text import document as document_module
from lsp_server.text import long_line
from lsp_server.text.document import Document, Edit, Position

characters = st.sampled_from("ab é中😀\u0301\ud83d\ude00")
places = st.builds(Position, st.integers(0, 3), st.integers(0, 20))
edits = st.lists(
    st.builds(Edit, places, places, st.text(characters, max_size=5) | st.sampled_from(["", "\n", "a\r\n", "\r"])),
    max_size=20,
)


@pytest.fixture(autouse=True)
def short_lines_count_as_huge(monkeypatch):
    monkeypatch.setattr(document_module, "LONG_CHARACTERS", 2)
    monkeypatch.setattr(document_module, "SOME_EDITS", 2)
    monkeypatch.setattr(long_line, "_PIECE_CHARACTERS", 3)


def document_of(text):
    return Document("file:///a", "a", "python", 1, text)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32"])
@given(st.lists(st.text(characters, max_size=12), min_size=1, max_size=4).map("\n".join), edits)
def test_edits_in_turn_and_edits_one_by_one(encoding, text, changes):
    # Halves of a character count in UTF-16 only. In the other encodings no client can send them.
    if encoding != "utf-16":
        text = text.encode("utf-8", "replace").decode()
        changes = [each._replace(text=each.text.encode("utf-8", "replace").decode()) for each in changes]
    together, alone = document_of(text), document_of(text)
    together.edit_all(changes, encoding)
    for each in changes:
        alone.edit(*each, encoding)
    joined = alone.text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
    assert together.text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass") == joined


@pytest.mark.parametrize("is_descending", [True, False])
def test_several_cursors(is_descending):
    places = range(0, 40, 4)
    moves = [(at, at) for at in reversed(places)] if is_descending else [(at + n, at) for n, at in enumerate(places)]
    document = document_of("😀a" * 20 + "\r\nnext")
    document.edit_all([Edit(Position(0, at), Position(0, at), "x") for at, _ in moves], "utf-32")
    expected = "".join(("x" if n % 4 == 0 else "") + each for n, each in enumerate("😀a" * 20))
    assert document.text == expected + "\r\nnext"
    assert document.excerpt == "" or document.excerpt.startswith("x")


def test_a_huge_line_is_joined_once(monkeypatch):
    document = document_of("é" * 100)
    calls = []
    monkeypatch.setattr(Document, "edit", lambda *arguments: calls.append(arguments))
    document.edit_all([Edit(Position(0, 5), Position(0, 6), "xy")] * 50, "utf-16")
    assert not calls
    assert document.text == "é" * 5 + "xy" + "y" * 49 + "é" * 94
