"""The picture of Emacs's page: `pytest tests/editors/test_emacs_picture.py --update-golden` takes a new one."""

from __future__ import annotations

from tests.editors.emacs import PACKAGE, SET_UP, Emacs
from tests.editors.ghost import ready
from tests.editors.picture import as_svg, text_of
from tests.editors.texts import CART

SIZE = (84, 20)
LOOKS = """
(load-theme 'modus-vivendi t)
(menu-bar-mode -1)
(setq-default display-line-numbers t)
"""
CODE = CART + "        for item in items:\n            ‸\n"


def test_the_picture_of_the_page(tmp_path, update_golden):
    editor = Emacs(tmp_path / "emacs", config=LOOKS + SET_UP, size=SIZE)
    try:
        ready(editor)
        since = editor.tap.mark
        editor.open("cart.py", CODE)
        editor.type("self.items.a")
        offered = editor.offered(since)
        editor.terminal.wait_for_text("● infill")
        svg = as_svg(editor.terminal.screen(styled=True), "Emacs", SIZE[0])
    finally:
        editor.close()
    picture = PACKAGE / "picture.svg"
    if update_golden:
        picture.write_text(svg, encoding="utf-8")
    shown = text_of(svg)
    assert f"self.items.a{offered.splitlines()[0]}" in shown
    assert "a customer is about" in text_of(picture.read_text(encoding="utf-8")), "the page has one of this kind"
