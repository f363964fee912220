"""Files to type into, and what becomes of them: the same for every editor."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

AREAS = """\
def square_area(side):
    return side * side


def rectangle_area(width, height):
    return width * height


"""
TRIANGLE = AREAS + "def triangle_area(base, height):\n    ‸\n"
POINT = AREAS + "class Point:\n    def __init__(self, x, y, z):\n        ‸\n"
STACK = """\
class Stack:
    def __init__(self):
        self.items = []

    def push(self, item):
        self.items.append(item)

"""
CART = '''\
class Cart:
    """What a customer is about to buy."""

    def __init__(self):
        self.items = []

    def add(self, item):
        self.items.append(item)

    def remove(self, item):
        self.items.remove(item)

    def add_all(self, items):
'''


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


# What a typist who knows no menu comes upon, in a terminal.
TYPED = {
    "inside a word": Case(TRIANGLE, "ret"),
    "at the end of an indentation of spaces": Case(
        AREAS + "def triangle_area(base, height):‸\n", "\n", becomes="\n    ‸"
    ),
    "at the end of an indentation of tabs": Case(
        AREAS.replace("    ", "\t") + "def triangle_area(base, height):\n\t‸\n", "r"
    ),
    "in brackets that the editor closed": Case(
        STACK + "    def pop(self):\n        return self.items.pop()\n\n    def add(self, item):\n        ‸\n",
        "self.items.append(",
        becomes="self.items.append(‸)",
    ),
    "several lines": Case(POINT, "self"),
    "after emoji": Case("# 😀 é\n" + TRIANGLE, "print('😀😀'); ret"),
    "in a file of CRLF": Case(POINT.replace("\n", "\r\n"), "self"),
    "where text follows": Case(AREAS + "area = rectangle_area(‸)\nprint(area)\n", "wi"),
}
SEVERAL_LINES = ("several lines", "in a file of CRLF")


def first_word(text: str) -> str:
    """What the key that accepts a word takes of a text: the white space before it, and letters or signs."""
    found = re.match(r"\s*(\w+|[^\w\s]+)", text)
    assert found is not None
    return found.group()


# Where a code action is to be asked for, by its title.
ACTIONS = {
    "infill: write this body": STACK + "    def add(self, item):\n        pass‸\n",
    "infill: document this": CART.partition("\n    def add_all")[0].replace(
        "remove(self, item):", "remove(self, item):‸"
    ),
}


def edited(text: str, edit: dict[str, Any]) -> str:
    """A text after one of LSP's text edits."""
    lines = text.splitlines(keepends=True)

    def offset(position: dict[str, int]) -> int:
        return sum(map(len, lines[: position["line"]])) + position["character"]

    start, end = (offset(edit["range"][name]) for name in ("start", "end"))
    return text[:start] + str(edit["newText"]) + text[end:]
