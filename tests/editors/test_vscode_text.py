"""Ghost text in VS Code, accepted by keys: the file's text is exactly what the server meant."""

from __future__ import annotations

import itertools

import pytest

from tests.editors.texts import AREAS, POINT, TRIANGLE, Case

_numbers = itertools.count(1)


CASES = {
    "after a word": Case(TRIANGLE, "return "),
    "at the end of an indentation of spaces": Case(
        AREAS + "def triangle_area(base, height):‸\n", "\n", becomes="\n    ‸"
    ),
    "at the end of an indentation of tabs": Case(
        AREAS.replace("    ", "\t") + "def triangle_area(base, height):‸\n", "\n", becomes="\n\t‸"
    ),
    "in brackets that the editor closed": Case(TRIANGLE, "return max(", becomes="return max(‸)"),
    "several lines": Case(POINT, "self"),
    "after emoji": Case("# 😀 é\n" + TRIANGLE, "a = '😀😀'; return "),
    "in a file of CRLF": Case(POINT.replace("\n", "\r\n"), "self"),
    "where text follows": Case(AREAS + "area = rectangle_area(‸)\nprint(area)\n", "side, "),
}
SEVERAL_LINES = ("several lines", "in a file of CRLF")


@pytest.mark.parametrize("name", CASES)
def test_the_accepted_text_is_what_the_server_answered(vscode, name):
    case = CASES[name]
    since = vscode.tap.mark
    vscode.open(f"text-{next(_numbers)}.py", case.text)
    vscode.type(case.typed)
    offered = vscode.offered(since)
    assert "\n" in offered or name not in SEVERAL_LINES, "the model has changed: find another case"
    vscode.press("Tab")
    assert vscode.saved() == case.expected(offered)


def test_inside_a_word_the_menu_comes_first(vscode):
    """Where VS Code's menu is open, Tab takes its item, and again the rest."""
    vscode.open(f"text-{next(_numbers)}.py", CASES["after a word"].text)
    vscode.type("ret")
    since = vscode.tap.mark
    vscode.press("Control+Space")
    vscode.wait_for_text(".suggest-widget.visible .monaco-list-row.focused", "return")
    offered = vscode.offered(since)
    assert offered.startswith("urn"), "the text goes on from the menu's item"
    vscode.press("Tab")
    vscode.wait_for(lambda: vscode.shows(offered.removeprefix("urn")), "the rest")
    vscode.press("Tab")
    assert vscode.saved() == CASES["after a word"].expected("").replace("return \n", f"ret{offered}\n")
