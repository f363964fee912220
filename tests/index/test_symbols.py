"""What is read off a file, one case a language."""

import pytest

from lsp_server.index.symbols import PIECE_BYTES, outline
from lsp_server.languages.grammars import GRAMMARS
from lsp_server.languages.syntax import LANGUAGES, language

CASES = {
    "python": (
        '''
        from . import x
        from .a.b import (c as d, e)
        import os.path as p, q
        from z import *
        LIMIT: int = 3
        @decorated
        class Shape(Base):
            """A shape."""
            sides: int
            def __init__(self, sides):
                self.sides = sides
                self.name = "shape"
            @property
            def area(self) -> float:
                return 1
        if TYPE_CHECKING:
            from t import T
        async def draw(shape: Shape, *, scale=1): ...
        ''',
        ["variable LIMIT", "class Shape", "field Shape.sides", "function Shape.__init__", "field Shape.name",
         "function Shape.area", "function draw"],
        [(".", "x", "x"), (".a.b", "c", "d"), (".a.b", "e", "e"), ("os.path", "", "p"), ("q", "", "q"), ("z", "*", "*"),
         ("t", "T", "T")],
    ),
    "typescript": (
        """
        import d, {a as b, type T} from './m';
        import * as ns from "x";
        export {q} from './q';
        export * from './r';
        export const C = 1;
        export interface Shape extends Base { name: string; scale(x: number): void }
        export default class Circle extends Round implements Shape {
          private radius: number = 1;
          constructor(private svc: Service) { this.other = 1 }
          area<T>(a: T): Promise<void> { }
        }
        export enum Color { Red, Blue }
        export const arrow = (a: number) => a;
        declare function ambient(): void;
        """,
        ["variable C", "class Shape", "field Shape.name", "function Shape.scale", "class Circle", "field Circle.radius",
         "function Circle.constructor", "field Circle.other", "function Circle.area", "class Color", "field Color.Red",
         "field Color.Blue", "variable arrow", "function ambient"],
        [("./m", "a", "b"), ("./m", "T", "T"), ("./m", "default", "d"), ("x", "", "ns"), ("./q", "q", "q"),
         ("./r", "*", "*")],
    ),
    "javascript": (
        """
        import d, {a as b} from './m';
        const {one, two: other} = require('./z');
        class A extends B { x = 1; m(a) {} static s() {} }
        function f(a) {}
        """,
        ["class A", "field A.x", "function A.m", "function A.s", "function f"],
        [("./m", "a", "b"), ("./m", "default", "d"), ("./z", "one", "one"), ("./z", "two", "other")],
    ),
    "java": (
        """
        import a.b.C;
        import static a.b.D.*;
        public class Shape extends Base {
            private int sides = 3;
            Shape(int sides) {}
            public double area(String unit) { return 1; }
        }
        interface Drawn { void draw(); }
        """,
        ["class Shape", "field Shape.sides", "function Shape.Shape", "function Shape.area", "class Drawn",
         "function Drawn.draw"],
        [("a.b", "C", "C"), ("a.b.D", "*", "*")],
    ),
    "c": (
        """
        #include "shape.h"
        #define MAX 3
        struct shape { int sides; char *name; };
        typedef struct { int z; } point;
        static int area(struct shape *s) { return 1; }
        int *draw(int scale);
        """,
        ["variable MAX", "class shape", "field shape.sides", "field shape.name", "class point", "field point.z",
         "function area", "variable draw"],
        [("shape.h", "*", "*")],
    ),
    "cpp": (
        """
        #include <vector>
        namespace n {
        class A : public B { public: int f(int a) const; int m_; };
        template<class T> T h(T a) { return a; }
        }
        void n::A::q() {}
        """,
        ["module n", "class n.A", "field A.f", "field A.m_", "function n.h", "function A.q"],
        [("vector", "*", "*")],
    ),
    "csharp": (
        """
        using System.Text;
        namespace N {
          public class A : B { public int P { get; set; } int f; public void M(string s) {} enum E { X } }
        }
        """,
        ["class A", "field A.P", "field A.f", "function A.M", "class A.E", "field E.X"],
        [("System.Text", "*", "*")],
    ),
    "go": (
        """
        package x
        import (
          f "fmt"
          "a/b"
        )
        type T struct { A int }
        type I interface { M(x int) error }
        func (t *T) F(a int) string { return "" }
        func G() {}
        const C = 1
        """,
        ["class T", "field T.A", "class I", "field I.M", "method T.F", "function G", "variable C"],
        [("fmt", "", "f"), ("a/b", "", "b")],
    ),
    "rust": (
        """
        use crate::a::{B, c::D as E};
        pub struct S { pub a: i32 }
        enum En { A }
        trait T { fn m(&self); }
        impl T for S { fn m(&self) {} fn own(&self) {} }
        pub fn f<T>(a: T) -> i32 { 1 }
        """,
        ["class S", "field S.a", "class En", "field En.A", "class T", "function T.m", "function S.m", "function S.own",
         "function f"],
        [("crate::a", "B", "B"), ("crate::a::c", "D", "E")],
    ),
    "ruby": (
        """
        require_relative 'x/y'
        module M
          class A < B
            attr_reader :name, :size
            C = 1
            def f(a)
              @q = 1
            end
            def self.g; end
          end
        end
        """,
        ["module M", "class M.A", "field A.name", "field A.size", "field A.C", "function A.f", "field A.q",
         "function A.g"],
        [("./x/y", "*", "*")],
    ),
    "php": (
        """<?php
        use X\\Y as Z;
        use X\\{P, Q};
        require_once 'f.php';
        class C extends D { const K = 1; public int $p = 1; public function f(int $a): string { return ''; } }
        function g($x) {}
        """,
        ["class C", "field C.K", "field C.p", "function C.f", "function g"],
        [("X", "Y", "Z"), ("X", "P", "P"), ("X", "Q", "Q"), ("./f.php", "*", "*")],
    ),
    "kotlin": (
        """
        package a.b
        import x.y.Z
        import x.y.W as Q
        class A(val p: Int) : B() {
          val f = 1
          fun m(a: Int): String { return "" }
        }
        fun g(x: Int) = 1
        """,
        ["class A", "field A.f", "function A.m", "function g"],
        [("x.y", "Z", "Z"), ("x.y", "W", "Q")],
    ),
}  # fmt: skip


def dedented(text):
    lines = text.split("\n")
    return "\n".join(line.removeprefix("        ") for line in lines)


@pytest.mark.parametrize("language_id", CASES)
def test_definitions_and_imports(language_id):
    text, definitions, imports = CASES[language_id]
    found = outline(language_id, dedented(text))
    named = [f"{s.kind} {s.container}.{s.name}".replace(" .", " ") for s in found.symbols]
    assert named == definitions
    assert [(each.module, each.name, each.alias) for each in found.imports] == imports


WITH_GRAMMAR = [each.id for each in LANGUAGES.values() if each.grammar]


def test_every_grammar_has_a_case():
    tried = {GRAMMARS[language(language_id).grammar].package for language_id in CASES}
    assert tried == {each.package for each in GRAMMARS.values()}


@pytest.mark.parametrize("language_id", WITH_GRAMMAR)
def test_signatures_are_whole_lines_of_the_text(language_id):
    text = dedented(CASES.get(language_id, CASES["typescript"])[0])
    for symbol in outline(language_id, text).symbols:
        assert text.split("\n")[symbol.line].startswith(symbol.text.split("\n")[0])


@pytest.mark.parametrize("language_id", WITH_GRAMMAR)
@pytest.mark.parametrize("text", ["", "\n\n", "class (", "}}}}", "def f(\n", "\ud800", "import", "(" * 3000])
def test_broken_text_is_no_error(language_id, text):
    outline(language_id, text)


def test_a_signature_ends_where_the_body_begins_and_the_doc_is_its_first_line():
    text = 'def f(\n    a,\n    b,\n):\n    """Say\n    more."""\n    return a\n'
    (symbol,) = outline("python", text).symbols
    assert symbol.text == "def f(\n    a,\n    b,\n):"
    assert symbol.doc == "Say"


def test_every_name_of_an_assignment_is_defined_with_its_line():
    text = "(\n    A, B,\n    *C,\n) = range(9)\nD = E = 1\nq.z = w[0] = 2\nfor X in y:\n    F = X\n"
    symbols = [(each.name, each.line, each.text) for each in outline("python", text).symbols]
    assert sorted(symbols) == [("A", 1, "    A, B,"), ("B", 1, "    A, B,"), ("C", 2, "    *C,"), ("D", 4, "D = E = 1"),
                               ("E", 4, "D = E = 1"), ("F", 7, "    F = X")]  # fmt: skip


def test_a_text_of_many_pieces_is_read_as_a_whole():
    text = "".join(f"def größe_{number}(): return 'ü' * {number}\n\n\n" for number in range(PIECE_BYTES // 20))
    names = [symbol.name for symbol in outline("python", text).symbols]
    assert names == [f"größe_{number}" for number in range(PIECE_BYTES // 20)]


def test_a_comment_above_documents():
    (symbol,) = outline("go", "package x\n// Draw draws.\nfunc Draw() {}\n").symbols
    assert symbol.doc == "Draw draws."


def test_other_languages_have_no_outline():
    assert outline("cobol", "IDENTIFICATION DIVISION.").symbols == []
