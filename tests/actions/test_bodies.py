"""Where a body is yet to be written, and where not."""

import pytest

from lsp_server.actions.bodies import find_body
from tests.actions.cases import assert_filled, source_with_cursor

CASES = {
    "pass": ("python", "def f(x):\n    pa‸ss\n", "def f(x):\n    ⟦return x⟧\n"),
    "from the header": ("python", "def f(x):‸\n    pass\n\nx = 1\n", "def f(x):\n    ⟦return x⟧\n\nx = 1\n"),
    "dots": ("python", "class A:\n    ‸...\n", "class A:\n    ⟦x = 1⟧\n"),
    "not implemented": ("python", "def f():\n    raise NotImplementedError('f')‸\n", "def f():\n    ⟦return 1⟧\n"),
    "several placeholders": ("python", "def f():\n    ...\n    pass‸\n", "def f():\n    ⟦return 1⟧\n"),
    "a TODO and a placeholder": (
        "python",
        "def f():‸\n    # TODO: add them\n    pass\n",
        "def f():\n    # TODO: add them\n    ⟦return 1⟧\n",
    ),
    "only a TODO": (
        "python",
        "def f():\n    # TODO: add them‸\n\nx = 1\n",
        "def f():\n    # TODO: add them\n    ⟦return 1⟧\n\nx = 1\n",
    ),
    "a TODO among code": (
        "python",
        "def f():\n    x = 1\n    # TODO: add it‸\n    return x\n",
        "def f():\n    x = 1\n    # TODO: add it\n    ⟦x += 1⟧\n    return x\n",
    ),
    "nothing below the header": ("python", "def f():‸\n\ndef g():\n", "def f():\n    ⟦return 1⟧\n\ndef g():\n"),
    "nothing but a docstring": (
        "python",
        'def f():‸\n    """Do\n    it.\n    """\n\nx = 1',
        'def f():\n    """Do\n    it.\n    """\n    ⟦return 1⟧\n\nx = 1',
    ),
    "a header of several lines": ("python", "def f(‸\n    a,\n):\n    pass\n", "def f(\n    a,\n):\n    ⟦return a⟧\n"),
    "a comment behind the colon": ("python", "if x:  # why‸\n    pass\n", "if x:  # why\n    ⟦f()⟧\n"),
    "several lines": ("python", "def f():\n    pass‸\n", "def f():\n    ⟦x = 1\n    return x⟧\n"),
    "empty braces": ("javascript", "function f(a) {‸}\n", "function f(a) {\n    ⟦return a⟧\n}\n"),
    "empty braces, by tabs": (
        "go",
        "func f() {}‸\nfunc g() {\n\tx()\n}",
        "func f() {\n\t⟦x()⟧\n}\nfunc g() {\n\tx()\n}",
    ),
    "braces over lines": ("java", "class A {\n  void f() {‸\n  }\n}", "class A {\n  void f() {\n    ⟦x();⟧\n  }\n}"),
    "braces with a blank line": ("c", "void f(void) {‸\n\n}\n", "void f(void) {\n    ⟦x();⟧\n\n}\n"),
    "todo!": ("rust", "fn f() -> i32 {\n    todo!()‸\n}\n", "fn f() -> i32 {\n    ⟦1⟧\n}\n"),
    "panic": ("go", 'func f() {\n\tpanic("not implemented")‸\n}\n', "func f() {\n\t⟦x()⟧\n}\n"),
    "thrown": (
        "typescript",
        'const f = () => {\n  throw new Error("Not implemented");‸\n};\n',
        "const f = () => {\n  ⟦x();⟧\n};\n",
    ),
    "unsupported": (
        "java",
        "int f() {\n    throw new UnsupportedOperationException();‸\n}\n",
        "int f() {\n    ⟦return 1;⟧\n}\n",
    ),
    "a brace on its own line": ("csharp", "void F()\n{‸\n}\n", "void F()\n{\n    ⟦x();⟧\n}\n"),
}
WRITTEN = {
    "a body": ("python", "def f():‸\n    return 1\n"),
    "an ordinary line": ("python", "x = 1‸\n"),
    "a blank line": ("python", "def f():\n    pass\n‸\nx = 1\n"),
    "pass as a word": ("python", "password = 1‸\n"),
    "an exception of another kind": ("java", 'throw new IllegalStateException("x");‸\n'),
    "dots in code": ("python", "x[...] = 1‸\n"),
    "a body in braces": ("javascript", "if (x) {‸\n  y()\n}\n"),
    "a dictionary": ("python", "x = {‸\n    1: 2,\n}\n"),
    "a call over lines": ("python", "f(‸\n    a,\n)\n"),
    "a comment": ("python", "# about todos‸\nx = 1\n"),
    "past the end of what opens": ("python", "def f(‸\n"),
}


@pytest.mark.parametrize("case", CASES)
def test_a_body_is_written(case):
    assert_filled(find_body, *CASES[case])


@pytest.mark.parametrize("case", WRITTEN)
def test_what_is_written_stays(case):
    language_id, text = WRITTEN[case]
    source, start, _ = source_with_cursor(text, language_id)
    assert find_body(source, start.line) is None
