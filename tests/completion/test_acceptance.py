import pytest

from lsp_server.completion.acceptance import MAX_OFFERED, Acceptance, OfferedById, OfferedCompletion, num_kept

URI = "file:///a.py"
TEXT = "return w * h\n    # mm²"


@pytest.mark.parametrize(
    ("line", "character", "inserted", "accepted"),
    [
        pytest.param(1, 4, TEXT, TEXT, id="all"),
        pytest.param(1, 4, "return ", "return ", id="a word"),
        pytest.param(1, 4, "return w * h", "return w * h", id="a line"),
        pytest.param(1, 4, "pass", "pass", id="an alternative"),
        pytest.param(1, 2, "  return", "return", id="together with what stands before it"),
        pytest.param(1, 4, "r", "", id="a letter is typed"),
        pytest.param(1, 4, "", "", id="something is deleted"),
        pytest.param(1, 4, "raise x", "", id="another text"),
        pytest.param(1, 4, TEXT + "!", "", id="more than was shown"),
        pytest.param(1, 5, "return", "", id="behind it"),
        pytest.param(0, 4, "return", "", id="on another line"),
    ],
)
def test_an_edit_accepts_what_it_inserts_of_a_shown_text(line, character, inserted, accepted):
    acceptance = Acceptance()
    acceptance.show(URI, OfferedCompletion(1, 4, (TEXT, "pass")))
    is_part = accepted not in ("", TEXT, "pass")
    assert acceptance.accepted(URI, line, character, inserted) == (accepted, is_part)


def test_a_text_is_shown_until_the_next_edit():
    acceptance = Acceptance()
    acceptance.show(URI, OfferedCompletion(1, 4, (TEXT,)))
    assert acceptance.accepted("file:///b.py", 1, 4, TEXT) == ("", False)
    assert acceptance.accepted(URI, 9, 0, "x") == ("", False)
    assert acceptance.accepted(URI, 1, 4, TEXT) == ("", False)
    acceptance.show(URI, OfferedCompletion(1, 4, (TEXT,)))
    acceptance.forget(URI)
    assert acceptance.accepted(URI, 1, 4, TEXT) == ("", False)


def test_what_was_reported_of_a_text_is_not_accepted_again():
    offered = OfferedById()
    first, second = offered.register(URI, ["return w", "pass"], num_typed=2)
    given = offered.get(first)
    assert given is offered.get(second)
    assert given.accept(first, 2) == ""
    assert not given.is_accepted
    assert given.accept(first, 6) == "turn", "what the menu's item begins with is not the model's"
    assert given.accept(first, 6) == given.accept(first, 3) == ""
    assert given.accept(first, 99) == " w"
    assert given.is_accepted


def test_only_the_texts_given_last_can_be_reported_on():
    offered = OfferedById()
    numbers = [number for _ in range(MAX_OFFERED) for number in offered.register(URI, ["a", "b"])]
    assert len(set(numbers)) == 2 * MAX_OFFERED
    assert [offered.get(number) is not None for number in numbers] == [
        number in numbers[-MAX_OFFERED:] for number in numbers
    ]


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        (f"def area(w, h):\n    {TEXT}\n", len(TEXT)),
        ("def area(w, h):\n    return w * h\n", len("return w * h")),
        ("    # mm²\nreturn w*h", len("    # mm²")),
        ("", 0),
    ],
)
def test_what_is_kept_of_it(text, kept):
    assert num_kept(TEXT, text) == kept
