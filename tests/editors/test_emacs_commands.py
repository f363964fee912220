"""infill's commands, its code actions and the mode line, as a user reaches them in Emacs."""

from __future__ import annotations

import itertools

import pytest

from tests.editors.emacs import Emacs
from tests.editors.ghost import has_no_ghost_text, ready, served, type_into
from tests.editors.texts import ACTIONS, POINT, edited

_numbers = itertools.count(1)

SLOW = {"model": "fake:decode_ms=200", "engine": {"warm_up": False}}


@pytest.fixture(scope="module")
def emacs(tmp_path_factory):
    """An editor for all tests of this module."""
    yield from served(Emacs(tmp_path_factory.mktemp("emacs")))


def test_toggle_and_the_mode_line(emacs):
    emacs.command("infill-toggle")
    emacs.terminal.wait_for_text("infill: completion is off", "○ infill")
    assert has_no_ghost_text(emacs)
    emacs.command("infill-toggle")
    emacs.terminal.wait_for_text("infill: completion is on", "● infill")
    assert emacs.offered(type_into(emacs))


@pytest.mark.parametrize("scope", ["language", "folder"])
def test_toggle_in_part(emacs, scope):
    def toggle():
        emacs.press("C-u")
        emacs.command("infill-toggle")
        emacs.terminal.wait_for_text("Switch infill off, or on again, in:")
        emacs.type(scope)
        emacs.press("Enter")

    type_into(emacs)
    toggle()
    emacs.terminal.wait_for_text(" is off")
    assert has_no_ghost_text(emacs)
    toggle()
    emacs.terminal.wait_for_text(" is on")
    assert emacs.offered(type_into(emacs))


def test_snooze(emacs):
    emacs.command("infill-snooze")
    emacs.terminal.wait_for_text("for so many minutes")
    emacs.press("C-a", "C-k")
    emacs.type("0.1\n")
    emacs.terminal.wait_for_text("infill: off for 0.1 minutes", "○ infill")
    assert has_no_ghost_text(emacs)
    emacs.terminal.wait_for_text("● infill")
    assert emacs.offered(type_into(emacs))


@pytest.mark.parametrize(
    ("command", "texts"),
    [
        ("infill-status", ["infill: ready with tiny-fim"]),
        ("infill-explain", ["trigger", "recall", "shown", "*infill explain*"]),
        ("infill-models", ["deepseek-coder-1.3b-base", "*infill models list*"]),
        ("infill-log", ["stderr*"]),
        ("customize-group\ninfill", ["Infill Beside", "Infill Command"]),
    ],
)
def test_what_commands_show(emacs, command, texts):
    assert emacs.offered(type_into(emacs))
    emacs.command(command.partition("\n")[0])
    emacs.type(command.partition("\n")[2] + "\n" if "\n" in command else "")
    emacs.terminal.wait_for_text(*texts)
    emacs.press("C-x", "1")


def test_restart(emacs):
    type_into(emacs)
    before = emacs.tap.server_pid
    since = emacs.tap.mark
    emacs.command("infill-restart")
    emacs.tap.wait_until_ready(since)
    assert emacs.tap.server_pid != before
    assert emacs.tap.sent("shutdown", since), "it was asked to end"
    assert emacs.offered(type_into(emacs))


def test_where_no_server_runs_that_is_said(emacs):
    emacs.press("C-x", "b")
    emacs.type("*scratch*\n")
    emacs.terminal.wait_for_text(" *scratch* ")
    emacs.command("infill-trigger")
    emacs.terminal.wait_for_text("No infill server runs for this buffer")


def test_without_ghost_text_tab_is_a_tab(emacs):
    emacs.open(f"command-{next(_numbers)}.py", "def f():\n‸\n")
    emacs.press("Tab")
    emacs.type("x = 1")
    assert emacs.saved() == "def f():\n    x = 1\n"


def choose_action(editor, title):
    """Have a code action done, among those of the place."""
    editor.command("eglot-code-actions")
    editor.terminal.wait_for_text("Pick an action")
    editor.press("C-a", "C-k")
    editor.type(title)
    editor.press("Enter")


@pytest.mark.parametrize("title", ACTIONS)
def test_a_code_action_writes_and_one_undo_takes_it_back(emacs, title):
    emacs.open(f"action-{next(_numbers)}.py", ACTIONS[title])
    since = emacs.tap.mark
    choose_action(emacs, title)
    edit = emacs.tap.written(since)
    emacs.terminal.wait_for_text(edit["newText"].strip().splitlines()[0])
    before = ACTIONS[title].replace("‸", "")
    assert emacs.saved() == edited(before, edit)
    emacs.undo()
    assert emacs.saved() == before


def test_quitting_stops_a_code_action(start_emacs):
    editor = ready(start_emacs(settings=SLOW))
    title = next(iter(ACTIONS))
    editor.open("action.py", ACTIONS[title])
    since = editor.tap.mark
    choose_action(editor, title)
    (request,) = editor.tap.wait_for(lambda: editor.tap.sent("codeAction/resolve", since), "the request")
    editor.press("C-g")
    editor.terminal.wait_for_text("Quit")
    ((_, answer),) = editor.tap.wait_for(lambda: editor.tap.answers("codeAction/resolve", since), "the answer")
    assert [message["params"]["id"] for message in editor.tap.sent("$/cancelRequest", since)] == [request["id"]]
    assert answer["error"]["code"] == -32800
    editor.type("x")
    assert editor.saved() == ACTIONS[title].replace("‸", "x")


def test_at_the_end_of_a_buffer_without_a_line_break(emacs):
    since = emacs.tap.mark
    emacs.open(f"end-{next(_numbers)}.py", POINT.rstrip("\n"))
    emacs.type("self")
    offered = emacs.offered(since)
    first, line_break, more = offered.partition("\n")
    assert more, "the model has changed: find another case"
    emacs.press("M-Down")
    emacs.wait_for(lambda: emacs.shows(line_break + more), "the other lines")
    column, _ = emacs.terminal.cursor()
    assert column == len(f"        self{first}")
    emacs.press("Tab")
    assert emacs.saved() == POINT.replace("‸", f"self{offered}")
