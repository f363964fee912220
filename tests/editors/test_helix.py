"""infill in Helix's menu, driven by keys."""

from __future__ import annotations

import itertools
import os
import signal

import pytest

from tests.editors.helix import LANGUAGES, MENU, Helix, other_server
from tests.editors.picture import as_svg, text_of
from tests.editors.texts import ACTIONS, AREAS, POINT, STACK, TRIANGLE, Case, edited

_numbers = itertools.count(1)


CASES = {
    "inside a word": Case(TRIANGLE, "ret", "‸"),
    "at the end of an indentation of spaces": Case(
        AREAS + "def triangle_area(base, height):\n    width = base‸\n", "\nret", "\n    ‸"
    ),
    "at the end of an indentation of tabs": Case(TRIANGLE.replace("    ", "\t"), "ret", "‸"),
    "in brackets that the editor closed": Case(
        STACK + "    def add(self, item):\n        ‸\n", "self.items.append(ite", "self.items.append(‸)"
    ),
    "several lines": Case(POINT, "sel", "‸"),
    "after emoji": Case("# 😀 é\n" + TRIANGLE, "print('😀😀'); ret", "print('😀😀'); ‸"),
    "in a file of CRLF": Case(POINT.replace("\n", "\r\n"), "sel", "‸"),
}
SEVERAL_LINES = ("several lines", "in a file of CRLF")


@pytest.fixture(scope="module")
def helix(tmp_path_factory):
    """An editor for all tests that want no other."""
    editor = ready(Helix(tmp_path_factory.mktemp("helix")))
    yield editor
    editor.close()


@pytest.fixture
def start(tmp_path):
    """Start an editor of one's own."""
    editors = []

    def start(**options):
        editors.append(Helix(tmp_path / f"helix-{len(editors)}", **options))
        return ready(editors[-1])

    yield start
    for editor in editors:
        editor.close()


def ready(editor):
    editor.open(f"first-{next(_numbers)}.py", "x = 1\n")
    editor.tap.wait_until_ready()
    return editor


def begin(editor, text=TRIANGLE, typed="ret"):
    """Type into a new file; returns infill's item in the menu."""
    since = editor.tap.mark
    editor.open(f"helix-{next(_numbers)}.py", text)
    editor.type(typed)
    return editor.offered(since)


def accept(editor, item):
    """Select an item, which Helix then has in the text, and keep it."""
    first = item["textEdit"]["newText"].splitlines()[0]
    for _ in range(5):
        before = editor.terminal.screen()
        editor.press("Tab")
        editor.terminal.wait_for(lambda before=before: editor.terminal.screen() != before, "the next item")
        if any(line.rstrip().endswith((first, f"{first})")) for line in numbered_lines(editor)):
            editor.press("Enter")
            return
    raise AssertionError(f"{first} cannot be selected:\n{editor.terminal.screen()}")


def numbered_lines(editor):
    """Lines of the file on the screen, without what the menu covers."""
    return [line for line in editor.terminal.screen().split("\n") if line[:5].strip().isdigit()]


@pytest.mark.parametrize("name", CASES)
def test_the_accepted_text_is_what_the_server_answered(helix, name):
    case = CASES[name]
    item = begin(helix, case.text, case.typed)
    new_text = item["textEdit"]["newText"]
    assert "\n" in new_text or name not in SEVERAL_LINES, "the model has changed: find another case"
    accept(helix, item)
    assert helix.saved() == case.expected(new_text)


def test_one_undo_takes_it_back(helix):
    item = begin(helix)
    accept(helix, item)
    helix.normal()
    helix.press("u")
    assert helix.saved() == TRIANGLE.replace("‸", "ret")


@pytest.mark.parametrize("title", ACTIONS)
def test_a_code_action_writes_and_one_undo_takes_it_back(helix, title):
    helix.open(f"action-{next(_numbers)}.py", ACTIONS[title])
    since = helix.tap.mark
    helix.normal()
    helix.press("Space", "a")
    helix.terminal.wait_for_text(title)
    helix.press("Enter")
    edit = helix.tap.written(since)
    helix.terminal.wait_for_text(edit["newText"].strip().splitlines()[0])
    before = ACTIONS[title].replace("‸", "")
    assert helix.saved() == edited(before, edit)
    helix.press("u")
    assert helix.saved() == before


def test_a_burst_of_keys_is_one_request(helix):
    helix.open(f"helix-{next(_numbers)}.py", TRIANGLE)
    since = helix.tap.mark
    helix.type("returned", pace_s=0.01)
    helix.tap.wait_for(lambda: helix.tap.answers(MENU, since), "an answer")
    assert len(helix.tap.sent(MENU, since)) <= 3, "Helix asks in a pause, and once more as the list is incomplete"


def test_a_session_of_two_hundred_keys_is_quiet(helix):
    since = helix.tap.mark
    accept(helix, begin(helix))
    helix.type("\n\nfor side in range(3):\nprint(square_area(side))\n" * 4, pace_s=0.05)
    helix.normal()
    helix.press("u", "U", "g", "g")
    assert "for side in range(3):" in helix.saved()
    assert helix.tap.received("window/showMessage", since) == []
    answers = helix.tap.answers(MENU, since)
    assert [answer for _, answer in answers if "error" in answer] == []
    assert len(answers) == len(helix.tap.sent(MENU, since)), "each is answered once"


def test_the_picture_of_the_page(tmp_path, update_golden):
    """`pytest tests/editors/test_helix.py --update-golden` takes a new one."""
    size = (84, 20)
    editor = Helix(tmp_path / "helix", size=size)
    try:
        item = begin(
            ready(editor),
            STACK + "    def push_all(self, items):\n        for item in items:\n            ‸\n",
            "self.pus",
        )
        editor.press("Tab")
        editor.terminal.wait_for_text("infill")
        svg = as_svg(editor.terminal.screen(styled=True), "Helix", size[0])
    finally:
        editor.close()
    picture = LANGUAGES.with_name("picture.svg")
    if update_golden:
        picture.write_text(svg, encoding="utf-8")
    assert item["textEdit"]["newText"].split("\n")[0][:9] in text_of(svg)
    assert "self.items" in text_of(picture.read_text(encoding="utf-8")), "the page has one of this kind"


def test_another_server_s_completions_are_as_they_were(start):
    languages = LANGUAGES.read_text(encoding="utf-8").replace('"infill"]', '"words", "infill"]')
    editor = start(languages=languages + f"\n[language-server.words]\n{other_server()}")
    editor.open("words.py", TRIANGLE)
    editor.type("x = ad")
    editor.terminal.wait_for_text("adder", "address")
    accept(editor, {"textEdit": {"newText": "x = address"}})
    assert editor.saved() == TRIANGLE.replace("‸", "x = address")


def test_without_its_server_the_editor_goes_on(start):
    editor = start()
    editor.open("alone.py", TRIANGLE)
    os.kill(editor.tap.server_pid, signal.SIGKILL)
    editor.type("returned", pace_s=0.05)
    assert editor.saved() == TRIANGLE.replace("‸", "returned")
    since = editor.tap.mark
    editor.command("lsp-restart infill")
    editor.tap.wait_until_ready(since)
    assert begin(editor)
