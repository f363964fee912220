"""What follows the cursor on its line is not written twice, and what the text still owes stays."""

import pytest

from lsp_server.postprocess.repeats import repeated_rest
from lsp_server.postprocess.stop import rules_for
from tests.builders import make_snapshot, snapshot_at
from tests.postprocess.test_leaks import shown


@pytest.mark.parametrize(
    ("language", "file", "writes", "kept"),
    [
        # An apostrophe that begins no string.
        ("rust", "fn f(x: &'static str, ‸)", "y: u8) -> u8 {", "y: u8"),
        ("rust", "fn longest<'a>(‸)", "x: &'a str) -> &'a str {", "x: &'a str"),
        ("rust", "impl<'a> P<'a> { fn n(&'a self, ‸)", "y: &'a u8) -> u8 {", "y: &'a u8"),
        ("rust", "fn f<'a>(x: Vec<&'a ‸>)", "str>", "str"),
        ("rust", "let c = f('(', ‸);", "')');", "')'"),
        ("haskell", "x' = f (g x' ‸)", "y')", "y'"),
        ("haskell", "x' = f (‸)", "g x') y", "g x'"),
        ("ocaml", "let f (x' : 'a) = g (‸)", "x') 'c'", "x'"),
        ("clojure", "(defn f [x'] (g ‸))", "'(1 2) x'))", "'(1 2) x'"),
        ("python", "# don't (‸)", "do that)", "do that"),
        ("python", "f(a, ‸)  # don't", "b)  # don't", "b"),
        ("typescript", "// it's f(‸)", "g(x))", "g(x)"),
        ("markdown", "It doesn't (‸) work.", "always) work.", "always"),
        ("vhdl", "x <= a'event and (‸);", "b = '1');", "b = '1'"),
        # A sign more or less.
        ("typescript", 'import { useState‸, useEffect } from "react"', ', useEffect } from "react";', ""),
        ("typescript", 'import { useState‸, useEffect } from "react";', ', useEffect } from "react"', ""),
        ("typescript", 'import {a‸,useEffect} from "react"', ', b, useEffect } from "react";', ", b"),
        ("python", "f(‸, y=1)", "x, y = 1)", "x"),
        ("python", "f(‸, y=1)", "x, y=1),", "x"),
        ("python", "f(‸, y=1)", "x, y=1)  # why", "x"),
        ("python", "f(‸, y=1)  # why", "x, y=1)", "x"),
        ("go", "x, err := f(‸); err != nil {", "a); err != nil {", "a"),
        ("go", "if err := f(‸); err != nil {", "a, b()); err != nil { // why", "a, b()"),
        ("c", "f(‸);", "a, b)", "a, b"),
        ("c", "f(‸)", "a, b);", "a, b"),
        ("c", "f(‸); /* why */", "a, b); // because", "a, b"),
        ("json", '{"a": [‸], "b": 2}', '1, 2], "b": 2},', "1, 2"),
        ("sql", "SELECT a‸ FROM t", ", b FROM t;", ", b"),
        ("lua", "local x = f(‸, 1)", "a, 1) -- why", "a"),
        # What the text opens or owes.
        ("python", 'print(f"{‸}")', 'x}")', "x"),
        ("python", 'print(f"{‸}")', 'd["a"]}")', 'd["a"]'),
        ("python", 'print(f"{x:{‸}}")', 'w}}")', "w"),
        ("javascript", "const a = `x ${‸} y`;", "f({b: 1})} y`;", "f({b: 1})"),
        ("javascript", "const a = `x ${f(‸)} y`;", "b)} y`;", "b"),
        ("javascript", "const m = s.match(/[(]‸/);", "x)+/);", "x)+"),
        ("javascript", "if (/[)]/.test(‸)) {", "x)) {", "x"),
        ("typescript", "const x: Map<string, ‸> = y;", "Array<number>>", "Array<number>"),
        ("typescript", "const f = (a: ‸) => a;", "number) => b", "number"),
        ("java", "Map<String, ‸> x = y;", "List<Integer>> x =  y", "List<Integer>"),
        ("rust", "let x: Vec<‸> = y;", "Option<u8>> = y;", "Option<u8>"),
        ("typescriptreact", "<div className={‸}>", 'cx("a")}>', 'cx("a")'),
        ("typescriptreact", "return <b>‸</b>;", "{x}</b>;", "{x}"),
        ("typescriptreact", "<button onC‸></button>", "lick={f}></button>", "lick={f}"),
        ("html", '<a href="‸">x</a>', '/y">x</a>', "/y"),
        ("html", "<p>‸</p>", "a <b>c</b></p>\n<p>d</p>", "a <b>c</b>"),
        ("python", "numpy.array(‸)", "[1, 2, 3])", "[1, 2, 3]"),
        ("python", "x = (‸) + (y)", "a) + (y)", "a"),
        ("python", "x = a[‸](b)", "f(0)](b)", "f(0)"),
        ("python", "x = '‸'", "it'", "it"),
        ("latex", r"\frac{‸}{2}", r"\sqrt{x}}{2}", r"\sqrt{x}"),
        ("c", "x = ')' + f(‸);", "'(');", "'('"),
        ("ruby", 'puts "#{‸}"', 'x.map { |y| y }}"', "x.map { |y| y }"),
        ("ruby", "xs.each { |x| ‸ }", "puts x }", "puts x"),
        ("ruby", "xs.each do |x| ‸ end", "puts x end", "puts x"),
        ("shellscript", 'x="$(‸)"', 'ls)"', "ls"),
    ],
)  # fmt: skip
def test_what_follows_on_the_line_is_not_repeated(language, file, writes, kept):
    assert shown(file, writes, language) == kept


@pytest.mark.parametrize(
    ("language", "file", "writes"),
    [
        ("python", "print(max(a, ‸)", "b)"),
        ("python", "print(max(a, ‸)  # (", "b)"),
        ("python", "x = [‸]", "[1, 2],"),
        ("python", "x = {‸}", '"a": {"b": 1},'),
        ("python", "f(‸)", "g(h(x))"),
        ("python", "f(‸)", '")"'),
        ("python", "f(‸)", "a, b"),
        ("rust", "fn f<'a>(‸)", "x: &'a str, g: fn(&'a u8)"),
        ("rust", "f(x, ‸)", "')', b'(', '\\''"),
        ("rust", "f(‸)", "|x| { g(x) }"),
        ("haskell", "y = f' (‸)", "g' (x') 'c'"),
        ("typescript", "const f = (‸) => 1;", "a: (b: string) => void"),
        ("typescript", "f<‸>(x)", "Map<string, A<B>>"),
        ("javascript", "x = f(‸);", "a => a > b, (c) => c"),
        ("javascript", "x = s.replace(‸);", "/[)]/g, ')'"),
        ("javascript", "a = `${‸}`;", "`${b}`"),
        ("typescriptreact", "<div>‸</div>", "<b>{x}</b>"),
        ("typescriptreact", "<div>‸</div>", "<br /> {x > 1 && <i>a</i>}"),
        ("html", "<p>‸</p>", "a <br> b <i>c</i>"),
        ("python", "# f(x) and (‸)", "g(y)"),
        ("python", 'x = "f(‸)"', "a(b)"),
        ("c", "x = (‸) ? 1 : 0;", "a < b && (c >> 2) > d"),
        ("shellscript", "case $x in ‸ esac", "a) b ;; c) d ;;"),
        ("go", "func f(‸) {", "a chan<- int, b func() (int, error)"),
        ("sql", "SELECT (‸) FROM t", "SELECT max(a) FROM u"),
        ("css", "a { ‸ }", "color: rgb(1, 2, 3);"),
        ("latex", r"$f(‸)$", r"\left( x \right)"),
    ],
)  # fmt: skip
def test_what_the_text_opens_or_owes_stays(language, file, writes):
    assert shown(file, writes, language) == writes


@pytest.mark.parametrize(
    ("language", "file", "writes", "kept"),
    [
        ("javascript", "it('adds', () => {‸})", "\n  expect(add(1, 2)).toBe(3)\n})", "\n  expect(add(1, 2)).toBe(3)\n"),
        ("javascript", "it('adds', () => {‸})", "\n  a()\n  b()\n})\n\nit('x'", "\n  a()\n  b()\n"),
        ("javascript", "  it('a', () => {‸})", "\n    a()\n  })\n", "\n    a()\n  "),
        ("javascript", "  it('a', () => {‸})", "\n    a()\n    b(", "\n    a()\n  "),
        ("javascript", "it('a', () => {‸})", "\n  a()", ""),
        ("javascript", "it('a', () => {‸})", " a() })", " a()"),
        ("javascript", "it('a', () => { ‸ })", "a();\n  b();\n})", "a();"),
        ("typescriptreact", "    <div>‸</div>", "\n      {a}\n    </div>\n    <p>", "\n      {a}\n    "),
        ("html", "<ul>‸</ul>", "\n  <li>a</li>\n</ul>", "\n  <li>a</li>\n"),
        ("html", "<ul>‸</ul>", "<li>a</li>\n<li>b</li>", "<li>a</li>"),
        ("c", "struct a {‸};", "\n  int b;\n};", "\n  int b;\n"),
        ("python", "x = [‸]", "\n    1,\n    2,\n]", "\n    1,\n    2,\n"),
        ("json", '{"a": {‸}}', '\n  "b": 1\n}}', '\n  "b": 1\n'),
        ("ruby", "xs.each do |x| ‸ end", "\n  puts x\nend", "\n  puts x\n"),
        ("ruby", "xs.each { |x| ‸ }", "\n  puts x\n}", "\n  puts x\n"),
        ("kotlin", "xs.map { x -> ‸ }", "\n    x + 1\n}", "\n    x + 1\n"),
        ("rust", "xs.map(|x| {‸})", "\n    x + 1\n})", "\n    x + 1\n"),
        # Nothing of several lines, where what follows is no end of a block, or not the end of this one.
        ("javascript", "const a = ‸ + b;", "\n  c", ""),
        ("javascript", "f(a, ‸);", "\n\n  b,\n  c);", ""),
        ("python", "x = ‸.y()", "\n\nz", ""),
        ("python", "if x:‸  # why", "\n    y()", ""),
        # A line before the one that follows.
        ("python", "def f():\n    ‸return x", "x = 1\n    return x", "x = 1\n    "),
        ("python", "def f():\n    ‸return x", "x = 1\n    y = 2\n    ", "x = 1\n    "),
    ],
)  # fmt: skip
def test_a_text_before_other_text_has_one_line_or_is_a_block(language, file, writes, kept):
    assert shown(file, writes, language) == kept


@pytest.mark.parametrize("file", ["f() {‸}", "const a = ‸ + b;"])
def test_never_several_lines(file):
    assert shown(file, "\n  a();\n}", "javascript", "never") == ""


@pytest.mark.parametrize(
    ("prefix", "suffix"),
    [
        pytest.param("f(", ")" * 50_000, id="many closers behind the cursor"),
        pytest.param("(" * 50_000, ")" * 50_000, id="and many openers before it"),
        pytest.param("x = [" + "1, " * 700_000, "]", id="a line of two megabytes"),
        pytest.param("f(", ", a" * 700_000 + ")", id="two megabytes behind the cursor"),
        pytest.param("f('" + "\\'" * 50_000, "')", id="a long string"),
    ],
)
def test_only_what_is_near_is_read(prefix, suffix):
    snapshot = make_snapshot(prefix, suffix, "javascript")
    assert repeated_rest("1)", snapshot) <= 2
    rules_for(snapshot, "auto", 12).check("1, 2, 3")


def test_a_text_without_a_rest_repeats_nothing():
    assert repeated_rest("x)", snapshot_at("f(‸")) == 0
