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
    ("language_id", "file", "text"),
    [
        ("xml", "<vector\n    ‸", 'width="2"\n    height="2">\n  <path d="M"/>\n</vector>'),
        ("html", '<p\n     id="a"\n     ‸', 'class="b">\n  text\n</p>'),
        ("emacs-lisp", "(if ret\n    ‸", "(forward-char)\n  (goto-char 1))"),
        ("clojure", '(ns ^{:doc "x"\n      ‸', ':author "y"}\n  a.b\n  (:require [c]))'),
        ("erlang", "f(X)\nwhen is_binary(X),\n     ‸", "is_atom(Y) ->\n    g(X),\n    ok."),
        ("haskell", "f q = case q of\n        ‸", "A -> b\n        B -> c\n  where b = 1"),
        ("vim", "while i\n    ‸", "let x = 1\n\tif x\n\t    let y = 1\n\tendif\nendwhile"),
        ("scala", "object A {\n    ‸", "trait B\n    trait C\n\n  val x = 1\n}"),
        ("makefile", "a:\n\tfor b in c; do \\\n\t\t‸", "d; \\\n\tdone"),
        ("cpp", "if (a &&\n        ‸", "b) {\n    c();\n}"),
    ],
)
def test_what_is_deeper_than_the_header_is_in_the_block(language_id, file, text):
    for more in ("", "\n", "\n\nanother(x)\n"):
        found, _ = show(snapshot_at(file, language_id), text + more, 3, {})
        assert _stripped(found) == _stripped(text), more


def _stripped(text):
    """The lines without their indentation: a filter may indent them as the file."""
    return [line.strip() for line in text.split("\n")]


@pytest.mark.parametrize(
    ("language_id", "file", "text"),
    [
        ("python", "def f(a):‸", "\n    return a|\n\n\n# What it does.\ndef g(a):\n    pass\n"),
        ("python", "if a:‸", "\n    b()\nelse:\n    c()|\nd()\n"),
        ("c", "int f(int a)\n{‸", "\n    if (a)\n        return 1;\n    return a;\n}|\n\nint g(void)\n{\n}\n"),
        ("c", "struct A {‸", "\n    int b;\n};|\n\n#define X 1\nint c;\n"),
        (
            "java",
            "class A {\n    int f() {‸",
            "\n        return 1;\n    }|\n\n    /** g. */\n    int g();\n}\n",
        ),
        ("csharp", "class A\n{\n    int F\n    {‸", "\n        get;\n    }|\n\n    int G;\n}\n"),
        ("cpp", "A::A(int a,\n     ‸", "int b)\n    : a(a) {\n  c();\n}|\n\nint d() {\n  e();\n}\n"),
        ("typescript", "import {‸", "\n  a,\n} from 'b';|\nimport c from 'd';\n"),
        ("clojure", "(defn f [x]‸", "\n  (g x))|\n\n(defn h [x]\n  x)\n"),
        ("haskell", "f x = do‸", "\n  g\n  h|\n\ni x = j\n"),
        ("css", ".a {‸", "\n  b: c;\n}|\n\n.d {\n  e: f;\n}\n"),
        ("scss", ".a {\n  .b {‸", "\n    c: d;\n  }|\n\n  &:hover {\n    e: f;\n  }\n}\n"),
        ("yaml", "a:\n  b:‸", "\n    - c|\n  d: e\n"),
        ("yaml", "a:‸", "\n  - c|\nd: e\n"),
        ("emacs-lisp", "(defvar a‸", "\n  b)|\n\n;; End.\n"),
        ("makefile", "all:\n\t‸", "echo a|\n\nclean:\n\trm c\n"),
        ("html", "<ul>‸", "\n  <li>a</li>\n</ul>|\n<p>b</p>\n"),
        ("shellscript", "for a in b\ndo‸", "\n  c\ndone|\n\nd\n"),
        ("cmake", "else()‸", "\n  a(b)\nendif()|\n\nc(d)\n"),
        ("terraform", 'a "b" {‸', '\n  c = "d"\n}|\n\ne "f" {\n  g = 1\n}\n'),
        ("makefile", "all:‸", "\n\techo a\n\techo b|\n\nclean:\n\trm c\n"),
        ("sql", "CREATE TABLE a (‸", "\n  b int\n);|\n\nCREATE TABLE c (\n  d int\n);\n"),
        ("python", "import a\n‸", "\ndef f():\n    pass|\n\n\ndef g():\n    pass\n"),
        ("python", "import a\n‸", "\n@b\ndef f():\n    pass|\n\n\n@c\ndef g():\n    pass\n"),
    ],
)
def test_with_nothing_below_a_text_ends_before_the_next_statement(language_id, file, text):
    kept, _, more = text.partition("|")
    (found,) = {show(snapshot_at(file, language_id), kept + more, chunk, {})[0] for chunk in (1, 5, 999)}
    assert found == kept


@pytest.mark.parametrize(
    ("language_id", "file", "text"),
    [
        pytest.param("python", "def f(a):\n    if a:‸", "\n        b()\n    return c", id="in a function"),
        pytest.param("go", "func f() {\n\tif a {‸", "\n\t\tb()\n\t}\n\treturn c\n}", id="to its end"),
        pytest.param("python", "a = 1\n‸", "b = 2\nfor c in d:\n    e()\nf = 3", id="statements"),
        pytest.param("python", "a = b(‸", "\n    c,\n)", id="bracket"),
        pytest.param("javascript", "a(b)‸", "\n  .c()\n  .d()", id="chain"),
        pytest.param("javascript", "if (a) {‸", "\n  b();\n} else {\n  c();\n}", id="branch"),
        pytest.param("c", "int f(void)\n{‸", "\n    a();\n#ifdef B\n    c();\n#endif\nout:\n    d();\n}", id="label"),
        pytest.param("python", "import a\n‸", "\nX = 1\n\n\ndef f():\n    pass", id="definition"),
        pytest.param(
            "python",
            "class A:\n    ‸",
            "@b\n    def c(self):\n        d\n\n    @e\n    def f(self):\n        g",
            id="methods",
        ),
        pytest.param("yaml", "a:\n  b: |\n    if c; then‸", "\n      d\n    fi\n    e", id="script in data"),
        pytest.param("java", "class A {\n    ‸", "int b() {\n    }\n\n    int c() {\n    }\n}", id="body of a class"),
    ],
)
def test_a_text_goes_on_where_it_may(language_id, file, text):
    for chunk in (1, 5, 999):
        assert show(snapshot_at(file, language_id), text, chunk, {})[0] == text


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
