"""What the sources find, in small projects with a real index."""

import itertools
from dataclasses import replace

import pytest

from lsp_server.context.gather import CANDIDATES_PER_CLOCK_READ, LIMIT_MS
from lsp_server.context.name_weights import popularity_share
from lsp_server.context.ranking import rank
from lsp_server.index.symbols import outline

SHAPES = '''"""Shapes."""


class Base:
    def __init__(self, name: str) -> None:
        self.name = name

    def describe(self) -> str:
        return self.name


class Circle(Base):
    """A circle."""

    def __init__(self, radius: float) -> None:
        self.radius = radius

    def area(self) -> float:
        return 3 * self.radius


def make_circle(radius: float, *, label: str) -> Circle:
    return Circle(radius)


def _private(): ...
'''


def found(project, snapshot, source="", **options):
    """Candidates of a source: path and text, the best first."""
    gathered = project.gather(snapshot, **options)
    kept = [each for each in gathered.candidates if source in ("", each.source)]
    return [(each.path, each.text.strip()) for each in sorted(kept, key=lambda each: each.score, reverse=True)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("from shapes import make_circle\n\nx = ‸\n",
                     "def make_circle(radius: float, *, label: str) -> Circle:", id="imported and not used yet"),
        pytest.param("import shapes\n\nx = shapes.make_circle(‸)\n",
                     "def make_circle(radius: float, *, label: str) -> Circle:", id="called of a module"),
        pytest.param("import shapes\n\nx = ‸\n", "class Circle(Base):", id="what a module defines"),
        pytest.param("def f():\n    import shapes\n\n    return ‸\n", "class Circle(Base):", id="an inner import"),
        pytest.param("def f(circle: Circle):\n    return ‸\n", "def area(self) -> float:", id="an annotation"),
        pytest.param("from shapes import Circle\nc = Circle(1)\nc.‸\n", "self.radius", id="a constructor"),
        pytest.param("from shapes import make_circle\nc = make_circle(1)\nc.‸\n", "def area(self) -> float:",
                     id="what a function returns"),
        pytest.param("from shapes import Circle\nclass Disk(Circle):\n    def f(self):\n        return self.‸\n",
                     "def describe(self) -> str:", id="a base's base"),
        pytest.param(
            "from shapes import Circle\nclass A:\n    def __init__(self):\n        self.c = Circle(1)\n"
            "    def f(self):\n        return self.c.‸\n", "def area(self) -> float:", id="the type of a field"),
        pytest.param("def f(circle):\n    return circle.‸\n", "def area(self) -> float:", id="a variable called so"),
    ],
)  # fmt: skip
def test_definitions_and_members(project, text, expected):
    made = project({"shapes.py": SHAPES})
    assert ("shapes.py", expected) in found(made, made.at("main.py", text))


def test_other_languages(project):
    made = project(
        {
            "src/store.ts": "export class Store {\n  items: string[] = [];\n  addItem(item: string): void {}\n}\n",
            "com/y/Order.java": "package com.y;\npublic class Order {\n  public int totalPrice() { return 1; }\n}\n",
            "pkg/shape.go": "package pkg\n\ntype Shape struct {\n\tSides int\n}\n\n"
            "func (s *Shape) Area() int { return 1 }\n",
            "src/shape.rs": "pub struct Shape {\n    pub sides: i32,\n}\n\nimpl Shape {\n"
            "    pub fn area(&self) -> i32 {\n        1\n    }\n}\n",
            "include/shape.h": "struct shape {\n  int sides;\n};\nint shape_area(struct shape *s);\n",
        }
    )
    cases = [
        ("typescript", "src/a.ts", "import { Store } from './store';\nfunction f(s: Store) {\n  s.‸\n}\n", "addItem"),
        ("java", "com/x/A.java", "import com.y.Order;\nclass A {\n  int f(Order o) {\n    return ‸\n  }\n}\n",
         "totalPrice"),
        ("go", "pkg/main.go", "package pkg\n\nfunc f(s *Shape) int {\n\treturn ‸\n}\n", "Area"),
        ("rust", "src/main.rs", "use crate::shape::Shape;\nfn f(s: &Shape) -> i32 {\n    ‸\n}\n", "area"),
        ("c", "src/a.c", '#include "shape.h"\nint f(void) {\n  return ‸;\n}\n', "shape_area"),
    ]  # fmt: skip
    for language_id, path, text, expected in cases:
        candidates = found(made, made.at(path, text, language_id))
        assert any(expected in line for _, line in candidates), (language_id, candidates)


LONG = "".join(f"def filler_{number}():\n    return {number}\n\n\n" for number in range(800))
PROSE, CALLS = "Prose of it.\n" * 600, "call(1, 2)\n" * 100


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(f'"""{"Prose. " * 2000}\nimport what this says\n"""\nimport shapes\n\n{LONG}x = ‸\n',
                     id="behind a long head"),
        pytest.param(f"{LONG}from shapes import (\n    Circle,\n    make_circle,\n)\n\n{LONG}x = ‸\n",
                     id="in the middle"),
        pytest.param("def f():\n    import shapes\n" + "    call(1, 2)\n" * 2000 + "    return ‸\n",
                     id="at the head of a long function"),
        pytest.param(f'"""\n{PROSE}"""\nimport shapes\n\n{CALLS}"""Said."""\n{CALLS}x = ‸\n', id="below prose"),
        pytest.param(f"'''\n{PROSE}'''\nimport shapes\n\n{CALLS}'''Said.'''\n{CALLS}x = ‸\n",
                     id="below prose in other quotes"),
    ],
)  # fmt: skip
def test_imports_are_seen_wherever_they_stand(project, text):
    made = project({"shapes.py": SHAPES})
    assert any("def make_circle(" in line for _, line in found(made, made.at("main.py", text)))


def test_imports_are_seen_below_a_long_comment(project):
    made = project({"shapes.js": "export function makeCircle(radius) {}\n"})
    text = f'/*\n{PROSE}*/\nimport * as shapes from "./shapes";\n\n{CALLS}x = shapes.‸\n'
    lines = [line for _, line in found(made, made.at("main.js", text, "javascript"))]
    assert lines == ["export function makeCircle(radius) {}"]


def test_imports_far_below_are_seen_once_they_are_saved(project):
    """As people break circles: behind all that uses them."""
    saved = f"def f(circle):\n    shapes.show(circle)\n    x = 1\n\n\n{LONG}import shapes\nimport others\n"
    made = project({"shapes.py": SHAPES, "others.py": "def do_other(): ...\n", "main.py": saved})
    text = saved.replace("x = 1", "x = ‸").replace("import others\n", "")
    lines = [line for _, line in found(made, made.at("main.py", text), "definitions")]
    assert any("def make_circle(" in line for line in lines)
    assert not any("do_other" in line for line in lines), "it is imported no more"


def test_of_a_text_that_begins_behind_its_imports_the_saved_ones_count(project):
    made = project({"shapes.py": SHAPES, "main.py": "import shapes\n" + LONG})
    snapshot = replace(made.at("main.py", f"{LONG}x = ‸\n"), line=9999)
    assert any("def make_circle(" in line for _, line in found(made, snapshot))


def test_of_several_imports_of_everything_each_counts(project):
    head = "from others import *\n"
    made = project({"shapes.py": SHAPES, "others.py": "", "main.py": f"from shapes import *\n{head}{LONG}"})
    snapshot = replace(made.at("main.py", f"{head}{LONG}x = ‸\n"), line=9999)
    assert any("def make_circle(" in line for _, line in found(made, snapshot))


def test_what_the_project_uses_comes_first(project):
    uses = "from shapes import second\n\nsecond()\n"
    made = project({"shapes.py": "def first(): ...\ndef second(): ...\n", **{f"use{n}.py": uses for n in range(9)}})
    snapshot = made.at("main.py", "import shapes\n\nx = ‸\n")
    assert [line for _, line in found(made, snapshot, "definitions")] == ["def second(): ...", "def first(): ..."]


def test_what_similar_code_uses_comes_first(project):
    uses = "from shapes import {0}\n\n\ndef draw(canvas):\n    canvas.{1}({0}())\n"
    made = project(
        {
            "shapes.py": "def first(): ...\ndef second(): ...\n",
            "a.py": uses.format("first", "scroll"),
            "b.py": uses.format("second", "unfold"),
        }
    )
    snapshot = made.at("main.py", "import shapes\n\n\ndef paint(canvas):\n    canvas.unfold()\n    x = ‸\n")
    assert [line for _, line in found(made, snapshot, "definitions")] == ["def second(): ...", "def first(): ..."]


def test_a_name_that_nobody_uses_may_be_new():
    nobody, one_other, many = (popularity_share(num_places) for num_places in (1, 2, 41))
    assert one_other < nobody < many == 1.0
    assert popularity_share(0) == nobody, "not counted yet"


def test_what_a_module_says_of_itself_is_found(project):
    made = project({"shapes.py": "__version__ = '1.0'\n__all__ = ['A']\nA, B = 1, 2\n"})
    lines = [line for _, line in found(made, made.at("main.py", "import shapes\n\nx = ‸\n"), "definitions")]
    assert set(lines) == {"__version__ = '1.0'", "A, B = 1, 2"}


def test_similar_code(project):
    made = project(
        {
            "billing.py": "def total(invoice):\n    vat_rate = invoice.vat_rate\n    return net_amount * vat_rate\n",
            "weather.py": "def forecast(city):\n    return rain(city)\n",
        }
    )
    snapshot = made.at("main.py", "def tax(net_amount, vat_rate):\n    return ‸\n")
    assert [path for path, _ in found(made, snapshot, "similar")] == ["billing.py"]


def test_a_test_sees_what_it_tests(project):
    made = project({"pkg/shapes.py": SHAPES})
    snapshot = made.at("tests/test_shapes.py", "def test_area():\n    assert ‸\n")
    assert ("pkg/shapes.py", "def area(self) -> float:") in found(made, snapshot, "siblings")


def test_nothing_comes_of_the_document_itself(project):
    made = project({"shapes.py": SHAPES, "other.py": "from shapes import Circle\n"})
    gathered = made.gather(made.at("shapes.py", SHAPES + "\nx = Circle(1)‸\n"))
    assert "shapes.py" not in {each.path for each in gathered.candidates}


def test_unsaved_text_stands_in_for_what_was_saved(project):
    made = project({"shapes.py": SHAPES})
    text = SHAPES.replace("def area(self)", "def surface(self)")
    snapshot = made.at("main.py", "from shapes import Circle\nc = Circle(1)\nc.‸\n")
    texts = [line for _, line in found(made, snapshot, "members", unsaved={"shapes.py": outline("python", text)})]
    assert "def surface(self) -> float:" in texts
    assert "def area(self) -> float:" not in texts


def test_a_source_that_takes_too_long_is_cut_off(project):
    made = project({"shapes.py": "".join(f"def shape_{number}(): ...\n" for number in range(900))})
    snapshot = made.at("main.py", "import shapes\n\nx = ‸\n")
    ticks = itertools.count()
    gathered = made.gather(snapshot, clock=lambda: next(ticks) / 1000)
    assert any("cut off" in note for note in gathered.notes if note.startswith("imports"))
    found = [each for each in gathered.candidates if each.source == "definitions"]
    assert 0 < len(found) <= (LIMIT_MS["imports"] + 2) * CANDIDATES_PER_CLOCK_READ
    assert {note.partition(":")[0] for note in gathered.notes} == set(LIMIT_MS)


def test_an_index_that_is_damaged_meanwhile_has_nothing(project):
    made = project({"shapes.py": SHAPES})
    made.connection.close()
    gathered = made.gather(made.at("main.py", "import shapes\nx = ‸\n"))
    assert gathered.candidates == ()
    assert "could not be read" in gathered.notes[0]


def test_every_candidate_is_a_verbatim_excerpt(project):
    made = project(
        {"shapes.py": SHAPES, "billing.py": "import shapes\n\n\ndef total(circle):\n    return circle.area()\n"}
    )
    gathered = made.gather(made.at("main.py", "import shapes\n\n\ndef f(circle):\n    circle.area(‸)\n"))
    texts = {path: (made.root / path).read_text().split("\n") for path in ("shapes.py", "billing.py")}
    for each in gathered.candidates:
        for offset, line in enumerate(each.text.split("\n")):
            assert texts[each.path][each.line + offset].startswith(line)
        assert each.text.startswith(each.brief)
    assert len(gathered.candidates) > 5


def test_dependencies_come_before_dependents(project):
    made = project({"z_base.py": "class Base:\n    def hum(self): ...\n",
                    "a_mid.py": "from z_base import Base\nclass Mid(Base):\n    def go(self): ...\n"})  # fmt: skip
    snapshot = made.at("main.py", "from a_mid import Mid\nm = Mid()\nm.‸\n")
    assert [block.path for block in rank(snapshot, made.gather(snapshot), 500)] == ["z_base.py", "a_mid.py"]
