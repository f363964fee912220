"""Where the cursor's block ends, in many languages. Nothing stands below the cursor: new code is written there."""

import pytest

from tests.builders import snapshot_at
from tests.postprocess.test_golden import show

SHELL_CASE = "run\n    ;;\n  stop)\n    halt\n    ;;\nesac"
SQL_CASE = "WHEN a THEN 1\n    ELSE 2\n  END AS x"
IFDEF = "a();\n#ifdef X\n    b();\n#endif\n    c();\n}"


@pytest.mark.parametrize(
    ("language_id", "file", "text"),
    [
        ("html", "<ul>\n  ‸", "<li>a</li>\n  <li>b</li>\n</ul>"),
        ("html", "{% if a %}\n  ‸", "<b>a</b>\n{% else %}\n  <b>c</b>\n{% endif %}"),
        ("typescriptreact", "return (\n  <div>\n    ‸", "<p>a</p>\n  </div>"),
        ("cmake", "if(A)\n  ‸", "set(B 1)\nelse()\n  set(B 2)\nendif()"),
        ("shellscript", "while read x; do\n  ‸", 'echo "$x"\ndone < "$1"'),
        ("shellscript", "while read x; do\n  ‸", 'echo "$x"\ndone | sort'),
        ("shellscript", 'case "$1" in\n  start)\n    ‸', SHELL_CASE),
        ("shellscript", "f() {\n  ‸", "cat <<EOF\nhello\n}\nEOF\n  echo\n}"),
        ("lua", "repeat\n  ‸", "i = i + 1\nuntil i > 3"),
        ("lua", "local t = {\n  f = function()\n    ‸", "return 1\n  end,"),
        ("ruby", "x = ys.map do |y|\n  ‸", "y + 1\nend.compact"),
        ("ruby", "def f\n  ‸", "g\nrescue E\n  h\nensure\n  i\nend"),
        ("sql", "BEGIN\n  ‸", "UPDATE t SET x = 1;\nEND;"),
        ("sql", "SELECT\n  CASE\n    ‸", SQL_CASE),
        ("sql", "SELECT\n    ‸", "a,\n    b\nFROM t\nWHERE x = 1\nORDER BY a;"),
        ("latex", "\\begin{itemize}\n  ‸", "\\item a\n\\end{itemize}"),
        ("vim", "function! F()\n  ‸", "return 1\nendfunction"),
        ("verilog", "module a;\n  ‸", "wire x;\nendmodule"),
        ("c", "void f(void) {\n    ‸", IFDEF),
        ("c", "int f(void) {\n    ‸", "if (a)\n        goto out;\n    b();\nout:\n    return 1;\n}"),
        ("c", "void f(void) {\n    ‸", "a();\n// b();\n    c();\n}"),
        ("cpp", "class A {\n    ‸", "int x;\npublic:\n    int y;\n};"),
        ("rust", "impl<T> F<T>\nwhere\n    ‸", "T: Clone,\n{\n    fn f() {}\n}"),
        ("csharp", "if (a)\n    ‸", "b();\nelse\n    c();"),
    ],
)
def test_a_block_ends_with_what_closes_it(language_id, file, text):
    for more in ("", "\n", "\n\nanother(x)\n"):
        (found,) = {show(snapshot_at(file, language_id), text + more, chunk, {})[0] for chunk in (1, 3, 999)}
        assert found == text, more


@pytest.mark.parametrize(
    ("language_id", "file", "text", "kept"),
    [
        pytest.param(
            "ruby",
            "class A\n  def f(out)\n    ‸",
            "@out << x\n  end\n\n  def g\n  end\nend\n",
            "@out << x\n  end",
            id="ruby",
        ),
        pytest.param(
            "javascript",
            "// a ` here\nfunction f() {\n  ‸",
            "return 1;\n}\n\nfunction g() {\n",
            "return 1;\n}",
            id="comment",
        ),
        pytest.param("python", '# a """ here\ndef f():\n    ‸', "return 1\n\n\ndef g():\n", "return 1", id="python"),
        pytest.param("go", "var r = '`'\nfunc f() {\n\t‸", "g()\n}\n\nfunc h() {\n", "g()\n}", id="rune"),
        pytest.param(
            "javascript",
            "const r = /`/;\nfunction f() {\n  ‸",
            "g();\n}\n\nfunction h() {\n",
            "g();\n}",
            id="regular expression",
        ),
    ],
)
def test_quotes_in_comments_and_elsewhere_hide_no_end(language_id, file, text, kept):
    assert show(snapshot_at(file, language_id), text, 3, {})[0] == kept


def test_the_comment_of_what_follows_goes_with_it():
    text = "return 1\n\n\n# The next one.\n# It is long.\ndef g():\n    pass\n"
    assert show(snapshot_at("def f():\n    ‸"), text, 3, {})[0] == "return 1"
    inside = "a = 1\n# b = 2\n    return a"
    assert show(snapshot_at("def f():\n    ‸"), inside, 3, {})[0] == inside
