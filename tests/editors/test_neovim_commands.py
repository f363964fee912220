"""`:Infill`, `:checkhealth infill`, the statusline and the help, as a user calls them."""

from __future__ import annotations

import itertools
import re

import pytest

from tests.editors.ghost import has_no_ghost_text, type_into
from tests.editors.neovim import PLUGIN
from tests.editors.texts import ACTIONS, edited

_numbers = itertools.count(1)


@pytest.fixture
def editor(neovim):
    """The shared editor, with the statusline."""
    neovim.command("set statusline=%{v:lua.require'infill'.statusline()}")
    neovim.terminal.wait_for_text("● infill ready")
    return neovim


def test_toggle_and_the_statusline(editor):
    editor.command("Infill toggle")
    editor.terminal.wait_for_text("infill: completion is off.", "○ infill off")
    assert has_no_ghost_text(editor)
    editor.command("Infill toggle")
    editor.terminal.wait_for_text("infill: completion is on.", "● infill ready")
    assert editor.offered(type_into(editor))


@pytest.mark.parametrize("scope", ["language", "folder"])
def test_toggle_in_part(editor, scope):
    type_into(editor)
    editor.command(f"Infill toggle {scope}")
    editor.terminal.wait_for_text("is off.")
    assert has_no_ghost_text(editor)
    editor.command(f"Infill toggle {scope}")
    editor.terminal.wait_for_text("is on.")
    assert editor.offered(type_into(editor))


def test_snooze(editor):
    editor.command("Infill snooze 0.1")
    editor.terminal.wait_for_text("infill: off for 0.1 minutes", "○ infill off")
    assert has_no_ghost_text(editor)
    editor.terminal.wait_for_text("● infill ready")
    assert editor.offered(type_into(editor))


@pytest.mark.parametrize(
    ("command", "texts"),
    [
        ("Infill", ["infill: ready with tiny-fim"]),
        ("Infill snooze soon", ["`:Infill snooze` takes minutes"]),
        ("Infill nonsense", ["there is no `:Infill nonsense`"]),
        ("Infill explain", ["trigger", "recall", "shown", "infill://explain"]),
        ("Infill dump", ["documents open", "engine ready", "infill://dump"]),
        ("Infill models", ["deepseek-coder-1.3b-base", "infill://models list"]),
        ("Infill messages", ["infill://messages"]),
        ("Infill log", ["lsp.log"]),
        ("help infill-commands", ["infill-commands", ":Infill snooze"]),
    ],
)
def test_what_commands_show(editor, command, texts):
    if command == "Infill explain":
        assert editor.offered(type_into(editor))  # there must be something to explain, whatever ran before
    editor.command("set statusline=%f")
    editor.command(command)
    editor.terminal.wait_for_text(*texts)


def test_its_arguments_are_completed(editor):
    editor.press("Escape")
    editor.terminal.paste(":Infill tog")
    editor.press("Tab")
    editor.terminal.paste(" fol")
    editor.press("Tab")
    editor.terminal.wait_for_text(":Infill toggle folder")
    editor.press("Escape")


def test_checkhealth(editor):
    editor.command("checkhealth infill")
    drawn_by = "Neovim" if "sid" in editor.environment["VIMRUNTIME"] else "this plugin"
    editor.terminal.wait_for_text(
        f"ghost text is drawn by {drawn_by}", "A server runs", "model: tiny-fim", "<Tab>: accept"
    )
    assert "WARNING" not in editor.terminal.screen()
    assert "ERROR" not in editor.terminal.screen()


def test_restart(editor):
    before = editor.tap.server_pid
    since = editor.tap.mark
    editor.command("Infill restart")
    editor.tap.wait_until_ready(since)
    assert editor.tap.server_pid != before
    assert editor.tap.sent("shutdown", since), "it was asked to end"
    assert editor.offered(type_into(editor))
    assert not [line for line in editor.messages() if "ended" in line]


def test_the_tags_of_the_help_are_those_neovim_makes(editor, tmp_path):
    (tmp_path / "infill.txt").write_bytes((PLUGIN / "doc" / "infill.txt").read_bytes())
    editor.command(f"helptags {tmp_path}")
    made = editor.wait_for(lambda: (tmp_path / "tags").exists() and (tmp_path / "tags").read_text(), "the tags")
    assert (PLUGIN / "doc" / "tags").read_text(encoding="utf-8") == made


def test_without_ghost_text_tab_is_a_tab(editor):
    editor.open(f"command-{next(_numbers)}.txt", "‸")
    editor.command("set noexpandtab")
    editor.press("i", "Tab", "x", "Escape")
    assert editor.saved() == "\tx\n"


@pytest.mark.parametrize("title", ACTIONS)
def test_a_code_action_writes_and_one_undo_takes_it_back(editor, title):
    editor.open(f"action-{next(_numbers)}.py", ACTIONS[title])
    since = editor.tap.mark
    if "sid" in editor.environment["VIMRUNTIME"]:
        editor.press("Escape", "g", "r", "a")
    else:  # which has no key for it
        editor.command("lua vim.lsp.buf.code_action()")
    editor.terminal.wait_for_text("Code actions:", title)
    found = re.search(rf"(\d+): {title}", editor.terminal.screen())
    editor.type(f"{found[1]}\n")
    edit = editor.tap.written(since)
    editor.terminal.wait_for_text(edit["newText"].strip().splitlines()[0])
    before = ACTIONS[title].replace("‸", "")
    assert editor.saved() == edited(before, edit)
    editor.undo()
    assert editor.saved() == before
