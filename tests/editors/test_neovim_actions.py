"""Code actions in Neovim, chosen by keys from its own list."""

from __future__ import annotations

import itertools
import re

import pytest

from tests.editors.texts import ACTIONS, edit_of, edited

_numbers = itertools.count(1)


@pytest.mark.parametrize("title", ACTIONS)
def test_an_action_writes_and_one_undo_takes_it_back(neovim, title):
    text = ACTIONS[title]
    neovim.command("nnoremap gra <Cmd>lua vim.lsp.buf.code_action()<CR>")  # a default since 0.11
    neovim.open(f"action-{next(_numbers)}.py", text)
    since = neovim.tap.mark
    neovim.press("Escape", "g", "r", "a")
    neovim.terminal.wait_for_text(title)
    listed = re.search(rf"(\d+)[:.] .*{title}", neovim.terminal.screen())
    assert listed, neovim.terminal.screen()
    neovim.press(listed[1], "Enter")
    neovim.tap.wait_for(lambda: neovim.tap.answers("codeAction/resolve", since), "what the model wrote")
    [(_, answer)] = neovim.tap.answers("codeAction/resolve", since)
    edit = edit_of(answer["result"])
    neovim.terminal.wait_for_text(edit["newText"].strip().splitlines()[0])
    after = neovim.saved()
    assert after == edited(text, edit) != text.replace("‸", "")
    neovim.press("u")
    assert neovim.saved() == text.replace("‸", "")
