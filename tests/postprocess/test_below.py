"""What stands below the cursor and is written again: by all rules and filters together, in many languages."""

import pytest

from lsp_server.postprocess.below import suffix_start
from tests.builders import snapshot_at
from tests.postprocess.test_golden import show


def shown(file: str, text: str, language_id: str) -> str:
    """What is shown of a text, in whatever pieces it arrives."""
    snapshot = snapshot_at(file, language_id)
    (found,) = {show(snapshot, text, chunk, {})[0] for chunk in (1, 3, len(text))}
    return found


CONFIG = "const config = {\n  port: 1,\n  ‸\n};"
ROUTE = 'app.get("/", (req, res) => {\n  ‸\n});'


@pytest.mark.parametrize(
    ("language_id", "file", "text", "kept"),
    [
        ("typescript", CONFIG, 'host: "localhost",\n}', 'host: "localhost",'),
        ("javascript", ROUTE, 'res.send("ok");\n}', 'res.send("ok");'),
        ("javascript", ROUTE, 'res.send("ok");\n})', 'res.send("ok");'),
        ("javascript", ROUTE, 'res.send("ok");\n});\n', 'res.send("ok");'),
        ("javascript", "if (a) {\n  ‸\n} else {\n  c();\n}", "b();\n}", "b();"),
        ("javascript", "p.then(() => {\n  ‸\n}).catch(x);\n", "b();\n});", "b();"),
        ("javascript", "foo(\n  ‸\n);\n", "a, b);", "a, b"),
        ("go", "x := f([]int{\n\t‸\n}...)\n", "1,\n}", "1,"),
        ("python", 'x = {\n    "a": 1,\n    ‸\n}\n', '"b": 2,\n},', '"b": 2,'),
        ("python", "foo(\n    a,\n    ‸\n)\n", "b,\n).bar()", "b,"),
        ("ruby", "xs.each do |x|\n  ‸\nend.compact\n", "puts x\nend", "puts x"),
        ("lua", "foo(function()\n  ‸\nend)\n", "bar()\nend", "bar()"),
        ("elixir", "def f do\n  ‸\nend\n", ":ok\nend", ":ok"),
        ("shellscript", "while read x; do\n  ‸\ndone < f\n", "echo $x\ndone", "echo $x"),
        ("html", "<ul>\n  ‸\n</ul>\n", "<li>a</li>\n</ul>", "<li>a</li>"),
        ("html", "{% if a %}\n  ‸\n{% endif %}\n", "<b>a</b>\n{% endif %}", "<b>a</b>"),
        ("cmake", "if(A)\n  ‸\nendif()\n", "set(B 1)\nendif(A)", "set(B 1)"),
        ("latex", "\\begin{itemize}\n  ‸\n\\end{itemize}\n", "\\item a\n\\end{itemize}", "\\item a"),
    ],
)
def test_a_closer_that_the_line_below_begins_with_is_dropped(language_id, file, text, kept):
    assert shown(file, text, language_id) == kept


NAMESPACE = "namespace foo {\n\n‸\n\n}\n"
BODY = "int f() {\n  return 1;\n}"


@pytest.mark.parametrize(
    ("language_id", "file", "text"),
    [
        ("cpp", NAMESPACE, BODY),
        ("cpp", "namespace a {\nnamespace b {\n\n‸\n\n}\n}\n", "struct S {\n  int x;\n};\nint f() {\n  return 1;\n}"),
        ("php", "<?php\nnamespace A {\n‸\n}\n", "function f() {\n    return 1;\n}"),
        ("csharp", "namespace A\n{\n‸\n}\n", "class B\n{\n    int x;\n}"),
        ("c", "void f(int x) {\n\tswitch (x) {\n\t‸\n\t}\n}\n", "case 1: {\n\t\tb();\n\t}"),
        ("go", "func f() {\n\tswitch x {\n\t‸\n\t}\n}\n", "case 1:\n\t\tif a {\n\t\t\tb()\n\t\t}\n\tcase 2:\n\t\tc()"),
        ("css", "@media print {\n‸\n}\n", "a {\n  color: red;\n}"),
        ("lua", "do\n‸\nend\n", "for i = 1, 3 do\n  print(i)\nend"),
        ("ruby", "module A\n‸\nend\n", "class B\n  def c\n  end\nend"),
        ("shellscript", "if a; then\n‸\nfi\n", "if b; then\n  c\nfi"),
        ("html", "<div>\n‸\n</div>\n", "<div>\n  a\n</div>"),
        ("json", "[\n‸\n]\n", "[\n  1\n]"),
    ],
)
def test_a_closer_of_the_text_itself_stays_whatever_stands_below(language_id, file, text):
    assert shown(file, text, language_id) == text
    assert shown(file, text + "\n", language_id) == text


@pytest.mark.parametrize(
    ("language_id", "file", "text"),
    [
        pytest.param("javascript", "if (a) {\n  ‸\n}\n", "b();\n} else {\n  c();", id="opens another branch"),
        pytest.param("javascript", "function a() {\n  if (x) {\n    ‸\n}\n", "foo();\n  }", id="an inner block's"),
        pytest.param("cpp", "namespace a {\nnamespace b {\n‸\n}  // a\n", "int f();\n}", id="not indented"),
        pytest.param("python", "x = f(‸\n)\n", "g(\n    1,\n)", id="the cursor's line opens two"),
    ],
)
def test_a_closer_that_the_file_lacks_stays(language_id, file, text):
    assert shown(file, text, language_id) == text


def test_a_closer_too_many_is_dropped_behind_the_texts_own():
    assert shown(NAMESPACE, f"{BODY}\n\n}}\n", "cpp") == BODY
    assert shown("if (a) {\n  ‸\n}\n", "b();\n} else {\n  c();\n}", "javascript") == "b();\n} else {\n  c();"


SUM = "def f():\n    ‸\n    # add them up\n    total = sum(values)\n    return total\n"


@pytest.mark.parametrize(
    ("language_id", "file", "text", "kept"),
    [
        pytest.param("javascript", "f(a);\n‸\ng(a + 1, b);\n", "h();\ng(a+1, b);\n", "h();", id="white space"),
        pytest.param("javascript", "f(a);\n‸\nreturn g(a, b);\n", "h();\nreturn g(a, b)\n", "h();", id="semicolon"),
        pytest.param("json", '{\n  ‸\n  "c": 3\n}\n', '"b": 2,\n  "c": 3,\n', '"b": 2,', id="comma"),
        pytest.param("typescript", "a({\n  ‸\n  b: c(3),\n});\n", "y: 2,\n    b: c(3),\n", "y: 2,", id="indentation"),
        pytest.param("go", "\t‸\n\tx := sum(y)\n", "a()\n\tx := sum(y) // all\n", "a()", id="comment in the text"),
        pytest.param("go", "\t‸\n\tx := sum(y) // all\n", "a()\n\tx := sum(y)\n", "a()", id="comment below"),
        pytest.param(
            "python", SUM, "x = 1\n    total = sum(values)\n    return total\n", "x = 1", id="without comment"
        ),
        pytest.param("python", SUM, "x = 1\n    # add them up\n    total = sum(values)\n", "x = 1", id="with comment"),
        pytest.param("c", "f();\n‸\nreturn a + 1;\n", "g();\nreturn a+1", "g();", id="the last line"),
    ],
)
def test_a_line_that_is_nearly_the_one_below_is_not_written_twice(language_id, file, text, kept):
    assert shown(file, text, language_id) == kept


LOOP = "def f():\n    tot‸\n    total = 0\n    for x in y:\n        total += x"


@pytest.mark.parametrize(
    ("language_id", "file", "text", "kept"),
    [
        ("python", LOOP, "al = 0", ""),
        ("python", LOOP, "al = 0\n    for x in y:\n        total += x", ""),
        ("python", LOOP, "als = []\n    total = 0\n    for x in y:\n", "als = []"),
        ("javascript", "  const to‸\n  const total = 0;\n  f(total);\n", "tal = 0\n  f(total);\n", ""),
        ("ruby", "  @rows = lo‸\n  @rows = load(path)\n  save\n", "ad(path)", ""),
    ],
)
def test_the_cursors_line_counts_however_much_of_it_is_written(language_id, file, text, kept):
    assert shown(file, text, language_id) == kept


def test_rows_of_data_may_go_on():
    assert shown("x = [\n    [0, 0, 0],\n    ‸\n    [0, 0, 0],\n    [0, 0, 0],\n]\n", "[0, 0, 0],", "python")


@pytest.mark.parametrize(
    ("language_id", "below", "text"),
    [
        ("java", "  @Test\n  public void testC() {\n  }\n}\n", "  @Test\n  public void testB() {\n    x();\n  }"),
        (
            "kotlin",
            "/**\n * Returns the value of c\n */\nfun c() = 1\n",
            "/**\n * Returns the value of b\n */\nfun b() = 2",
        ),
        (
            "python",
            '@mark.parametrize("a", [1])\ndef test_c(a):\n',
            '@mark.parametrize("a", [1])\ndef test_b(a):\n    pass',
        ),
        ("rust", "#[derive(Debug, Clone)]\nstruct B {\n", "#[derive(Debug, Clone)]\nstruct A {\n    y: u8,\n}"),
        ("csharp", "/// <summary>\n/// The end.\n", "/// <summary>\n/// The start.\n/// </summary>"),
        ("c", "case THE_FIRST_NAME:\n    g();\n", "case THE_FIRST_NAME:\n    f();"),
    ],
)
def test_a_sibling_may_begin_as_the_one_below(language_id, below, text):
    assert shown(f"‸\n\n{below}", text, language_id) == text


def test_a_sibling_that_is_the_one_below_is_not_written_again():
    file = "class T {\n  ‸\n\n  @Test\n  public void testC() {\n  }\n}\n"
    assert shown(file, "int x;\n\n  @Test\n  public void testC() {\n", "java") == "int x;"


def test_a_line_waits_for_its_witness():
    rule = suffix_start(snapshot_at("‸\n@Test\nvoid testC() {\n", "java"))
    assert rule("int x;\n@Test\nvoid test") is None
    assert rule("int x;\n@Test\nvoid testC() {") is None
    assert rule("int x;\n@Test\nvoid testC() {\n") == len("int x;")


def test_a_header_alone_does_not_tell_which_sibling_it_begins():
    below = 'provider "aws" {\n  alias = "east"\n}\n'
    text = 'provider "aws" {\n  region = "west"\n}'
    assert shown(f"‸\n\n{below}", text, "terraform") == text
    assert shown(f"‸\n\n{below}", f"x = 1\n\n{below}", "terraform") == "x = 1"


FUNCTION = "function a()\n  x()\nend\n\n"
OPEN_BELOW = f"{FUNCTION}‸\nend\n\nfunction c()\n  z()\nend\n"


def test_what_closes_a_block_that_the_text_opens_may_stand_below():
    text = "function b()\n  y()"
    assert shown(OPEN_BELOW, f"{text}\nend\n\nfunction c()\n  z()\n", "lua") == text
    more = "function b()\n  y()\nend\n\nfunction d()\n  z()"
    assert shown(OPEN_BELOW, more, "lua") == more


def test_a_closer_further_below_is_another_one():
    file = "m = {\n  f() {\n    if (a) {\n‸\n    return false;\n  },\n"
    assert shown(file, "      b();\n    }", "javascript") == "      b();\n    }"


THEN = "}).then(b => {\n  use(b);"
CHAIN = "p.then(a => {\n  ‸\n}).catch(e => {\n  log(e);\n});\n"
EFFECT = "useEffect(() => {\n  ‸\n}, [a, b], () => {\n  stop(a);\n});\n"


@pytest.mark.parametrize(
    ("file", "text", "kept"),
    [
        (CHAIN, "use(a);\n}).catch(e => {\n  log(e);\n});", "use(a);"),
        (
            CHAIN,
            "use(a);\n}).then(b => {\n  use(b);\n}).catch(e => {\n  log(e);\n});",
            "use(a);\n}).then(b => {\n  use(b);",
        ),
        (CHAIN, "use(a);\n}).catch(e => {\n  warn(e);\n", "use(a);\n}).catch(e => {\n  warn(e);"),
        (EFFECT, "start(a);\n}, [a, b], () => {\n  stop(a);\n});", "start(a);"),
    ],
)
def test_a_line_that_closes_and_opens_again_counts_if_the_next_one_agrees(file, text, kept):
    assert shown(file, text, "javascript") == kept
