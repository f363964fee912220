from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsp_server.languages import reading
from lsp_server.languages.lexer import lex
from lsp_server.postprocess.below import suffix_start
from lsp_server.postprocess.limits import line_limit
from lsp_server.postprocess.stop import Cut, StopRules, of_lines, rules_for
from tests.builders import make_snapshot, snapshot_at

# Few letters, so that lines repeat and stand below the cursor.
CODE = st.text(alphabet="ab(} \n", max_size=40)


def cut_while_growing(rules: StopRules, text: str, chunk: int) -> str:
    """What the rules leave of a text that arrives in chunks."""
    for end in range(chunk, len(text) + chunk, chunk):
        if cut := rules.check(text[:end]):
            return text[: cut.length]
    return text


@pytest.mark.parametrize(
    ("max_lines", "text", "kept"),
    [
        (1, "", None),
        (1, "one", None),
        (1, "one\n", "one"),
        (1, "one\ntwo", "one"),
        (1, "\n\n  ", None),
        (1, "\n\n  one", None),
        (1, "\n\n  one\ntwo", "\n\n  one"),
        (2, "one\ntwo", None),
        (2, "one\ntwo\n", "one\ntwo"),
        (2, "one\n\nthree", "one\n"),
        (3, "\n\none\ntwo\nthree\nfour", "\n\none\ntwo\nthree"),
    ],
)
def test_line_limit(max_lines, text, kept):
    length = line_limit(max_lines)(text)
    assert (None if length is None else text[:length]) == kept


@pytest.mark.parametrize(
    ("file", "text", "kept"),
    [
        pytest.param("‸\nend", "a\nend\n", "a", id="the line below"),
        pytest.param("‸\n\n\nend", "a\nend\n", "a", id="blank lines below do not count"),
        pytest.param("‸\nend  ", "a\nend\n", "a", id="spaces at the end do not count below"),
        pytest.param("‸\nend", "a\nend \n", "a", id="spaces at the end do not count in the text"),
        pytest.param("‸\nend", "a\n\n\nend\n", "a\n\n", id="blank lines in the text"),
        pytest.param("‸\nend", "a\nend\nb\nend\n", "a", id="the first of several"),
        pytest.param("‸\nend", "a\nend", None, id="a line not finished may yet be another"),
        pytest.param("‸\nend", "a\nending\n", None, id="a longer line"),
        pytest.param("‸\nend", "a\n  end\n", None, id="another indentation"),
        pytest.param("‸\nend", "end\n", None, id="the rest of the cursor's own line"),
        pytest.param("‸ end\nb", "a\n end\n", None, id="the rest of the cursor's own line is not below"),
        pytest.param("‸", "a\nend\n", None, id="nothing below"),
        pytest.param("‸\n\n  \n", "a\n\n  \n", None, id="nothing but white space below"),
    ],
)
def test_suffix_start(file, text, kept):
    length = suffix_start(snapshot_at(file))(text)
    assert (None if length is None else text[:length]) == kept


@pytest.mark.parametrize(
    ("file", "multi_line", "max_lines", "expected"),
    [
        ("x = ‸\n", "auto", 2, Cut(9, "line limit")),
        ("x = ‸  \n", "auto", 2, Cut(9, "line limit")),
        ("x = f(‸)\n", "auto", 2, Cut(4, "single line")),
        ("x = f(‸)\n", "always", 2, Cut(9, "line limit")),
        ("x = ‸\n", "never", 2, Cut(4, "single line")),
        ("x = ‸\n", "auto", 1, Cut(4, "line limit")),
        ("x = ‸\n", "auto", 4, None),
    ],
)
def test_how_many_lines(file, multi_line, max_lines, expected):
    assert rules_for(snapshot_at(file), multi_line, max_lines).check("four\nfive\nsix\n") == expected


@pytest.mark.parametrize(
    ("file", "text", "expected"),
    [
        pytest.param("x = '😀‸'", "\ufffd\ufffd % y", Cut(0, "broken character"), id="at once"),
        pytest.param("x = '😀‸'", "é \ufffd", Cut(2, "broken character"), id="in the middle"),
        pytest.param("x = '\ufffd‸'", "\ufffd", None, id="the file has it"),
    ],
)
def test_halves_of_characters_are_not_shown(file, text, expected):
    assert rules_for(snapshot_at(file), "auto", 3).check(text) == expected


def test_the_earliest_cut_counts():
    rules = StopRules({"none": lambda _: None, "late": lambda _: 9, "early": lambda _: 2, "same": lambda _: 2})
    assert rules.check("any text") == Cut(2, "early")
    assert StopRules({}).check("any text") is None


@given(CODE, CODE, st.sampled_from(["auto", "always", "never"]), st.integers(1, 4), st.integers(1, 9))
def test_chunks_do_not_matter(text, suffix, multi_line, max_lines, chunk):
    rules = rules_for(make_snapshot("x = ", suffix), multi_line, max_lines)
    kept = cut_while_growing(rules, text, chunk)
    assert text.startswith(kept)
    assert kept == cut_while_growing(rules, text, len(text) + 1)


@given(CODE, CODE, st.integers(1, 4))
def test_what_is_cut_stays_cut(text, suffix, max_lines):
    rules = rules_for(make_snapshot("x = ", suffix), "auto", max_lines)
    lengths = [cut.length for end in range(len(text) + 1) if (cut := rules.check(text[:end]))]
    assert len(set(lengths)) <= 1


@given(CODE, st.integers(1, 4))
def test_never_more_lines_than_allowed(text, max_lines):
    rules = rules_for(make_snapshot("x = "), "auto", max_lines)
    assert len(cut_while_growing(rules, text, 1).strip().split("\n")) <= max_lines


FILE = "def f(a):\n    b = [\n        1,\n    ]\n    ‸\n    return b\n\n\ndef g():\n    pass\n"


@pytest.mark.parametrize("language", ["python", "javascript", "c", "html", "ruby", "go", "json", "yaml"])
def test_nothing_is_read_before_a_line_is_complete(monkeypatch, language):
    """A key that the next one overtakes costs no reading. One that is answered by a word hardly costs any."""
    read = []
    monkeypatch.setattr(reading, "lex", lambda *arguments: read.append(arguments) or lex(*arguments))
    snapshot = snapshot_at(f"# {uuid4()}\n{FILE}", language_id=language)  # a text that nobody has read
    rules = rules_for(snapshot, "auto", 10)
    for end in range(1, 9):
        assert rules.check("value = "[:end]) is None
    assert not read or language == "python"  # its statements count before they are complete
    rules.check("value = 1\n")
    assert read


def test_a_rule_of_lines_is_asked_once_a_line():
    asked = []

    def make(snapshot):
        asked.append(snapshot)
        return lambda lines: asked.append(lines)

    snapshot = snapshot_at(FILE)
    rule = of_lines(make, snapshot)
    for end in range(1, 12):
        rule("one\ntwo\nnot"[:end])
    assert asked == [snapshot, "one\n", "one\ntwo\n"]
