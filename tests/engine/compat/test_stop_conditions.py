"""Where a text ends before the model ends it, in whatever pieces it arrives."""

import pytest

from lsp_server.engine.compat.stop_conditions import StopConditions


def written(stop: StopConditions, *pieces: str) -> str:
    text = ""
    for piece in pieces:
        text += stop.feed(piece)
        if stop.reason:
            break
    return text + stop.rest()


def both_ways(text: str, *stops: str, indent: int = 0) -> tuple[str, str, str]:
    """Text, reason and word, the same whether it comes at once or letter by letter."""
    found = set()
    for pieces in ([text], list(text)):
        stop = StopConditions(stops, indent)
        found.add((written(stop, *pieces), stop.reason, stop.word))
    [one] = found
    return one


@pytest.mark.parametrize(
    ("text", "stops", "kept", "word"),
    [
        ("abc", (), "abc", ""),
        ("abc", ("x",), "abc", ""),
        ("abxc", ("x",), "ab", "x"),
        ("xabc", ("x",), "", "x"),
        ("a--b->c", ("->",), "a--b", "->"),
        ("a--", ("->",), "a--", ""),
        ("aab", ("ab",), "a", "ab"),
        ("one two", ("two", "one"), "", "one"),
        ("日本語", ("本",), "日", "本"),
    ],
)
def test_a_stop_text_ends_it_and_is_not_part_of_it(text, stops, kept, word):
    assert both_ways(text, *stops) == (kept, "word" if word else "", word)


@pytest.mark.parametrize(
    ("text", "indent", "kept"),
    [
        ("a\n    b", 4, "a\n    b"),
        ("a\n    b\n  c", 4, "a\n    b"),
        ("a\nb", 1, "a"),
        ("a\n\n    b", 4, "a\n\n    b"),
        ("a\n\tb", 1, "a\n\tb"),
        ("a\n  ", 4, "a\n  "),
        ("a\nb", 0, "a\nb"),
    ],
)
def test_a_line_too_far_left_ends_it(text, indent, kept):
    assert both_ways(text, indent=indent) == (kept, "limit" if kept != text else "", "")


def test_what_comes_first_ends_it():
    assert both_ways("a\nb;", ";", indent=2) == ("a", "limit", "")
    assert both_ways("a;\nb", ";", indent=2) == ("a", "word", ";")


def test_once_its_time_is_over_the_next_line_break_ends_it():
    now = 0.0
    stop = StopConditions((), max_ms=100, clock=lambda: now)
    assert stop.feed("a\n") == "a\n"
    now = 0.1
    assert (stop.feed("b"), stop.reason) == ("b", "")
    assert (stop.feed("c\nd"), stop.reason) == ("c\nd", "limit")
    assert stop.rest() == ""


def test_without_a_limit_time_does_not_end_it():
    stop = StopConditions((), clock=iter([0.0, 1e9]).__next__)
    assert [stop.feed("a\n"), stop.feed("b\n"), stop.reason] == ["a\n", "b\n", ""]
