"""What is read above the cursor is read in steps, and is what one pass reads."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsp_server.languages import reading
from lsp_server.languages.balance import balance
from lsp_server.languages.lexer import blanked, lex
from lsp_server.languages.reading import read, step_before

LINES = [
    "x = f(a, [1, 2])", "    if (a) {", "    }", ")", "# it's a comment", "// why",
    "/* begun", "ended */", '"""', "'''",
    'say "(" and \\', "`${a", "}`", "cat <<A", "A", "begin", "  end", "<div>", "<img", "/>", "</div>", "<br>", "",
    "s = 'a(",
    "#define f(x) \\", "<script>", "</script>", "%{", "--[[", "]]",
    "{% if a %}", "{% endif %}", "return `", "a / b / c(",
]  # fmt: skip
LANGUAGES = ["python", "javascript", "c", "html", "ruby", "shellscript", "lua", "php", "typescriptreact", "plaintext"]
# Each line stands several times, so that texts are many steps long.
long_texts = st.lists(st.tuples(st.sampled_from(LINES), st.integers(1, 80)), max_size=80).map(
    lambda runs: "".join(f"{line}\n" * count for line, count in runs)
)


@given(long_texts, st.sampled_from(LANGUAGES), st.sampled_from(LINES))
def test_steps_read_what_one_pass_reads(text, language, rest):
    for whole in (text, text + rest):
        found = read(whole, language)
        assert found.code == blanked(whole, language)
        assert found.state == lex(whole, language)[1]
        assert found.balance == balance(whole, language)


@given(long_texts, st.text("a\n\\", max_size=20))
def test_a_step_begins_at_a_line_and_depends_on_what_is_before_it(text, rest):
    start = step_before(text)
    assert not start or (text[start - 1] == "\n" and not text[:start].endswith("\\\n"))
    assert start < max(1, len(text))
    assert not rest or step_before(text[: start + 1]) <= start
    if start:
        assert step_before(text + "\n" * (1 + len(rest))) >= start


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_new_line_costs_the_lines_behind_the_last_step(monkeypatch, language):
    num_read = []

    def counting(text, language_id, state, start):
        num_read.append(len(text) - start)
        return lex(text, language_id, state, start)

    monkeypatch.setattr(reading, "lex", counting)
    text = "".join(f"value_{number} = f({number})\n" for number in range(1500)) + language
    read(text, language)
    for number in range(300):
        num_read.clear()
        text += f"\nx = {number}"
        read(text, language)
        assert sum(num_read) <= 2 * 4096 + 100  # one step, and the one before if it has just ended
    num_read.clear()
    read(text, language)
    assert not num_read


def test_a_line_that_goes_on_is_not_parted():
    text = "a = 1\n" + "b \\\n" * 5000
    assert step_before(text) == len("a = 1\n")
    assert step_before("b \\\n" * 5000) == 0
    assert step_before("") == step_before("\n" * 2) == step_before("x" * 100_000) == 0
