"""A server's life in Neovim: started, killed, missing, beside others; and what is said of it."""

from __future__ import annotations

import itertools
import json
import os
import signal
import sys
from pathlib import Path

import psutil

from tests.editors.fetch import SID
from tests.editors.ghost import begin, file_with
from tests.editors.messages import INLINE
from tests.editors.neovim import SET_UP, Neovim
from tests.editors.server import PATIENT, QUICK
from tests.editors.texts import TRIANGLE

_numbers = itertools.count(1)

WORDS_SERVER = f"""
vim.api.nvim_create_autocmd('FileType', {{ callback = function()
  vim.lsp.start({{ name = 'words', cmd = {{ '{sys.executable}', '{Path(__file__).with_name("words_server.py")}' }} }})
end }})
"""


def ready(editor, since=0):
    editor.open(f"life-{next(_numbers)}.py", "x = 1\n")
    editor.tap.wait_until_ready(since)
    return editor


def is_responsive(editor):
    """Whether typing still makes text."""
    editor.open(f"life-{next(_numbers)}.py", "‸\n")
    editor.type("typed")
    return editor.saved() == "typed\n"


def test_a_server_that_was_killed_comes_back_and_that_is_said_once(start):
    editor = ready(start())
    offered = begin(editor)
    since = editor.tap.mark
    os.kill(editor.tap.server_pid, signal.SIGKILL)
    editor.hides(offered)
    editor.type("Q")
    editor.press("Escape")
    editor.terminal.wait_for_text("infill: the server ended (signal 9); starting it again.")
    editor.tap.wait_until_ready(since)
    assert editor.saved() == file_with("retQ")
    assert begin(editor)
    assert [line for line in editor.messages() if "infill" in line.lower()] == [
        "infill: the server ended (signal 9); starting it again."
    ]


def test_a_server_that_keeps_ending_is_given_up(start):
    editor = ready(start())
    for _ in range(3):
        since, pid = editor.tap.mark, editor.tap.server_pid
        os.kill(pid, signal.SIGKILL)
        editor.tap.wait_for(lambda pid=pid: editor.tap.server_pid != pid, "another server")
        editor.tap.wait_until_ready(since)
    os.kill(editor.tap.server_pid, signal.SIGKILL)
    editor.terminal.wait_for_text("infill: the server keeps ending (signal 9). See :Infill log, then :Infill restart.")
    assert is_responsive(editor)
    since = editor.tap.mark
    editor.command("Infill restart")
    editor.tap.wait_until_ready(since)
    assert begin(editor)


def test_an_engine_that_was_killed_comes_back(start):
    editor = ready(start())
    begin(editor)
    (engine,) = psutil.Process(editor.tap.server_pid).children()
    since = editor.tap.mark
    engine.kill()
    editor.tap.wait_for(lambda: len(editor.tap.received("window/logMessage", since)) > 0, "another engine")
    assert begin(editor, "retu")
    assert [line for line in editor.messages() if "infill" in line.lower()] == []


def test_a_program_that_is_missing_is_said_once(start):
    editor = start(config="require('infill').setup({ cmd = { 'no-such-infill', 'serve' } })")
    assert is_responsive(editor)
    assert is_responsive(editor)
    assert [line for line in editor.messages() if "infill" in line] == [
        "infill: no-such-infill is not on your PATH; :checkhealth infill says what to do."
    ]


def test_a_session_of_two_hundred_keys_is_quiet(start):
    editor = ready(start())
    since = editor.tap.mark
    offered = begin(editor)
    editor.press("Tab", "Enter", "Enter")
    code = "def perimeter(width, height):\n    total = 2 * (width + height)\nreturn total\n\n\nfor side in range(3):\n"
    editor.type(code, pace_s=0.05)
    editor.press("BSpace", "BSpace")
    editor.type("print(square_area(side), rectangle_area(side, side), perimeter(side, 2))", pace_s=0.05)
    editor.press("Escape", "u", "C-r", "g", "g", "O")
    editor.type('"""Areas."""', pace_s=0.05)
    assert editor.saved().startswith('"""Areas."""\n' + file_with(f"ret{offered}").rstrip("\n"))
    assert editor.messages() == []
    assert editor.tap.received("window/showMessage", since) == []
    errors = [answer["error"]["code"] for _, answer in editor.tap.answers(INLINE, since) if "error" in answer]
    assert set(errors) <= {-32800}, "only what the editor cancelled itself"


def test_another_server_s_completions_are_as_they_were(start):
    editor = ready(start(config=WORDS_SERVER + SET_UP))
    since = editor.tap.mark
    editor.open("words.py", TRIANGLE)
    editor.type("print(ad")
    assert editor.offered(since)
    editor.press("C-x", "C-o")
    editor.terminal.wait_for_text("adder", "address")
    editor.press("C-n", "C-y")
    offered = editor.offered(since)
    column, row = editor.terminal.cursor()
    assert editor.terminal.screen().split("\n")[row][:column] == "    print(address"
    editor.press("Tab")
    assert editor.saved() == file_with(f"print(address{offered}")


def test_the_menu_has_the_text_where_ghost_text_is_off(start):
    setup = "require('infill').setup({ ghost_text = 'off', settings = vim.json.decode([[%s]]) })"
    editor = ready(start(config=WORDS_SERVER + setup, settings=PATIENT))
    capabilities = editor.tap.answers("initialize")[0][1]["result"]["capabilities"]
    assert "inlineCompletionProvider" not in capabilities
    editor.open("menu.py", TRIANGLE)
    since = editor.tap.mark
    editor.type("print(ad")
    editor.press("C-x", "C-o")
    editor.terminal.wait_for_text("adder", "address", "infill")
    (_, answer), *_ = editor.tap.answers("textDocument/completion", since)
    (item,) = answer["result"]["items"]
    text = item["documentation"]["value"].removeprefix("```python\n").removesuffix("\n```")
    selects(editor, text.split("\n")[0])
    editor.press("C-y")
    assert editor.saved() == file_with(f"print({text}")


def selects(editor, word):
    """Go through the menu until a word is selected; Neovim puts it into the text."""
    for _ in range(4):
        column, row = editor.terminal.cursor()
        if editor.terminal.screen().split("\n")[row].startswith(f"    print({word}"):
            return
        editor.press("C-n")
        editor.wait_for(lambda before=(column, row): editor.terminal.cursor() != before, "the next item")
    raise AssertionError(f"{word} is not in the menu")


def test_enabled_as_any_server_is(tmp_path):
    """With Neovim 0.11 and later nothing of the plugin needs to be called."""
    editor = Neovim(tmp_path / "enabled", SID, config="vim.lsp.enable('infill')")
    try:
        ready(editor)
        offered = begin(editor)
        editor.press("Tab")
        assert editor.saved() == file_with(f"ret{offered}")
    finally:
        editor.close()


def test_projects_share_one_server(start):
    editor = ready(start())
    other = editor.folder / "other"
    (other / ".git").mkdir(parents=True)
    (other / "module.py").write_text("y = 1\n")
    since = editor.tap.mark
    editor.command(f"edit {other / 'module.py'}")
    editor.tap.wait_for(lambda: editor.tap.sent("textDocument/didOpen", since), "the opening of the file")
    (change,) = editor.tap.sent("workspace/didChangeWorkspaceFolders", since)
    assert [folder["uri"] for folder in change["params"]["event"]["added"]] == [other.as_uri()]
    assert len([record for record in editor.tap.records() if "pid" in record]) == 1
    assert begin(editor)


def test_what_keys_did_before_they_do_without_ghost_text(start):
    """Whichever way they were mapped."""
    before = """
    vim.keymap.set('i', '<Tab>', function() return '<Esc>Aexpr' end, { expr = true })
    vim.keymap.set('i', '<M-Right>', function() vim.api.nvim_put({ ' called' }, 'c', true, true) end)
    vim.keymap.set('i', '<M-Down>', '<C-v>u00e9')
    """
    editor = ready(start(config=before + SET_UP))
    editor.open("keys.txt", "‸")
    for key in ("Tab", "M-Right", "M-Down"):
        editor.press(key)
    assert editor.saved() == "expr calledé\n"
    offered = begin(editor)
    editor.press("Tab")
    assert editor.saved() == file_with(f"ret{offered}")


def test_settings_reach_the_server(start):
    editor = ready(start(settings=QUICK | {"completion": {"enabled": False}}))
    since = editor.tap.mark
    editor.open("settings.py", TRIANGLE)
    editor.type("ret")
    editor.tap.wait_for(lambda: editor.tap.answers(INLINE, since), "an answer")
    assert [answer["result"] for _, answer in editor.tap.answers(INLINE, since)] == [[]]
    (initialize,) = editor.tap.sent("initialize")
    assert json.dumps(initialize["params"]["initializationOptions"]["completion"]) == '{"enabled": false}'
