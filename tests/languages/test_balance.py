"""What a text closes and leaves open, and what the first token of a line says."""

import pytest

from lsp_server.languages.balance import balance, begins_branch, begins_close, has_no_indentation
from lsp_server.languages.syntax import LANGUAGES

BALANCES = [
    ("c", "f(a[1]) {", [], ["{"]),
    ("c", "} )", ["}", ")"], []),
    ("c", "#if X\n{\n#endif", [], ["{"]),
    ("c", "#endif\n#ifdef X", ["#endif"], ["#ifdef"]),
    ("python", "x = '(' # (", [], []),
    ("rust", "fn f(x: &'static str,", [], ["("]),
    ("ruby", "x if y\nif a\n  b do |x|\n while z do\n", [], ["if", "do", "do"]),
    ("ruby", "end\nfoo)", ["end", ")"], []),
    ("lua", "if a then elseif b then end", [], []),
    ("lua", "repeat\nuntil x\nuntil y", ["until"], []),
    ("julia", "a[end]\nif x\n y[1:end]\nend", [], []),
    ("shellscript", "if x; then\n case $a in\n  foo) b;;\n esac\n", [], ["if"]),
    ("shellscript", "echo done", [], []),
    ("cmake", "if(a)\nendforeach()", ["endforeach"], ["if"]),
    ("html", "<br><img></p><ul>", ["</p>"], ["<ul>"]),
    ("html", "{% if x %}<a>{% endif %}", [], ["<a>"]),
    ("typescriptreact", "<div a={() => x}><br/></p>", ["</p>"], ["<div a={() => x}>"]),
    ("typescriptreact", "const f = <T extends string>(x: T) => <A b={<C />} />", [], []),
    ("javascript", "if (a < b && c > d) {", [], ["{"]),
    ("html", "<head><meta a /><br/></head>", [], []),
    ("ruby", 'raise A, "b" unless c\nx = "d" if e', [], []),
    ("ruby", "def f(x = nil)\n  return if x\nend\ndef g = 1\ndef h(a) = 2\n", [], []),
    ("shellscript", "case x in\n  a|b) if y; then z; fi;;\nesac", [], []),
    ("sql", "IF a\nTHEN b; END IF; LOOP c; END LOOP;", [], []),
    ("erlang", "F = fun(X) -> X end, G = fun h/1,", [], []),
    ("clojure", "(= x \\()", [], []),
    ("latex", "\\begin{a}\n\\end{b}", ["\\end{b}"], ["\\begin{a}"]),
    ("elixir", "if x, do: y\ndef f do\n", [], ["do"]),
    ("sql", "case when a then b end, begin", [], ["begin"]),
]


@pytest.mark.parametrize(("language_id", "text", "closes", "opens"), BALANCES)
def test_balance(language_id, text, closes, opens):
    found = balance(text, language_id)
    assert [each.text.strip() for each in found.closes] == closes
    assert [each.text.strip() for each in found.opens] == opens
    assert all(text[each.start : each.end] == each.text for each in (*found.closes, *found.opens))


def test_balance_of_a_part():
    text = "f(\n  g(1) }"
    found = balance(text, "c", start=5)
    assert [(each.text, each.start) for each in found.closes] == [("}", 10)]


@pytest.mark.parametrize(
    ("language_id", "line"),
    [
        *(("shellscript", line) for line in ('done < "$1"', "done | sort", "esac", "fi")),
        *(("lua", line) for line in ("until i > 3", "end,", "end)", "})")),
        *(("ruby", line) for line in ("end.compact", "  end", "end if x")),
        *(("html", line) for line in ("</ul>", "{% endif %}")),
        *(("sql", line) for line in ("END;", "END AS x", "end")),
        ("cmake", "endif()"), ("latex", "\\end{itemize}"), ("vim", "endfunction"), ("javascript", "}).then("),
        ("typescriptreact", "</div>"), ("svelte", "{/if}"),
    ],
)  # fmt: skip
def test_a_line_begins_with_a_close(language_id, line):
    assert begins_close(line, language_id)


@pytest.mark.parametrize(
    ("language_id", "line"),
    [("ruby", "ending = 1"), ("python", "end = 1"), ("c", "done();"), ("shellscript", "done_it"), ("lua", "ends()")],
)
def test_a_line_begins_with_no_close(language_id, line):
    assert not begins_close(line, language_id)


@pytest.mark.parametrize(
    ("language_id", "line"),
    [("python", "else:"), ("python", "elif x:"), ("c", "} else {"), ("ruby", "rescue A"), ("c", "case 1:"),
     ("ocaml", "| A -> b"), ("shellscript", "foo) x"), ("html", "{% else %}"), ("c", "#else"), ("cmake", "else()"),
     ("vim", "else"), ("sql", "when a")],
)  # fmt: skip
def test_a_line_begins_a_branch(language_id, line):
    assert begins_branch(line, language_id)
    assert begins_branch("  " + line, language_id)


@pytest.mark.parametrize(("language_id", "line"), [("python", "elsewhere = 1"), ("c", "x = 1;"), ("lua", "rescue()")])
def test_a_line_begins_no_branch(language_id, line):
    assert not begins_branch(line, language_id)


@pytest.mark.parametrize(
    ("language_id", "line", "expected"),
    [("c", "#ifdef X", True), ("cpp", "public:", True), ("c", "out:", True), ("c", "x = a::b", False),
     ("c", "int x;", False), ("python", "x: int", False)],
)  # fmt: skip
def test_lines_at_the_margin(language_id, line, expected):
    assert has_no_indentation(line, language_id) is expected


@pytest.mark.parametrize("language_id", sorted(LANGUAGES))
@pytest.mark.parametrize("text", ["(", "}", "<a ", "if ", "while ", "{% if ", "\\begin{"])
def test_a_long_line_is_read(language_id, text):
    balance(text * 2_000, language_id)
