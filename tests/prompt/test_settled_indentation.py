"""When the white space before the cursor is the indentation that the line is to have."""

import pytest

from lsp_server.prompt.settled_indentation import is_settled
from tests.builders import snapshot_at

SETTLED = {
    "below a line at the same depth": "def f():\n    x = 1\n    ‸",
    "deeper, below what opens a block": "def f():\n    ‸",
    "less deep": "def f():\n    if x:\n        y()\n    ‸",
    "blank lines between": "def f():\n\n\n    ‸",
    "in brackets, aligned": "call(first,\n     ‸)",
    "by tabs": "if (x) {\n\t‸\n}",
    "the first line": "    ‸",
    "a word like a keyword": "    undo\n    ‸",
}
OPEN = {
    "no indentation": "x = 1\n‸",
    "below a colon": "    if x:\n    ‸",
    "below a colon and a comment": "    if x:  # why\n    ‸",
    "below a brace": "\tif (x) {\n\t‸\n\t}",
    "below an open bracket": "    call(\n    ‸",
    "below an arrow": "    f = x =>\n    ‸",
    "below a word that opens": "    if x; then\n    ‸",
    "less deep than what opens": "        if x:\n    ‸",
    "text before the cursor": "    x‸",
    "a space behind text": "    x ‸",
}


@pytest.mark.parametrize("case", SETTLED)
def test_settled(case):
    assert is_settled(snapshot_at(SETTLED[case]))


@pytest.mark.parametrize("case", OPEN)
def test_open(case):
    assert not is_settled(snapshot_at(OPEN[case]))
