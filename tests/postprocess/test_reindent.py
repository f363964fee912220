"""A text is indented as its file, and never by guess."""

import random

import pytest

from lsp_server.postprocess.filters import FILTERS
from tests.builders import make_snapshot, snapshot_at


def indented(file: str, text: str, language: str = "python") -> str:
    return FILTERS["indent as the file"](text, snapshot_at(file, language))


C_TABS = "int f(int a)\n{\n\tif (a)\n\t\treturn 1;\n"
SPACES = "if (a > 2) {\n        a++;\n    }\n    return a;"
TABS = "if (a > 2) {\n\t\ta++;\n\t}\n\treturn a;"


@pytest.mark.parametrize(
    ("language", "file", "text", "shown"),
    [
        # One line of another kind decides nothing.
        ("c", f"/**\n * F.\n */\n{C_TABS}\t‸\n}}\n", SPACES, TABS),
        ("c", f"{C_TABS}\tg(a,\n\t  b);\n\th(a,\n      b);\n\t‸\n}}\n", SPACES, TABS),
        ("typescript", "/**\n * F.\n * G.\n * H.\n */\nf() {\n\tg();\n\t‸\n}\n", SPACES, TABS),
        ("java", "class A {\n\t/**\n\t * F.\n\t */\n\tint f(int a) {\n\t\tg();\n\t\t‸\n\t}\n}\n",
         "if (a) {\n            b();\n        }\n        c();", "if (a) {\n\t\t\tb();\n\t\t}\n\t\tc();"),
        ("shellscript", "f() {\n\tcat <<END\n  a\n  b\n  c\nEND\n\t‸\n}\n",
         "if a; then\n        b\n    fi", "if a; then\n\t\tb\n\tfi"),
        ("python", 'def f():\n\t"""F.\n\n\t    a\n    b\n    c\n\t"""\n\tg()\n\t‸\n',
         "if a:\n        b()\n    return c", "if a:\n\t\tb()\n\treturn c"),
        ("python", "def f():\n\tg(a,\n\t  b)\n\th(a,\n      b)\n\t‸\n", "if a:\n        b()", "if a:\n\t\tb()"),
        ("go", "func f() {\n\tg()\n\t‸\n}\n", "for a {\n        b()\n    }", "for a {\n\t\tb()\n\t}"),
        ("go", "func f() {\n\tg()\n\t‸\n}\n", "for a {\n    b()\n  }", "for a {\n\t\tb()\n\t}"),
        # The cursor's own line counts first, then the lines near it.
        ("python", "def f():\n\ta()\n\tb()\n\tc()\n\n\ndef g():\n    ‸\n", "if a:\n        b()", "if a:\n        b()"),
        ("python", "def f():\n\ta()\n\tb()\n\tc()\n\n\ndef g():\n    ‸\n", "if a:\n\t\tb()", "if a:\n        b()"),
        # What is aligned or a comment goes with its statement. Strings stay.
        ("c", f"{C_TABS}\t‸\n}}\n",
         "g();\n    /*\n     * A.\n     */\n    h(a,\n      b);", "g();\n\t/*\n\t * A.\n\t */\n\th(a,\n\t  b);"),
        ("python", "def f():\n\ta()\n\t‸\n",
         'if a:\n        b("""\n    x\n        """)\n    c()', 'if a:\n\t\tb("""\n    x\n        """)\n\tc()'),
        # Two files of spaces.
        ("proto", "message A {\n  bool a = 1;\n  ‸\n}\n", "bool b = 2;\n    bool c = 3;", "bool b = 2;\n  bool c = 3;"),
        ("proto", "message A {\n  bool a = 1;\n  ‸\n}\n", "message B {\n        bool b = 1;\n    }\n    bool c = 3;",
         "message B {\n    bool b = 1;\n  }\n  bool c = 3;"),
        ("typescript", "f() {\n  g();\n  ‸\n}\n", "h();\n    i();", "h();\n  i();"),
        ("java", "class A {\n    int a;\n    ‸\n}\n", "int b;\n  int c;", "int b;\n    int c;"),
        ("java", "class A {\n    int a;\n    ‸\n}\n", "int f() {\n    g();\n  }", "int f() {\n        g();\n    }"),
        ("json", '{\n  "a": 1,\n  ‸\n}\n', '"b": 2,\n    "c": 3', '"b": 2,\n  "c": 3'),
        ("c", f"{C_TABS}}}\n\n‸\n", "int g()\n{\n    a();\n}", "int g()\n{\n\ta();\n}"),
        ("c", f"{C_TABS}\ta();\n  b();\n\tc();\n\td();\n\t‸\n}}\n", SPACES, TABS),
        ("python", "def f():\n\ta()\n\tb()\n\n\ndef g():\n‸", "    a()\n    b()", "\ta()\n\tb()"),
        ("python", "def f():\n  a()\n  ‸\n", "if b:\n        c()\n    d()", "if b:\n    c()\n  d()"),
        ("python", "def f():\n    a()\n    ‸\n", "if b:\n    c()\n  d()", "if b:\n        c()\n    d()"),
    ],
)  # fmt: skip
def test_a_text_is_indented_as_its_file(language, file, text, shown):
    assert indented(file, text, language) == shown


@pytest.mark.parametrize(
    ("language", "file", "text"),
    [
        # White space that means something.
        ("makefile", "SRC = a.c \\\n      b.c\n\n‸", "all: app\n\tcc -o app $(SRC)"),
        ("makefile", "all: a\n\tcc a\n\n‸", "B = a.c \\\n      b.c \\\n      c.c"),
        ("tsv", "a\tb\n\tc\n‸", "d\n    e"),
        ("markdown", "- a\n  - b\n\n‸", "1. c\n\n        d"),
        ("plaintext", "a\n\tb\n‸", "c\n    d"),
        ("shellscript", "f() {\n    cat <<-END\n\ta\n\t‸\n\tEND\n}\n", "b\n\tc"),
        ("shellscript", "f() {\n    a\n    ‸\n}\n", "cat <<-END\n\t\tb\n\tEND\n    c"),
        ("python", "def f():\n\ta()\n\tx = ‸\n", '"""\n    b\n        c\n"""'),
        ("go", "func f() {\n\ta := ‸\n}\n", "`\n    b\n        c\n`"),
        ("yaml", "a:\n  - b\n  ‸\n", "- c:\n      d: 1\n    e: 2"),
        # No majority, or nothing to compare with.
        ("python", "if x:\n\ty()\nelse:\n  z()\n‸", "if z:\n    w()"),
        ("python", "x = 1\n‸", "if z:\n\tw()"),
        # A text that fits as it is.
        ("typescript", "f() {\n  g();\n  ‸\n}\n", "a\n    .b()\n    .c();\n  d();"),
        ("typescript", "f() {\n  g();\n  ‸\n}\n", "const a =\n    b;\n  switch (a) {\n  case 1:\n    c();\n  }"),
        ("javascript", "function f() {\n  g();\n  ‸\n}\n", "return a()\n    .then((b) => {\n      c();\n    });"),
        ("swift", "var body: some View {\n  ‸\n}\n", "VStack {\n    a\n  }\n    .padding()"),
        ("c", f"{C_TABS}\t‸\n}}\n", "switch (a) {\n\tcase 1:\n\t\tb();\n\t}\nout:\n\treturn c(d,\n\t         e);"),
        ("c", f"{C_TABS}\t‸\n}}\n", "/* A.\n\t * B.\n\t */\n#ifdef B\n\tb();\n#endif"),
        ("c", "int f() {\n    g();\n    ‸\n}\n", "int a,\n        b;\n    g(a,\n      b);"),
        ("csharp", "namespace A\n{\n    class B\n    {\n        ‸\n    }\n}\n",
         "int F()\n        {\n            G();\n        }"),
        ("cpp", "class A {\n public:\n  int a;\n  ‸\n};\n", "int b;\n\n private:\n  int c;"),
        ("haskell", "f = do\n  a\n  ‸\n", "let b = 1\n      c = 2\n  d"),
        ("ruby", "def f\n  a\n  ‸\nend\n", "b = c\n      .d\n  e"),
        ("python", "def f():\n    a()\n    ‸\n", "if b:\n        c()\n    return {\n        1: 2,\n    }"),
        ("python", "class A:\n    def f(self):\n        ‸\n", "a()\n\n    def g(self):\n        b()"),
        ("lisp", "(defun f (a)\n  (g a)\n  ‸)\n", "(let ((b 1)\n        (c 2))\n    (h b))"),
        # A text at the beginning of a line brings its own indentation.
        ("python", "def f(a):\n    g()\n\n\ndef h(a):\n‸\n", "    if a < 1:\n        raise b\n    return a"),
        ("python", "def f(a):\n    while a:\n‸\n", "        if a:\n            b()\n        c()\n    d()"),
        ("c", "int f() {\n    while (a) {\n‸\n    }\n}\n", "        if (b) {\n            c();\n        }"),
        ("go", "func g() {\n\tg()\n}\n\nfunc f() {\n‸\n}\n", "\tif a {\n\t\tb()\n\t}"),
        ("python", "def f():\n    g()\n    def h():\n        i()\n‸\n", "        *a, b = c\n        return b()"),
        # Files and texts with both kinds: a tab is eight columns there, or the lines are of two hands.
        ("c", "f()\n{\n    if (a)\n\tb();\n    if (c)\n\td();\n    ‸\n}\n", "if (e)\n\tf();\n    g();"),
        ("c", "f()\n{\n    if (a)\n    {\n\tb();\n\tif (c)\n\t    d();\n\t‸\n    }\n}\n", "e();\n    }\n    g();"),
        ("d", "void f()\n{\n    a();\n    ‸\n}\n", "if (b) {\n\tc();\n    }"),
        # A line that goes on with the one above, and what is closed in columns of its own.
        ("dart", "f() {\n  a\n      .b()\n      ‸\n}\n", ".then((c) {\n    d();\n    e();\n  });"),
        ("kotlin", "class A {\n  val a = B { c, _ ->\n    if (c) {\n      ‸\n  }\n}\n", "d()\n    }"),
        ("kotlin", "f(\n  a,\n  b { it }\n) { c, d ->\n  if (e) {\n    g(\n      h\n    ‸\n", ")\n  }\n  i()"),
        ("cmake", "if(A)\n    b()\n    c()\n       ‸\n", "d()\n   endif()"),
        ("cmake", "if(A)\n  b()\n  c()\nendif()\n\n‸\n", "d(\n    E\n    F\n  )"),
        ("json", '{\n  "a": {\n          "b": 1\n        },\n  "c": {\n          ‸\n', '"d": 1\n        },'),
        ("haskell", "f a =\n    b a\n\ng a =\n    ‸\n", "case a of\n        1 -> b\n  where\n    b = 2"),
    ],
)  # fmt: skip
def test_nothing_is_rewritten_by_guess(language, file, text):
    assert indented(file, text, language) == text


def block(unit: str, depth: int, source: random.Random) -> list[str]:
    """Lines of Python at a depth, with blocks in them."""
    rows = []
    for number in range(source.randint(1, 3)):
        rows.append(
            unit * depth + source.choice(["a()", "b = (1,\n 2)", 'c = """\n  x\n\ty\n"""', "# d", "e = [\n    1,\n]"])
        )
        if depth < 4 and source.random() < 0.5:
            rows += [f"{unit * depth}if f{number}:", f"{unit * (depth + 1)}g()", *block(unit, depth + 1, source)]
    return rows


def compiles(text: str) -> bool:
    try:
        compile(text, "", "exec")
    except (SyntaxError, ValueError):
        return False
    return True


@pytest.mark.parametrize("seed", range(300))
def test_what_compiles_still_compiles(seed):
    source = random.Random(seed)
    units = ["\t", "  ", "    ", "        "]
    above_unit, own_unit, text_unit, below_unit = (source.choice(units) for _ in range(4))
    depth = source.randint(0, 2)
    headers = [f"{own_unit * level}while h{level}:" for level in range(depth)]
    above = ["def z():", *block(above_unit, 1, source), *headers]
    text = "\n".join(block(text_unit, depth, source)).lstrip(" \t")
    below = ["", "def y():", *block(below_unit, 1, source), ""]
    prefix, suffix = "\n".join([*above, own_unit * depth]), "\n" + "\n".join(below)
    shown = FILTERS["indent as the file"](text, make_snapshot(prefix, suffix))
    assert compiles(prefix + shown + suffix) or not compiles(prefix + text + suffix)
