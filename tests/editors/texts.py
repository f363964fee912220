"""Files to type into, and what becomes of them: the same for every editor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

AREAS = """\
def square_area(side):
    return side * side


def rectangle_area(width, height):
    return width * height


"""
TRIANGLE = AREAS + "def triangle_area(base, height):\n    ‸\n"
FIRST = """\
def first(items):
    if not items:
        return None
    return items[0]


"""
LAST = FIRST + "def last(items):\n    ‸\n"
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


# Files with the mark where an action is asked for, by what the menu says of it.
ACTIONS = {
    "write this body": STACK + "    def add(self, item):\n        pass‸\n",
    "document this": CART.partition("\n    def add_all")[0].replace("remove(self, item):", "remove(self, item):‸"),
}


def edit_of(resolved: dict[str, Any]) -> dict[str, Any]:
    """The one edit of a resolved code action, in either of the protocol's forms."""
    edit = resolved["edit"]
    [edits] = [each["edits"] for each in edit.get("documentChanges", [])] or edit["changes"].values()
    [only] = edits
    return dict(only)


def edited(text: str, edit: dict[str, Any]) -> str:
    """A file of ASCII once an edit is in it."""
    whole = text.replace("‸", "")
    lines = whole.splitlines(keepends=True)

    def offset(position: dict[str, int]) -> int:
        return sum(map(len, lines[: position["line"]])) + position["character"]

    return whole[: offset(edit["range"]["start"])] + str(edit["newText"]) + whole[offset(edit["range"]["end"]) :]
