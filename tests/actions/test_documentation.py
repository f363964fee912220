"""Where documentation goes, and how it is written in each language."""

import time

import pytest

from lsp_server.actions.bodies import find_body
from lsp_server.actions.documentation import find_documentation
from lsp_server.actions.source import Source
from tests.actions.cases import assert_filled, source_with_cursor

CASES = {
    "a string that is no docstring": (
        "python",
        "def f(x):‸\n    'a'.join(x)\n",
        'def f(x):\n    """⟦Join.⟧"""\n    \'a\'.join(x)\n',
    ),
    "a type": ("typescript", "type A = {‸\n}\n", "/**\n * ⟦An A.⟧\n */\ntype A = {\n}\n"),
    "a type with parameters": ("rust", "impl<T> A<T> {‸\n}\n", "/// ⟦An A.⟧\nimpl<T> A<T> {\n}\n"),
    "a method of Go": ("go", "func (a A) F() {‸\n}\n", "// ⟦F it.⟧\nfunc (a A) F() {\n}\n"),
    "a function": ("python", "def f(x):‸\n    return x\n", 'def f(x):\n    """⟦Return it.⟧"""\n    return x\n'),
    "a class without a body": ("python", "class A:‸\n", 'class A:\n    """⟦An A.⟧"""\n'),
    "a header of several lines": (
        "python",
        "  async def f(‸\n    x,\n  ) -> int:\n    return x\n",
        '  async def f(\n    x,\n  ) -> int:\n    """⟦Return it.⟧"""\n    return x\n',
    ),
    "javascript": (
        "javascript",
        "  static async f(a) {‸\n    return a\n  }\n",
        "  /**\n   * ⟦Return it.\n   * @param a what⟧\n   */\n  static async f(a) {\n    return a\n  }\n",
    ),
    "an arrow": (
        "typescript",
        "export const f = async (a: number): Promise<number> => {‸\n",
        "/**\n * ⟦Return it.⟧\n */\nexport const f = async (a: number): Promise<number> => {\n",
    ),
    "above decorators": (
        "typescript",
        "@A()\n@B\nclass C {‸\n}\n",
        "/**\n * ⟦A C.⟧\n */\n@A()\n@B\nclass C {\n}\n",
    ),
    "above attributes": (
        "rust",
        "    #[test]\n    pub(crate) fn f() {‸\n    }\n",
        "    /// ⟦Try it.\n    /// Twice.⟧\n    #[test]\n    pub(crate) fn f() {\n    }\n",
    ),
    "c": ("c", "static int f(int *a)‸\n{\n}\n", "/**\n * ⟦Add.⟧\n */\nstatic int f(int *a)\n{\n}\n"),
    "c++": (
        "cpp",
        "std::vector<int> A::f(int a) const {‸\n",
        "/**\n * ⟦Add.⟧\n */\nstd::vector<int> A::f(int a) const {\n",
    ),
    "c#": ("csharp", "public int F(int a) {‸\n", "/// <summary>\n/// ⟦Add.⟧\n/// </summary>\npublic int F(int a) {\n"),
    "go": ("go", "func (a A) F() {‸\n}\n", "// ⟦F adds.⟧\nfunc (a A) F() {\n}\n"),
    "ruby": ("ruby", "  def f(a)‸\n  end\n", "  # ⟦Add.⟧\n  def f(a)\n  end\n"),
    "java": ("java", "    public int f(int a) {‸\n", "    /**\n     * ⟦Add.⟧\n     */\n    public int f(int a) {\n"),
    "kotlin": ("kotlin", "data class A(val x: Int)‸\n", "/**\n * ⟦An A.⟧\n */\ndata class A(val x: Int)\n"),
    "lua": ("lua", "local function f()‸\nend\n", "--- ⟦Add.⟧\nlocal function f()\nend\n"),
}
WITHOUT = {
    "a property": ("typescript", "interface A {\n  type: string;‸\n}\n"),
    "an optional property": ("typescript", "interface A {\n  type?: string;‸\n}\n"),
    "a property that is read": ("javascript", "type.of(x);‸\n"),
    "a variable": ("java", "record = f(x);‸\n"),
    "a method that is called": ("java", "record.add(x);‸\n"),
    "a word in a comparison": ("typescript", "type instanceof A‸\n"),
    "a locked block": ("java", "synchronized (this) {‸\n}\n"),
    "a goroutine": ("go", "go func() {‸\n}()\n"),
    "what is deferred": ("go", "defer func() {‸\n}()\n"),
    "a function that is passed": ("javascript", "describe('x', function () {‸\n});\n"),
    "a docstring in single quotes": ("python", "def f():‸\n    'Return one.'\n    return 1\n"),
    "a docstring in double quotes": ("python", 'def f():‸\n    r"Return \\one."  # it\n    return 1\n'),
    "a docstring": ("python", 'def f():‸\n    """Has one."""\n'),
    "a raw docstring of several lines": ("python", "class A:‸\n    r'''Has\n    one.\n    '''\n"),
    "a comment above": ("javascript", "// has one\nfunction f() {‸\n}\n"),
    "a block above": ("java", "/**\n * Has one.\n */\nint f() {‸\n}\n"),
    "a comment above an attribute": ("rust", "/// Has one.\n#[inline]\nfn f() {‸\n}\n"),
    "a condition": ("javascript", "if (x) {‸\n}\n"),
    "a loop": ("c", "for (int i = 0; i < 3; i++) {‸\n}\n"),
    "a call": ("javascript", "f(a);‸\n"),
    "a call with a function": ("javascript", "return f(a, () => {‸\n"),
    "an assignment": ("python", "x = 1‸\n"),
    "a definition on one line": ("python", "def f(): return 1‸\n"),
    "a language without a form": ("plaintext", "class A‸\n"),
}


@pytest.mark.parametrize("case", CASES)
def test_documentation_is_written(case):
    assert_filled(find_documentation, *CASES[case])


@pytest.mark.parametrize("case", WITHOUT)
def test_what_needs_none_gets_none(case):
    language_id, text = WITHOUT[case]
    source, start, _ = source_with_cursor(text, language_id)
    assert find_documentation(source, start.line) is None


def test_a_docstring_of_several_lines_is_closed_on_a_line_of_its_own():
    source, start, _ = source_with_cursor("def f():‸\n    return 1\n")
    hole = find_documentation(source, start.line)
    assert hole.filled("Return it.\n\n    Always.\n    ") == '\n    """Return it.\n\n    Always.\n    """'


def test_lines_that_are_no_part_of_the_comment_go():
    source, start, _ = source_with_cursor("fn f() {‸\n}\n", "rust")
    assert find_documentation(source, start.line).filled("One.\n/// Two.\nfn g() {\n/// x") == "/// One.\n/// Two.\n"
    source, start, _ = source_with_cursor("int f() {‸\n}\n", "c")
    assert find_documentation(source, start.line).filled("One.\nint g;") == "/**\n * One.\n */\n"


def test_nothing_written_is_no_documentation():
    source, start, _ = source_with_cursor("def f():‸\n    return 1\n")
    assert find_documentation(source, start.line).filled("  \n") == ""


def test_a_long_line_takes_little_time():
    begun = time.process_time()
    for text in ("f(a)(b): " * 30_000 + "{", "(" * 100_000 + "{", "a " * 100_000 + "{", ") : a" * 30_000 + "{}"):
        source = Source("javascript", (text,))
        assert find_documentation(source, 0) is None
        assert find_body(source, 0) is None
    assert time.process_time() - begun < 1
