"""Every rule has a name, and a switch."""

from typing import get_args

import pytest

from lsp_server.postprocess.filters import FILTERS, clean
from lsp_server.postprocess.stop import rules_for
from lsp_server.settings.model import RuleName
from tests.builders import snapshot_at

INSIDE_BRACKETS = snapshot_at("f(‸)\nlong line below\n")
AT_AN_END = snapshot_at("def f():\n    x = ‸\n    long line below\n")


def names_of(snapshot, multi_line="auto", **options) -> set[str]:
    return set(rules_for(snapshot, multi_line, 3, **options)._rules)


def test_the_settings_name_every_rule_and_filter():
    rules = names_of(INSIDE_BRACKETS, stops=("\n+++ ",)) | names_of(AT_AN_END)
    assert set(get_args(RuleName)) == rules | set(FILTERS)


@pytest.mark.parametrize("name", get_args(RuleName))
def test_a_rule_that_is_switched_off_has_no_part(name):
    for snapshot in (INSIDE_BRACKETS, AT_AN_END):
        assert name not in names_of(snapshot, stops=("\n+++ ",), switched_off=(name,))
    text = "  \n\tx)  \n"
    assert name not in clean(text, INSIDE_BRACKETS, (name,))[1]


def test_filters_have_a_part_unless_they_are_switched_off():
    assert clean("x)", INSIDE_BRACKETS)[0] == "x"
    assert clean("x)", INSIDE_BRACKETS, ("drop rest of line",))[0] == "x)"


@pytest.mark.parametrize(
    ("file", "text", "shown"),
    [
        pytest.param(
            "if x:\n\ty()\n‸", "if z:\n    w()\n    if v:\n        u()", "if z:\n\tw()\n\tif v:\n\t\tu()", id="tabs"
        ),
        pytest.param(
            "if x:\n  y()\n‸", "if z:\n\tw()\n\tif v:\n\t\tu()", "if z:\n  w()\n  if v:\n    u()", id="spaces"
        ),
        pytest.param("if x:\n\ty()\n‸", "f(a,\n\t  b)", "f(a,\n\t  b)", id="tabs and alignment"),
        pytest.param("if x:\n\ty()\nelse:\n  z()\n‸", "if z:\n    w()", "if z:\n    w()", id="both: nothing"),
        pytest.param("x = 1\n‸", "if z:\n\tw()", "if z:\n\tw()", id="none: nothing"),
        pytest.param("if x:\n\t‸", "    y()", "    y()", id="the cursor's line stands already"),
        pytest.param("if x:\n\ty()\n‸", "a\n\n  \nb", "a\n\n  \nb", id="blank lines"),
    ],
)
def test_a_text_is_indented_as_its_file(file, text, shown):
    assert FILTERS["indent as the file"](text, snapshot_at(file)) == shown
