from tests.eval.retrieval.ground_truth import Project

FILES = {
    "__init__.py": "",
    "shapes.py": "class Circle:\n    def __init__(self):\n        self.radius = 1\n\n    def area(self):\n"
    "        return 1\n\n\ndef make_circle():\n    return Circle()\n",
    "main.py": "import os\nfrom . import shapes\nfrom pkg.shapes import Circle\n\n\ndef main(circle):\n"
    "    c = shapes.make_circle()\n    print(circle.area(), os.area)\n    return c.append(circle.radius)\n",
    "stars.py": "from .shapes import *\n\nx = make_circle()\n",
    "broken.py": "def (",
}


def needs(path):
    found = Project("pkg", FILES).needs()
    return {need.line: (set(need.imported), set(need.members)) for need in found if need.path == path}


def test_what_modules_define_and_what_members_are():
    # `area` stands on line 7 twice, once of a module that is not the project's; `append` is a list's.
    assert needs("main.py") == {6: ({"make_circle"}, set()), 7: (set(), {"area"}), 8: (set(), {"radius"})}


def test_names_of_a_star():
    assert needs("stars.py") == {2: ({"make_circle"}, set())}


def test_an_attribute_that_is_set_binds_no_name():
    files = {"__init__.py": "", "a.py": "from c import f\nf.__module__ = 'x'\n", "b.py": "from . import a\nx = a.f()\n"}
    assert list(Project("pkg", files).needs()) == []


def test_a_file_needs_nothing_of_itself():
    assert needs("shapes.py") == {}
