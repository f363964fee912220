"""What the end of a stream makes of a text: its last line, the token limit, and where the model was unsure."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsp_server.languages.balance import balance
from lsp_server.languages.reading import state_after
from lsp_server.postprocess import unfinished
from lsp_server.postprocess.finish import Finished, finish
from lsp_server.postprocess.stop import rules_for
from lsp_server.postprocess.unfinished import drop_unsure
from tests.builders import make_snapshot, snapshot_at

CODE = st.text(alphabet="ab()[]{}<>\"'`,;:#/\\$ \n", max_size=30)
LANGUAGES = st.sampled_from(["python", "typescript", "ruby", "html", "shellscript", "markdown", "plaintext"])


def ended(text: str, reason: str, file: str = "‸", language: str = "python", **options) -> Finished:
    snapshot = snapshot_at(file, language)
    rules = rules_for(snapshot, options.get("multi_line", "auto"), options.get("max_lines", 12))
    return finish(text, reason, snapshot, rules, options.get("switched_off", ()))


@pytest.mark.parametrize(
    ("file", "language", "text", "shown", "reason"),
    [
        pytest.param("x = 1\n‸", "python", "y = 2\n```", "y = 2", "code fence", id="a fence"),
        pytest.param("x = 1;\n‸", "javascript", "y = 2;\n```\n", "y = 2;", "code fence", id="a fence and a line break"),
        pytest.param(
            "class A:\n    def f(self):\n        ‸",
            "python",
            "return 1\n\nclass B:",
            "return 1",
            "block ends",
            id="another class",
        ),
        pytest.param(
            "  ‸\n  total += x\n  print(total)\n",
            "ruby",
            "total = 0\n  total += x",
            "total = 0",
            "end",
            id="the line below",
        ),
        pytest.param("def f():\n    ‸", "python", "return 1\n    x = 2", "return 1", "unreachable", id="unreachable"),
        pytest.param("‸", "python", "a\nb\nc", "a\nb\nc", "end", id="as many lines as allowed"),
        pytest.param("‸", "python", "a\nb\nc\n", "a\nb\nc", "line limit", id="and a line break"),
        pytest.param("f(‸)", "python", "a", "a", "end", id="a single line"),
    ],
)
def test_rules_see_the_last_line(file, language, text, shown, reason):
    finished = ended(text, "end", file, language, max_lines=3)
    assert (finished.text, finished.reason) == (shown, reason if not text.endswith("c\n") else finished.reason)


@pytest.mark.parametrize(
    ("file", "language", "text", "shown"),
    [
        pytest.param(
            "class A:\n    def f(self):\n        ‸", "python", "return 1\n\n    def nex", "return 1", id="half a header"
        ),
        pytest.param("total = 1\n‸", "python", "a = 1\nb = tot", "a = 1", id="half a word"),
        pytest.param("total = 1\n‸", "python", "a = 1\nb = total", "a = 1\nb = total", id="a whole word"),
        pytest.param("‸", "python", "a = 1\nb = f(1)", "a = 1\nb = f(1)", id="a whole call"),
        pytest.param("‸", "python", "a = 1\nb = f(1, [2", "a = 1", id="half a call"),
        pytest.param("‸", "python", "a = 1\nb = a +", "a = 1", id="half an operation"),
        pytest.param("‸", "python", "a = 1\nb = a and", "a = 1", id="a word that connects"),
        pytest.param("‸", "python", "a = 1\nb = 'half a", "a = 1", id="half a string"),
        pytest.param("‸", "python", 'a = 1\nb = """half\n a', "a = 1", id="half a string of several lines"),
        pytest.param("‸", "python", "a = 1\nfor a in b:", "a = 1", id="a header without its block"),
        pytest.param(
            "‸", "python", "a = 1\nfor a in b:\n    if a:\n        pri", "a = 1", id="headers without their blocks"
        ),
        pytest.param("‸", "python", "a = 1\n@cached\ndef com", "a = 1", id="a decorator without its function"),
        pytest.param("‸", "python", "for a in b:\n    pri", "for a in b:", id="a header that is the first line"),
        pytest.param(
            "def f():\n        ‸\n        return total",
            "python",
            "total += x\n        return to",
            "total += x",
            id="half of the line below",
        ),
        pytest.param("def f():\n    ‸\n    return total", "python", "ret", "", id="half of the line below, alone"),
        pytest.param(
            "def f():\n    re‸\n    return total", "python", "turn to", "", id="half of the line below, begun"
        ),
        pytest.param(
            "function f(a, b) {\n  ‸\n}\n",
            "typescript",
            "const total = compute(a, b);\n  const result = transform(total,",
            "const total = compute(a, b);",
            id="half an argument list",
        ),
        pytest.param(
            "function f(a, b) {\n  ‸\n}\n",
            "typescript",
            "const total = a;\n  const b = a",
            "const total = a;",
            id="no semicolon",
        ),
        pytest.param(
            "function f(a, b) {\n  ‸\n}\n",
            "typescript",
            "const total = a;\n  run(a);",
            "const total = a;\n  run(a);",
            id="a semicolon",
        ),
        pytest.param("‸", "go", "a := 1\nb := compute(a,", "a := 1", id="go"),
        pytest.param("def f\n  ‸\nend\n", "ruby", "a = 1\n  b = [1, 2", "a = 1", id="ruby"),
        pytest.param("‸", "shellscript", 'cd /tmp\necho "half', "cd /tmp", id="shell"),
        pytest.param("x = {\n    ‸\n}\n", "python", '"a": 1,\n    "b": 2,\n    "c', '"a": 1,', id="items"),
        pytest.param("‸", "json", '{\n  "a": 1,\n  "b": [1', '{\n  "a": 1,', id="members"),
        pytest.param("‸", "rust", "let a = 1;\nlet b = vec![1, 2", "let a = 1;", id="rust"),
        pytest.param("‸", "lua", "local a = 1\nlocal b = {1, 2", "local a = 1", id="lua"),
    ],
)
def test_what_the_token_limit_left_unfinished(file, language, text, shown):
    assert ended(text, "length", file, language).text == shown


@pytest.mark.parametrize("reason", ["length", "low_confidence"])
@pytest.mark.parametrize(
    ("file", "language", "text", "shown"),
    [
        pytest.param("names = []\nresult.‸", "python", "append(name", "append", id="half a call"),
        pytest.param("names = []\nresult.‸", "python", "append(names)", "append(names)", id="a whole call"),
        pytest.param("x = ‸", "python", "transform(total)[factor", "transform(total)", id="half a subscript"),
        pytest.param("x = ‸", "python", "compute(a, [1, 2], b", "compute", id="half a list of arguments"),
        pytest.param("x = f(‸)", "python", "a, b, g(c", "a, b, g", id="inside a call"),
        pytest.param("x = f(‸)", "python", "a, b,", "a, b", id="a comma"),
        pytest.param("a = 1\nx = ‸", "python", "a +", "a", id="an operator"),
        pytest.param("a = 1\nx = ‸", "python", "a and not", "a", id="more such words"),
        pytest.param("a = 1\nx = ‸", "python", "a.", "a", id="a dot"),
        pytest.param("x = ‸", "python", "unknownword", "", id="half a word"),
        pytest.param("x = ‸", "python", "unknown.wo", "unknown", id="half a member"),
        pytest.param("known = 1\nx = ‸", "python", "known", "known", id="a known word"),
        pytest.param("known = 1\nx = kno‸", "python", "wn", "wn", id="a known word that is begun"),
        pytest.param("known = 1\nx = kno‸", "python", "w", "", id="half of a known word that is begun"),
        pytest.param("x = ‸", "python", "'half a string", "", id="half a string"),
        pytest.param("a = 1\nx = ‸", "python", "a + 'half a string", "a", id="half a string behind an operator"),
        pytest.param("x = ‸", "python", "'a string'", "'a string'", id="a string"),
        pytest.param("x = ‸", "python", 'f"{a', "", id="half an interpolation"),
        pytest.param("x = ‸", "typescript", "`${a} and ${b", "", id="half a template"),
        pytest.param("x = ‸", "typescript", "`${a}`", "`${a}`", id="a template"),
        pytest.param("x = 1  ‸", "python", "# one of unknow", "# one of", id="half a word of a comment"),
        pytest.param('"""\n‸\n"""', "python", "one of unknow", "one of", id="half a word of a docstring"),
        pytest.param("x = 'a‸'", "python", " one of unknow", " one of", id="half a word of a string"),
        pytest.param("x = 1  ‸", "c", "/* one of", "", id="half a comment"),
        pytest.param("‸", "python", "if 1 == 1:", "if 1 == 1:", id="a header"),
        pytest.param("‸", "python", "def unknow", "", id="half a header"),
        pytest.param("‸", "rust", "let unkno", "", id="half a name"),
        pytest.param("let a = ‸", "javascript", "foo?.", "foo", id="an optional member"),
        pytest.param("let a = ‸", "rust", "read()?", "read()?", id="a question mark"),
        pytest.param("let v: ‸", "rust", "Vec<u", "Vec", id="half a generic type"),
        pytest.param("‸", "c", "i++;", "i++;", id="a statement"),
        pytest.param("‸", "shellscript", "cat <<EOF", "cat", id="a here-document without its text"),
    ],
)
def test_a_single_line_goes_back_to_its_natural_end(file, language, text, shown, reason):
    assert ended(text, reason, file, language).text == shown


@pytest.mark.parametrize(
    ("file", "language", "text", "shown"),
    [
        pytest.param("x = ‸", "python", "f(\n    1,\n    2,", "f", id="arguments over lines"),
        pytest.param(
            "a = 1\n‸", "python", "b = a\nx = f(\n    a,\n", "b = a", id="arguments over lines, behind a line"
        ),
        pytest.param(
            "‸",
            "javascript",
            "function f(a) {\n  run(a);\n  b = tr",
            "function f(a) {\n  run(a);",
            id="the brace of a block",
        ),
        pytest.param("‸", "javascript", "const x = {\n  a: 1,\n  b: tr", "const x", id="the brace of a value"),
    ],
)
def test_brackets_that_stay_open_are_not_begun_where_the_model_was_unsure(file, language, text, shown):
    assert ended(text, "low_confidence", file, language).text == shown


@pytest.mark.parametrize("reason", ["end", "suffix start"])
@pytest.mark.parametrize("text", ["f(", "a +", "b = tot", "a = 1\nb = f(", "'half"])
def test_a_text_that_ended_by_itself_stays(text, reason):
    assert ended(text, reason).text == text


def test_filters_of_the_end_can_be_switched_off():
    text = "a = 1\nb = f(1, tot"
    assert ended(text, "length", switched_off=("drop unfinished",)).text == text
    assert ended(text, "low_confidence", switched_off=("drop unsure",)).text == text


class CountingPattern:
    """A pattern that counts the characters in which it is looked for."""

    def __init__(self, pattern: re.Pattern[str]) -> None:
        self.pattern = pattern
        self.num_characters = 0

    def search(self, text: str) -> re.Match[str] | None:
        self.num_characters += len(text)
        return self.pattern.search(text)


@pytest.mark.parametrize("text", ["(", "\0", "${", "=> "])
def test_a_long_line_is_not_read_again_for_each_place_where_it_may_end(text, monkeypatch):
    costs = []
    for size in (1000, 2000, 4000):
        counting = CountingPattern(unfinished._END)
        with monkeypatch.context() as patched:
            patched.setattr(unfinished, "_END", counting)
            drop_unsure(text * size, snapshot_at("f(‸)", "python"))
        costs.append(counting.num_characters)
    assert costs[1] <= 2.5 * costs[0]
    assert costs[2] <= 2.5 * costs[1]


@given(CODE, CODE, CODE, LANGUAGES, st.sampled_from(["end", "length", "low_confidence", "repeated phrase"]))
def test_only_the_end_is_cut(text, prefix, suffix, language, reason):
    snapshot = make_snapshot(prefix, suffix, language_id=language)
    finished = finish(text, reason, snapshot, rules_for(snapshot, "auto", 5))
    assert text.startswith(finished.text) or "indent as the file" in finished.filtered_by


@given(CODE, CODE, LANGUAGES)
def test_brackets_are_closed_or_not_begun_where_the_model_was_unsure(text, prefix, language):
    snapshot = make_snapshot(prefix, "", language_id=language)
    shown = drop_unsure(text.replace("{", ""), snapshot)
    state = state_after(prefix, language)
    assert not [each for each in balance(prefix + shown, language, state, len(prefix)).opens if each.kind in "(["]
