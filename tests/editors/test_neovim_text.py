"""Ghost text in Neovim, accepted by keys: the buffer's text is exactly what the server meant."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import pytest

_numbers = itertools.count(1)

AREAS = """\
def square_area(side):
    return side * side


def rectangle_area(width, height):
    return width * height


"""
STACK = """\
class Stack:
    def __init__(self):
        self.items = []

    def push(self, item):
        self.items.append(item)

    def pop(self):
        return self.items.pop()

"""
FIRST = """\
def first(items):
    if not items:
        return None
    return items[0]


"""


@dataclass(frozen=True, slots=True)
class Case:
    """Typing `typed` at the mark in `text` makes `becomes` of it there; what is offered comes behind its mark."""

    text: str
    typed: str
    becomes: str = ""
    name: str = "case.py"

    def expected(self, offered: str) -> str:
        """The file once that is accepted."""
        before, _, after = self.text.partition("‸")
        head, _, tail = (self.becomes or f"{self.typed}‸").partition("‸")
        return before + head + offered + tail + after


CASES = {
    "inside a word": Case(AREAS + "def triangle_area(base, height):\n    ‸\n", "ret"),
    "at the end of an indentation of spaces": Case(
        AREAS + "def triangle_area(base, height):‸\n", "\n", becomes="\n    ‸"
    ),
    "at the end of an indentation of tabs": Case(
        AREAS.replace("    ", "\t") + "def triangle_area(base, height):\n\t‸\n", "r"
    ),
    "in brackets that the editor closed": Case(
        STACK + "    def add(self, item):\n        ‸\n", "self.items.append(", becomes="self.items.append(‸)"
    ),
    "several lines": Case(FIRST + "def last(items):\n    ‸\n", "if "),
    "after emoji": Case("# 😀 é\n" + AREAS + "def triangle_area(base, height):\n    ‸\n", "print('😀😀'); ret"),
    "in a file of CRLF": Case((FIRST + "def last(items):\n    ‸\n").replace("\n", "\r\n"), "if "),
    "where text follows": Case(AREAS + "area = rectangle_area(‸)\nprint(area)\n", "wi"),
}
SEVERAL_LINES = ("several lines", "in a file of CRLF")


@pytest.fixture
def pairing(neovim):
    """Brackets are closed by the editor, as many users have it."""
    neovim.command("inoremap ( ()<Left>")
    yield
    neovim.command("iunmap (")


@pytest.mark.parametrize("name", CASES)
def test_the_accepted_text_is_what_the_server_answered(neovim, name, request):
    case = CASES[name]
    if case.becomes.endswith("‸)"):
        request.getfixturevalue("pairing")
    since = neovim.tap.mark
    neovim.open(f"{next(_numbers)}-{case.name}", case.text)
    neovim.type(case.typed)
    offered = neovim.offered(since)
    assert "\n" in offered or name not in SEVERAL_LINES, "the model has changed: find another case"
    neovim.press("Tab")
    assert neovim.saved() == case.expected(offered)
