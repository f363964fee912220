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
    "from a brace on its own line": ("csharp", "void F()\n{‸\n}\n", "void F()\n{\n    ⟦x();⟧\n}\n"),
    "a class": ("typescript", "export class A extends B<C> {}‸\n", "export class A extends B<C> {\n    ⟦x = 1⟧\n}\n"),
    "a function of a type": ("typescript", "function f(x: A): B<C> {}‸\n", "function f(x: A): B<C> {\n    ⟦x()⟧\n}\n"),
    "an arrow": ("typescript", "const f = (x: A): B => {};‸\n", "const f = (x: A): B => {\n    ⟦x()⟧\n};\n"),
    "a function that is passed": ("javascript", "f(a, function () {});‸\n", "f(a, function () {\n    ⟦x()⟧\n});\n"),
    "an arrow that is passed": ("javascript", "f(a, () => {});‸\n", "f(a, () => {\n    ⟦x()⟧\n});\n"),
    "else": ("javascript", "if (a) {\n  b()\n} else {}‸\n", "if (a) {\n  b()\n} else {\n  ⟦c()⟧\n}\n"),
    "try": ("java", "try {‸\n}\n", "try {\n    ⟦x();⟧\n}\n"),
    "a condition without brackets": ("rust", "if a == b {}‸\n", "if a == b {\n    ⟦x()⟧\n}\n"),
    "a loop without a condition": ("go", "for {}‸\n", "for {\n    ⟦x()⟧\n}\n"),
    "a result": ("go", "func (a *A) F(x int) error {}‸\n", "func (a *A) F(x int) error {\n    ⟦x()⟧\n}\n"),
    "results": ("go", "func F() (int, error) {}‸\n", "func F() (int, error) {\n    ⟦x()⟧\n}\n"),
    "an implementation": ("rust", "impl A for B<C> {}‸\n", "impl A for B<C> {\n    ⟦fn f() {}⟧\n}\n"),
    "a constant method": ("cpp", "int f() const noexcept {}‸\n", "int f() const noexcept {\n    ⟦x();⟧\n}\n"),
    "a constructor": ("cpp", "A::A(int x) : x_(x) {}‸\n", "A::A(int x) : x_(x) {\n    ⟦f();⟧\n}\n"),
    "exceptions": ("java", "void f() throws A, B {}‸\n", "void f() throws A, B {\n    ⟦x();⟧\n}\n"),
    "a function that is assigned its block": ("scala", "def f(): Int = {}‸\n", "def f(): Int = {\n    ⟦1⟧\n}\n"),
    "a closure": ("rust", "f(|x| {});‸\n", "f(|x| {\n    ⟦x()⟧\n});\n"),
    "a rule": ("css", ".a > b {}‸\n", ".a > b {\n    ⟦color: red;⟧\n}\n"),
    "a short docstring": (
        "python",
        "def f():‸\n    'Do it.'\n\nx = 1",
        "def f():\n    'Do it.'\n    ⟦return 1⟧\n\nx = 1",
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
    "an empty dictionary": ("python", "cache = {}‸\n"),
    "an argument of Python": ("python", "f(a, {})‸\n"),
    "an object": ("javascript", "const o = {};‸\n"),
    "an object over lines": ("javascript", "const o = {‸\n};\n"),
    "an object with a type": ("typescript", "const o: Record<A, B> = {};‸\n"),
    "a default export": ("javascript", "export default {};‸\n"),
    "an argument": ("javascript", "f(a, {});‸\n"),
    "a default value": ("javascript", "function f(a = {})‸\n"),
    "an alternative": ("javascript", "x = a || {};‸\n"),
    "what is returned": ("javascript", "return {};‸\n"),
    "a member of JSON": ("json", '{\n  "a": {},‸\n}\n'),
    "a member of JSON over lines": ("json", '{\n  "a": {‸\n  }\n}\n'),
    "JSON": ("json", "{}‸\n"),
    "an element of JSON": ("json", "[\n  {},‸\n  {}\n]\n"),
    "an initialised variable": ("cpp", "std::vector<int> v{};‸\n"),
    "a value of C++": ("cpp", "auto p = Point{};‸\n"),
    "an initialised field": ("cpp", "int x_{};‸\n"),
    "a value of C": ("c", "p = (struct point){};‸\n"),
    "a value of Go": ("go", "x := map[string]int{}‸\n"),
    "a type of Go": ("go", "var x interface{}‸\n"),
    "a channel": ("go", "c := make(chan struct{})‸\n"),
    "a value of Rust": ("rust", "let a = A {};‸\n"),
    "an initialiser": ("csharp", "var a = new List<int>() {};‸\n"),
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
