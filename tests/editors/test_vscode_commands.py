"""Code actions, the palette's commands, the status bar's menu, and settings, as a user reaches them in VS Code."""

from __future__ import annotations

import itertools
import time

import pytest

from tests.editors.messages import INLINE
from tests.editors.neovim import QUICK
from tests.editors.texts import ACTIONS, edited
from tests.editors.vscode import flat

_numbers = itertools.count(1)

RETURN = "def add(a, b):\n    return a + b\n\n\ndef sub(a, b):\n    ‸\n"
SUMS = "def add(a, b):\n    return a - b‸\n"
STATUS = ".statusbar-item[id='infill.infill.infill.status'], .statusbar-item[id*='infill.status']"


def type_into(editor, typed="return "):
    editor.open(f"command-{next(_numbers)}.py", RETURN)
    since = editor.tap.mark
    editor.type(typed)
    return since


def choose(editor, part):
    """Take the first item of the quick pick that has a text."""
    editor.wait_for_text(".quick-input-list .monaco-list-row", part)
    editor.type(part, 0)
    editor.wait_for_text(".quick-input-list .monaco-list-row.focused", part)
    editor.press("Enter")


def choose_action(editor, title):
    """Choose a code action. VS Code closes its list again while it still learns what it offers at a new place."""
    pressed_at = 0.0

    def listed():
        nonlocal pressed_at
        if not editor.texts(".action-widget") and time.monotonic() - pressed_at > 2.0:
            editor.press("Control+.")
            pressed_at = time.monotonic()
        return editor.texts(".action-widget .monaco-list-row", "infill: ")

    for each in editor.wait_for(listed, title):
        if title in each:
            break
        editor.press("ArrowDown")
    editor.press("Enter")


@pytest.fixture
def instructed(start_vscode, tmp_path):
    """An editor whose chat model replies what it is told to."""
    reply = tmp_path / "reply.txt"
    reply.write_text("Here:\n```python\nreturn a + b\n```\n")
    return start_vscode(settings={"model": "fake", "chat": {"model": f"fake:says={reply}"}})


@pytest.mark.parametrize("title", ACTIONS)
def test_a_code_action_writes_and_one_undo_takes_it_back(vscode, title):
    vscode.open(f"action-{next(_numbers)}.py", ACTIONS[title])
    since = vscode.tap.mark
    choose_action(vscode, title)
    edit = vscode.tap.written(since)
    vscode.wait_for_text(".view-line", edit["newText"].strip().splitlines()[0])
    before = ACTIONS[title].replace("‸", "")
    assert vscode.saved() == edited(before, edit) != before
    vscode.press("Control+z")
    assert vscode.saved() == before


def test_an_edit_by_instruction_is_shown_before_it_is_made(instructed):
    instructed.open("sums.py", SUMS)
    instructed.command("infill: Edit by Instruction")
    instructed.wait_for_text(".quick-input-titlebar", "Change line 2")
    instructed.type("add", 0)
    instructed.press("Enter")
    instructed.wait_for_text(".modified .view-line", "return a + b")
    instructed.wait_for_text(".original .view-line", "return a - b")
    choose(instructed, "Discard")
    instructed.wait_for(lambda: not instructed.texts(".modified .view-line"), "the end of the difference")
    assert instructed.saved() == SUMS.replace("‸", "")
    instructed.command("infill: Edit by Instruction")
    instructed.wait_for_text(".quick-input-titlebar", "Change line 2")
    instructed.type("add", 0)
    instructed.press("Enter")
    choose(instructed, "Apply")
    instructed.wait_for(lambda: not instructed.texts(".modified .view-line"), "the end of the difference")
    instructed.wait_for_text(".view-line", "return a + b")
    assert instructed.saved() == SUMS.replace("a - b‸", "a + b")
    instructed.press("Control+z")
    assert instructed.saved() == SUMS.replace("‸", "")
    assert not instructed.toasts()


def test_an_edit_by_instruction_without_a_chat_model_says_what_to_do(vscode):
    vscode.open(f"edit-{next(_numbers)}.py", SUMS)
    vscode.command("infill: Edit by Instruction")
    vscode.wait_for(lambda: "Set chat.model" in "".join(vscode.toasts()), "what to do")
    vscode.clear_toasts()


def test_off_and_on_by_the_menu(vscode):
    type_into(vscode)
    vscode.browser.do("click", STATUS)
    choose(vscode, "Switch completion off")
    vscode.wait_for_text(".statusbar-item", "completion is off")
    since = type_into(vscode)
    vscode.tap.wait_for(lambda: vscode.tap.answers(INLINE, since), "an answer")
    assert vscode.tap.texts(since) == []
    vscode.command("infill: Switch Completion Off or On")
    vscode.wait_for_text(".statusbar-item", "completion is on")
    assert vscode.offered(type_into(vscode))


def test_explaining_the_last_completion(vscode):
    vscode.offered(type_into(vscode))
    vscode.command("infill: Explain the Last Completion")
    vscode.wait_for_text(".tab.active", "last completion.txt")
    vscode.wait_for_text(".view-line", "trigger")
    vscode.press("Control+F4")


def test_models_are_listed_with_their_licences(vscode):
    vscode.command("infill: Select the Completion Model")
    vscode.wait_for_text(".quick-input-list .monaco-list-row", "deepseek-coder-1.3b-base")
    assert vscode.texts(".quick-input-list .monaco-list-row", "DeepSeek License")
    vscode.press("Escape")


def test_only_what_is_set_is_sent_and_a_change_is_followed(vscode):
    answers = vscode.tap.replies("workspace/configuration")
    assert answers[0] == [{name.removeprefix("infill."): value for name, value in flat(QUICK).items()}]
    since = vscode.tap.mark
    vscode.write_settings({**QUICK, "completion": {"multi_line": "never"}})
    changed = vscode.tap.wait_for(lambda: vscode.tap.replies("workspace/configuration", since), "the new settings")
    assert changed[-1][0]["completion.multi_line"] == "never"
    vscode.write_settings(QUICK)
    vscode.tap.wait_for(lambda: len(vscode.tap.replies("workspace/configuration", since)) > 1, "the old settings")
