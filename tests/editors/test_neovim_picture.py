"""The picture of Neovim's page: `pytest tests/editors/test_neovim_picture.py --update-golden` takes a new one."""

from __future__ import annotations

from tests.editors.fetch import SID
from tests.editors.neovim import PLUGIN, SET_UP, Neovim
from tests.editors.picture import as_svg, text_of
from tests.editors.texts import CART

SIZE = (84, 20)
LOOKS = """
vim.o.termguicolors, vim.o.number = true, true
vim.o.statusline = " %f%=%{v:lua.require'infill'.statusline()} "
"""
CODE = CART + "        for item in items:\n            ‸\n"


def test_the_picture_of_the_page(tmp_path, update_golden):
    editor = Neovim(tmp_path / "neovim", SID, config=LOOKS + SET_UP, size=SIZE)
    try:
        editor.command("cd project")
        editor.open("first.py", "x = 1\n")
        editor.tap.wait_until_ready()
        editor.command("edit cart.py")
        since = editor.tap.mark
        editor.open("cart.py", CODE)
        editor.type("self.items.a")
        offered = editor.offered(since)
        editor.terminal.wait_for_text("● infill ready")
        svg = as_svg(editor.terminal.screen(styled=True), "Neovim", SIZE[0])
    finally:
        editor.close()
    picture = PLUGIN / "picture.svg"
    if update_golden:
        picture.write_text(svg, encoding="utf-8")
    shown = text_of(svg)
    assert f"self.items.a{offered.splitlines()[0]}" in shown
    assert "class Cart:" in text_of(picture.read_text(encoding="utf-8")), "the page has one of this kind"
