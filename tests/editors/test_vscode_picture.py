"""The picture of VS Code's page: `pytest tests/editors/test_vscode_picture.py --update-golden` takes a new one."""

from __future__ import annotations

import shutil

from tests.editors.fetch_vscode import EXTENSION
from tests.editors.texts import CART

MAX_BYTES = 200_000
CODE = CART + "        ‸\n"


def test_the_picture_of_the_page(start_vscode, tmp_path, update_golden):
    editor = start_vscode()
    editor.tap.wait_until_ready()
    editor.wake()
    editor.press("Control+b")  # the list of files
    since = editor.tap.mark
    editor.open("cart.py", CODE)
    editor.type("for item in ")
    assert "\n" in editor.offered(since), "the model has changed: find another case"
    taken = tmp_path / "screenshot.png"
    editor.browser.do("picture", str(taken))
    picture = EXTENSION / "screenshot.png"
    if update_golden:
        shutil.copy(taken, picture)
    assert taken.stat().st_size < MAX_BYTES
    assert picture.stat().st_size < MAX_BYTES
