"""A server's life in Emacs: started, killed, missing, beside others, in menus; and what is said of it."""

from __future__ import annotations

import itertools
import json
import os
import signal
import sys
from pathlib import Path

import psutil
import pytest

from tests.editors.emacs import SET_UP
from tests.editors.fetch import RASS
from tests.editors.ghost import begin, file_with, ready
from tests.editors.messages import INLINE
from tests.editors.server import PATIENT, QUICK
from tests.editors.texts import TRIANGLE

_numbers = itertools.count(1)

WORDS_SERVER = f"""
(require 'eglot)
(push '(python-mode "{sys.executable}" "{Path(__file__).with_name("words_server.py")}") eglot-server-programs)
"""
# Corfu draws in a terminal only with a package that Debian lacks, or with Emacs 31: here it draws in the last line.
CORFU = """
(require 'corfu)
(setq corfu-auto t corfu-auto-prefix 2)
(cl-defmethod corfu--popup-support-p () t)
(cl-defmethod corfu--popup-show (_position _offset _width lines &rest _) (message "%s" (string-join lines " | ")))
(cl-defmethod corfu--popup-hide () nil)
(global-corfu-mode)
"""
MENU_SET_UP = "(setq infill-ghost-text nil)\n" + SET_UP


def said_of_servers(editor):
    return [line for line in editor.messages() if "eglot" in line or "jsonrpc" in line or "infill" in line]


def is_responsive(editor):
    """Whether typing still makes text."""
    editor.open(f"life-{next(_numbers)}.py", "‸\n")
    editor.type("typed")
    return editor.saved() == "typed\n"


def test_a_server_that_was_killed_comes_back_and_that_is_said_once(start_emacs):
    editor = ready(start_emacs())
    offered = begin(editor)
    editor.wait_for(lambda: outlived(editor, 3), "the time after which eglot starts a server again")
    since, said = editor.tap.mark, len(said_of_servers(editor))
    os.kill(editor.tap.server_pid, signal.SIGKILL)
    editor.hides(offered)
    editor.type("Q")
    editor.tap.wait_until_ready(since)
    assert editor.saved() == file_with("retQ")
    assert begin(editor)
    news = said_of_servers(editor)[said:]
    assert [line for line in news if "Reconnecting after unexpected server exit" in line] == news[1:2]
    assert len(news) == len(set(news)), "each is said once"


def outlived(editor, seconds):
    return psutil.Process(editor.tap.server_pid).create_time() + seconds + 2 < psutil.time.time()


def test_an_engine_that_was_killed_comes_back(start_emacs):
    editor = ready(start_emacs())
    begin(editor)
    said = said_of_servers(editor)
    (engine,) = psutil.Process(editor.tap.server_pid).children()
    since = editor.tap.mark
    engine.kill()
    editor.tap.wait_for(lambda: len(editor.tap.received("window/logMessage", since)) > 0, "another engine")
    assert begin(editor, "retu")
    assert said_of_servers(editor) == said


def test_a_program_that_is_missing_is_said_once(start_emacs):
    editor = start_emacs(config='(setq infill-command \'("no-such-infill" "serve"))' + SET_UP)
    assert is_responsive(editor)
    assert is_responsive(editor)
    assert said_of_servers(editor) == [
        "infill: no-such-infill is not on your PATH; `infill setup emacs --write' says where it is"
    ]


def test_a_session_of_two_hundred_keys_is_quiet(start_emacs):
    editor = ready(start_emacs())
    since, said = editor.tap.mark, editor.messages()
    offered = begin(editor)
    editor.press("Tab", "Enter", "Enter")
    code = "def perimeter(width, height):\ntotal = 2 * (width + height)\nreturn total\n\n\nfor side in range(3):\n"
    editor.type(code, pace_s=0.05)
    editor.type("print(square_area(side), rectangle_area(side, side), perimeter(side, 2))", pace_s=0.05)
    editor.press("C-/", "M-<", "C-o")
    editor.type('"""Areas."""', pace_s=0.05)
    assert editor.saved().startswith('"""Areas."""\n' + file_with(f"ret{offered}").rstrip("\n"))
    editor.terminal.wait_for_text("[eglot:project]")  # without an error, which a cancelled request is not
    assert editor.messages() == said
    assert editor.tap.received("window/showMessage", since) == []
    errors = [answer["error"]["code"] for _, answer in editor.tap.answers(INLINE, since) if "error" in answer]
    assert set(errors) <= {-32800}, "only what the editor cancelled itself"


def test_each_request_comes_behind_the_text_that_it_is_about(start_emacs):
    """Eglot itself tells of changes half a second later."""
    editor = ready(start_emacs())
    since = editor.tap.mark
    assert begin(editor, "return")
    length = {}
    for record in editor.tap.records()[since:]:
        message = record.get("message", {})
        if message.get("method") == "textDocument/didChange":
            document = message["params"]["textDocument"]["uri"]
            for change in message["params"]["contentChanges"]:
                length[document] = change["range"]["start"]["character"] + len(change["text"])
        elif message.get("method") == INLINE:
            assert length[message["params"]["textDocument"]["uri"]] == message["params"]["position"]["character"]


def test_acceptance_is_reported(start_emacs):
    editor = ready(start_emacs())
    since = editor.tap.mark
    offered = begin(editor)
    for key in ("M-Right", "Tab"):
        sent = len(editor.tap.answers("workspace/executeCommand", since))
        editor.press(key)
        editor.tap.wait_for(
            lambda sent=sent: len(editor.tap.answers("workspace/executeCommand", since)) > sent, "a report"
        )
        editor.wait_for(lambda: editor.terminal.screen(), "the screen")
    reports = [
        (request["params"]["command"], request["params"]["arguments"][0], answer["result"])
        for request, answer in editor.tap.answers("workspace/executeCommand", since)
    ]
    (first, part, is_known), (second, _, is_known_too) = reports
    assert (first, second) == ("infill.partiallyAccepted", "infill.acceptedCompletion")
    assert is_known
    assert is_known_too
    assert 0 < part["length"] < len(offered)
    begin(editor)
    since = editor.tap.mark
    editor.press("C-g")
    (request, answer), *_ = editor.tap.wait_for(
        lambda: editor.tap.answers("workspace/executeCommand", since), "the last report"
    )
    assert request["params"]["command"] == "infill.rejected"
    assert answer["result"]


@pytest.mark.parametrize("popup", ["corfu", "company"])
def test_the_menu_has_the_text_where_ghost_text_is_off(start_emacs, popup):
    config = {
        "corfu": CORFU,
        "company": "(require 'company)\n(global-company-mode)\n",
    }[popup]
    editor = ready(start_emacs(config=config + MENU_SET_UP, settings=PATIENT, packages=("compat", popup)))
    assert "inlineCompletionProvider" not in editor.tap.answers("initialize")[0][1]["result"]["capabilities"]
    editor.open("menu.py", TRIANGLE)
    since = editor.tap.mark
    editor.type("ret")
    item = menu_item(editor, since)
    editor.press("Enter")
    assert editor.saved() == file_with(item["textEdit"]["newText"])


def menu_item(editor, since):
    """The item of infill's that is in the menu on the screen."""

    def shown():
        for _, answer in reversed(editor.tap.answers("textDocument/completion", since)):
            for item in (answer.get("result") or {}).get("items", []):
                if item["label"] in editor.terminal.screen():
                    return item
        return None

    return editor.wait_for(shown, "the menu")


def test_completion_at_point_inserts_the_text(start_emacs):
    editor = ready(start_emacs(config=MENU_SET_UP, settings=PATIENT))
    editor.open("menu.py", TRIANGLE)
    since = editor.tap.mark
    editor.type("ret")
    editor.press("C-M-i")
    (_, answer), *_ = editor.tap.wait_for(lambda: editor.tap.answers("textDocument/completion", since), "the menu")
    (item,) = answer["result"]["items"]
    editor.wait_for(lambda: item["textEdit"]["newText"].split("\n")[0] in editor.terminal.screen(), "the text")
    assert editor.saved() == file_with(item["textEdit"]["newText"])


def test_ghost_text_goes_where_the_menu_has_the_keys(start_emacs):
    config = "(require 'company)\n(setq company-idle-delay nil)\n(global-company-mode)\n"
    editor = ready(start_emacs(config=config + beside() + SET_UP, packages=("company",)))
    since = editor.tap.mark
    editor.open("words.py", TRIANGLE)
    editor.type("print(ad")
    offered = editor.offered(since)
    editor.command("company-complete")
    editor.terminal.wait_for_text("adder", "address")
    assert not editor.shows(offered)
    editor.press("C-n", "Enter")
    offered = editor.offered(since)
    editor.press("Tab")
    assert editor.saved() == file_with(f"print(address{offered}")


def test_nothing_is_shown_while_the_minibuffer_has_the_keys(start_emacs):
    editor = ready(start_emacs())
    offered = begin(editor)
    since = editor.tap.mark
    editor.press("M-x")
    editor.terminal.wait_for_text("M-x")
    editor.wait_for(lambda: offered.split("\n")[0] not in editor.terminal.screen(), "the end of the ghost text")
    editor.type("fo")
    assert not editor.tap.sent(INLINE, since)


def beside():
    """For a configuration: another server for Python, and the multiplexer."""
    return WORDS_SERVER + f'(setq infill-multiplexer "{RASS}")\n'


def choose_adder(editor):
    """Complete `ad` with the other server's words: the first time, Emacs writes what they have in common."""
    editor.press("C-M-i")
    editor.terminal.wait_for_text("print(add")
    editor.press("C-M-i")
    editor.terminal.wait_for_text("adder", "address")
    editor.type("e")
    editor.press("C-M-i")
    editor.terminal.wait_for_text("print(adder")


def test_another_server_s_completions_are_as_they_were(start_emacs):
    editor = ready(start_emacs(config=beside() + SET_UP))
    since = editor.tap.mark
    editor.open("words.py", TRIANGLE)
    editor.type("print(ad")
    assert editor.offered(since)
    choose_adder(editor)
    offered = editor.offered(since)
    editor.press("Tab")
    assert editor.saved() == file_with(f"print(adder{offered}")


def test_without_the_multiplexer_it_is_said_that_the_other_server_is_missing(start_emacs):
    editor = ready(start_emacs(config=WORDS_SERVER + '(setq infill-multiplexer "no-such-rass")\n' + SET_UP))
    assert begin(editor)
    said = [line for line in said_of_servers(editor) if "rassumfrassum" in line]
    assert said == [f"infill is without {sys.executable} here: install rassumfrassum to have both"]


def test_where_only_infill_is_missing_the_other_server_runs(start_emacs):
    config = "(setq infill-command '(\"no-such-infill\"))\n(add-hook 'python-mode-hook #'eglot-ensure)\n"
    editor = start_emacs(config=WORDS_SERVER + config + SET_UP)
    editor.open("words.py", TRIANGLE)
    editor.terminal.wait_for_text("eglot:project")
    editor.type("print(ad")
    choose_adder(editor)


def test_settings_reach_the_server(start_emacs):
    editor = ready(start_emacs(settings=QUICK | {"completion": {"enabled": False}}))
    since = editor.tap.mark
    editor.open("settings.py", TRIANGLE)
    editor.type("ret")
    editor.tap.wait_for(lambda: editor.tap.answers(INLINE, since), "an answer")
    assert [answer["result"] for _, answer in editor.tap.answers(INLINE, since)] == [None]
    (initialize,) = editor.tap.sent("initialize")
    assert json.dumps(initialize["params"]["initializationOptions"]["completion"]) == '{"enabled": false}'
