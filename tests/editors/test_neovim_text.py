"""Ghost text in Neovim, accepted by keys: the buffer's text is exactly what the server meant."""

from __future__ import annotations

import itertools

import pytest

from tests.editors.texts import AREAS, LAST, STACK, TRIANGLE, Case

_numbers = itertools.count(1)

STACK_TO_POP = STACK + "    def pop(self):\n        return self.items.pop()\n\n"


CASES = {
    "inside a word": Case(TRIANGLE, "ret"),
    "at the end of an indentation of spaces": Case(
        AREAS + "def triangle_area(base, height):‸\n", "\n", becomes="\n    ‸"
    ),
    "at the end of an indentation of tabs": Case(
        AREAS.replace("    ", "\t") + "def triangle_area(base, height):\n\t‸\n", "r"
    ),
    "in brackets that the editor closed": Case(
        STACK_TO_POP + "    def add(self, item):\n        ‸\n", "self.items.append(", becomes="self.items.append(‸)"
    ),
    "several lines": Case(LAST, "if "),
    "after emoji": Case("# 😀 é\n" + TRIANGLE, "print('😀😀'); ret"),
    "in a file of CRLF": Case(LAST.replace("\n", "\r\n"), "if "),
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
