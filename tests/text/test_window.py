"""What rules read is bounded, for any text."""

import inspect

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsp_server.postprocess import filters, stop
from lsp_server.text import window
from lsp_server.text.document import Document
from lsp_server.text.snapshot import Snapshot
from lsp_server.text.window import HEAD_CHARACTERS, LINE_CHARACTERS, TAIL_CHARACTERS, WINDOW_CHARACTERS, readable

# Lines of any length, as counts: hypothesis would make no long ones from characters.
pieces = st.tuples(st.sampled_from(["", "x", "é", "😀", "(", "    a = 1", "\t"]), st.integers(0, 3 * LINE_CHARACTERS))
long_texts = st.lists(pieces.map(lambda piece: piece[0] * piece[1]), max_size=12).map("\n".join)


def snapshot_of(prefix, suffix):
    return Snapshot("file:///a", 1, "python", "a.py", prefix, suffix, prefix.count("\n"), 0)


@given(long_texts, long_texts)
def test_the_window_is_bounded_and_ends_at_the_cursor(prefix, suffix):
    near = readable(snapshot_of(prefix, suffix))
    for text in (near.prefix, near.suffix):
        assert len(text) <= WINDOW_CHARACTERS
        assert max(map(len, text.split("\n"))) <= LINE_CHARACTERS
    assert prefix.endswith(near.prefix[-TAIL_CHARACTERS:] if "\n" not in near.prefix else near.line_prefix[-99:])
    assert suffix.startswith(near.line_suffix[:HEAD_CHARACTERS])
    assert bool(near.prefix) == bool(prefix)
    assert bool(near.suffix) == bool(suffix)
    assert readable(near) == near


def test_an_ordinary_file_is_read_whole():
    snapshot = snapshot_of("import os\n\n\ndef f():\n" * 1000, "    return 1\n" * 1000)
    assert readable(snapshot) is snapshot


def test_a_long_line_keeps_its_indentation_and_its_brackets():
    near = readable(snapshot_of(f"if x:\n    values = [{'1, ' * 60_000}", ")" * 50_000))
    assert near.line_prefix.startswith("    values = [1, ")
    assert near.line_prefix.endswith("1, 1, ")
    assert near.line_suffix == ")" * LINE_CHARACTERS


def test_a_long_text_is_cut_before_a_top_level_line():
    block = 'def f():\n    """Text\n    of a string.\n    """\n    return 1\n\n\n'
    near = readable(snapshot_of(block * 3000, ""))
    assert near.prefix.startswith("def f():")
    assert near.prefix.count('"""') % 2 == 0


@pytest.mark.parametrize("language_id", ["python", "javascript", "html", "ruby", "go", "c", "json"])
@pytest.mark.parametrize("line", ["[1, " * 100_000, "f(" * 100_000, "é" * 300_000, "a\n" * 100_000, "'" * 200_000])
def test_no_rule_and_no_filter_is_handed_more(monkeypatch, language_id, line):
    handed = []

    def spy(make):
        def made(*arguments, **keywords):
            handed.extend(each for each in arguments if isinstance(each, Snapshot))
            return make(*arguments, **keywords)

        return made

    for name, rule in vars(stop).copy().items():
        if inspect.isfunction(rule) and name not in ("rules_for", "readable"):
            monkeypatch.setattr(stop, name, spy(rule))
    monkeypatch.setattr(filters, "FILTERS", {name: spy(each) for name, each in filters.FILTERS.items()})
    document = Document("file:///a", "a", language_id, 1, f"{line}{')' * 50_000}\n{line}")
    snapshot = document.snapshot(line.count("\n"), len(line.rpartition("\n")[2]))
    stop.rules_for(snapshot, "always", 10).check("x = 1\ny = 2\n")
    filters.clean("x = 1)\ny = 2\n", snapshot, reason="length")
    assert len(handed) > 5
    for each in handed:
        for text in (each.prefix, each.suffix):
            assert len(text) <= window.WINDOW_CHARACTERS
            assert max(map(len, text.split("\n"))) <= window.LINE_CHARACTERS


@pytest.mark.parametrize("line", ["    value = 1\n", "def f():\n    pass\n\n\n", "<p>\n", "[1],\n"])
def test_the_window_begins_at_the_same_place_for_many_lines(line):
    """What is above the cursor is read once only if it is the same text."""
    text = line * 10_000
    begins = set()
    for _ in range(200):
        text += "x\n"
        near = readable(snapshot_of(text, ""))
        begins.add(len(text) - len(near.prefix))
    assert len(begins) <= 2
