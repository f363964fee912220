"""Holes in the middle and at the ends of files."""

from __future__ import annotations

import pytest

from tests.eval.passthrough.attempts import Attempt, row_of, written
from tests.eval.passthrough.corpus import SourceFile
from tests.eval.passthrough.holes import Hole, end_holes, middle_holes

RUST = """\
use std::fmt;

struct Point {
    x: i32,
    y: i32,
}

impl Point {
    fn new(x: i32, y: i32) -> Self {
        Point { x, y }
    }

    fn length(&self) -> i32 {
        let sum = self.x + self.y;
        if sum < 0 {
            return -sum;
        }
        sum
    }
}

fn main() {
    println!("{}", Point::new(1, 2).length());
}
"""
PYTHON = """\
import sys


def double(value):
    result = value * 2
    return result


def main():
    for each in sys.argv[1:]:
        print(double(int(each)))
    print("done")


main()
"""
GO = """\
package a

func f(a []int, b interface{}) {
	for _, each := range a {
		g(each)
	}
	g(b)
}
"""
FILES = [SourceFile("small/a.rs", "rust", RUST), SourceFile("small/b.rs", "rust", "// a copy\n" + RUST)]


@pytest.mark.parametrize("take", [middle_holes, end_holes])
def test_holes_are_the_same_each_time_and_the_text_is_whole(take):
    holes = take(FILES, 12)
    assert holes == take(FILES, 12)
    assert len({(each.name, each.expected) for each in holes}) == len(holes) > 5
    for hole in holes:
        assert hole.before + hole.expected + hole.follows == hole.file.text
        assert hole.snapshot().prefix == hole.before


def test_in_the_middle_text_stands_below_and_every_kind_of_hole_comes():
    holes = middle_holes(FILES, 40)
    assert all(each.after.partition("\n")[2].strip() for each in holes)
    assert {each.kind for each in holes} == {"rest of a line", "whole lines", "a block to its end", "inside a line"}


def test_at_an_end_nothing_stands_below_and_the_block_is_whole():
    holes = end_holes(FILES, 20)
    assert {each.after for each in holes} == {""}
    assert all(each.expected.rstrip().endswith("}") for each in holes)


def _end(text: str, language: str, header: str, expected_end: str) -> Hole:
    """The hole behind a line of a text that goes up to another line."""
    holes = end_holes([SourceFile("small/x", language, text)], 200)
    found = [
        each
        for each in holes
        if (each.before + each.expected[:1]).rstrip().endswith(header) and each.expected.endswith(expected_end)
    ]
    assert found, [(each.before[-20:], each.expected) for each in holes]
    return found[0]


@pytest.mark.parametrize(
    ("language", "text", "header", "end", "may_go_on"),
    [
        pytest.param("rust", RUST, "-> Self {", "    }", False, id="a method below"),
        pytest.param("rust", RUST, "sum < 0 {", "        }", True, id="a statement in a function"),
        pytest.param("rust", RUST, "struct Point {", "}", False, id="a type on the top level"),
        pytest.param("rust", RUST, "-> i32 {", "    }", True, id="what closes the block around it"),
        pytest.param("go", GO, "range a {", "\t}", True, id="a type among the parameters"),
        pytest.param("python", PYTHON, "def double(value):", "return result", False, id="a function below"),
        pytest.param("python", PYTHON, "argv[1:]:", "(each)))", True, id="a statement in a function of Python"),
    ],
)
def test_a_block_may_go_on_where_a_statement_follows(language, text, header, end, may_go_on):
    assert _end(text, language, header, end).may_go_on is may_go_on


@pytest.mark.parametrize(
    ("text", "language"),
    [
        pytest.param("if (a) {\n  b();\n} else {\n  c();\n}\nd();\n", "javascript", id="another branch"),
        pytest.param("void f(int a,\n       int b)\n{\n}\n", "c", id="a header of two lines"),
        pytest.param("int f() {\n  a();\n#ifdef B\n  b();\n#endif\n}\n", "c", id="a line without indentation"),
        pytest.param("module A\n  def b\n", "ruby", id="no end"),
        pytest.param("a();\n/* Says\n   what b does. */\nb();\n", "c", id="a comment"),
    ],
)
def test_blocks_whose_end_cannot_be_told_are_left_out(text, language):
    holes = end_holes([SourceFile("small/x", language, text)], 50)
    assert [each for each in holes if not each.expected.rstrip().endswith("}")] == []


LINES = "    a = 1\n    b = 2\n    c = 3"


def _attempt(shown, oracle="runs-on", *, kind="at the end", may_go_on=False, expected="    a = 1", below="    b = 2"):
    follows = f"\n{below}\n"
    file = SourceFile("small/x.py", "python", f"def f():\n{expected}{follows}")
    return Attempt(Hole(file, kind, "def f():\n", expected, follows, may_go_on), oracle, shown, ("block ends",))


def _several(shown, below):
    return _attempt(shown, kind="whole lines", expected=LINES, below=below)


@pytest.mark.parametrize(
    ("attempt", "is_right"),
    [
        pytest.param(_attempt("    a = 1\n"), True, id="white space at the end is forgiven"),
        pytest.param(_attempt("    a = 1\n    b = 2"), False, id="too long"),
        pytest.param(_attempt("    a = 1\n    b = 2", may_go_on=True), True, id="it may go on"),
        pytest.param(_attempt("    a = 1\n    b =", may_go_on=True), False, id="half a line more"),
        pytest.param(_attempt("    a = 1\n    c = 2", may_go_on=True), False, id="another line more"),
        pytest.param(_attempt("    a = 1\n    b = 2", "exact", may_go_on=True), False, id="more than was written"),
        pytest.param(_attempt("    a"), False, id="too short"),
        pytest.param(_several("    a", "    d = 4"), False, id="too short in the middle"),
        pytest.param(_several("    a = 1", "    b = 2\n    c = 3"), True, id="the lines below stand in the text too"),
        pytest.param(_several("    a = 1", "    b = 2\n    d = 3"), False, id="only one of the two lines below does"),
    ],
)
def test_what_counts_as_right(attempt, is_right):
    assert attempt.is_right is is_right


def test_an_oracle_that_runs_on_writes_what_follows():
    [hole, *_] = end_holes(FILES, 1)
    assert written("runs-on", hole) == hole.expected + hole.follows
    assert written("exact", hole) == hole.expected + "\n"


def test_failures_are_counted_by_the_rules_behind_them():
    row = row_of("python", [_attempt("    a"), _attempt("    a = 1"), _attempt("    a = 1", "exact")])
    assert row.shares == {"ends": 1.0, "running on": 0.5}
    assert row.counts == {"ends": 1, "running on": 2}
    assert row.cuts == {"block ends": 1}
