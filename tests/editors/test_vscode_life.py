"""A server's life in VS Code: killed, missing, restarted, beside another; and what is said of it."""

from __future__ import annotations

import itertools
import os
import signal
import time

import psutil
import pytest

from tests.editors.messages import INLINE
from tests.editors.texts import TRIANGLE

_numbers = itertools.count(1)

SENTENCE = "a session of typing that is long enough, with words and (brackets) and some numbers 12345; "


def begin(editor, typed="return "):
    """Type into a new file; returns the ghost text."""
    editor.open(f"life-{next(_numbers)}.py", TRIANGLE)
    since = editor.tap.mark
    editor.type(typed)
    return editor.offered(since)


def accepts(editor):
    """Whether a text that is offered can be accepted."""
    offered = begin(editor)
    editor.press("Tab")
    return editor.saved() == TRIANGLE.replace("‸", f"return {offered}")


def test_a_killed_server_is_started_again_and_that_is_said_once(vscode):
    begin(vscode)
    since = vscode.tap.mark
    os.kill(vscode.tap.server_pid, signal.SIGKILL)
    vscode.wait_for(vscode.toasts, "a word about it")
    vscode.tap.wait_until_ready(since)
    assert accepts(vscode)
    assert vscode.toasts() == ["infill: the server ended and is started again."]
    vscode.clear_toasts()


def test_a_killed_engine_is_started_again(vscode):
    assert accepts(vscode)
    since = vscode.tap.mark
    [engine] = psutil.Process(vscode.tap.server_pid).children()
    engine.kill()
    vscode.tap.wait_until_ready(since)
    assert accepts(vscode)
    assert len(vscode.toasts()) <= 1
    vscode.clear_toasts()


def test_restart_by_command(vscode):
    before = vscode.tap.server_pid
    since = vscode.tap.mark
    vscode.command("infill: Restart the Server")
    vscode.tap.wait_until_ready(since)
    assert vscode.tap.server_pid != before
    assert vscode.tap.sent("shutdown", since), "it was asked to end"
    assert accepts(vscode)
    assert not vscode.toasts()


def test_two_hundred_keys_without_a_word_about_anything(vscode):
    vscode.open(f"noise-{next(_numbers)}.txt", "‸\n")
    since = vscode.tap.mark
    for _ in range(3):
        vscode.type(SENTENCE)
        assert not vscode.toasts()
    vscode.tap.wait_for(lambda: vscode.tap.answers(INLINE, since), "answers")
    errors = [answer["error"] for _, answer in vscode.tap.answers(INLINE, since) if "error" in answer]
    assert {error["code"] for error in errors} <= {-32800}, "only what was cancelled"
    assert not vscode.tap.received("window/showMessage", since)


def test_another_server_s_completions_are_intact(vscode):
    """VS Code's own server for CSS answers in the same file."""
    vscode.open(f"style-{next(_numbers)}.css", "h1 {\n  color: red;\n  ‸\n}\n")
    since = vscode.tap.mark
    vscode.type("text-dec")
    vscode.tap.wait_for(lambda: vscode.tap.answers(INLINE, since), "an answer")
    vscode.press("Control+Space")  # beside ghost text VS Code does not always open the menu by itself
    vscode.wait_for_text(".suggest-widget.visible .monaco-list-row.focused", "text-decoration")
    assert not vscode.tap.sent("textDocument/completion", since), "the menu is the other's"
    time.sleep(0.5)  # VS Code's list takes no key in its first moment
    vscode.press("Enter")
    vscode.press("Escape")
    assert "\n  text-decoration" in vscode.saved()


@pytest.mark.parametrize("program", ["/nowhere/infill", "/bin/false"])
def test_a_server_that_does_not_start_is_said_once(start_vscode, program):
    editor = start_vscode(settings={"server": {"path": program}})
    editor.wait_for(editor.toasts, "a word about it")
    assert editor.toasts() == [f"infill: {program} did not start."]


def test_without_a_server_it_offers_to_install_one(start_vscode):
    editor = start_vscode(has_server=False)
    editor.wait_for(lambda: "infill needs its server" in "".join(editor.toasts()), "the offer")
    assert editor.texts(".notifications-toasts .monaco-button", "Install")
    editor.clear_toasts()
    editor.browser.do("click", ".statusbar-item[id*='infill.status']")
    editor.wait_for_text(".quick-input-list .monaco-list-row", "Install the server")
