import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsp_server.prompt.comments import line_comment, path_comment


@pytest.mark.parametrize(
    ("language_id", "comment"),
    [
        ("python", "#"),
        ("shellscript", "#"),
        ("lua", "--"),
        ("sql", "--"),
        ("latex", "%"),
        ("clojure", ";;"),
        ("rust", "//"),
        ("javascript", "//"),
        ("a language nobody knows", "//"),
        ("", "//"),
    ],
)
def test_line_comment(language_id, comment):
    assert line_comment(language_id) == comment


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("src/main.py", "# src/main.py\n"),
        ("größe 寸法.py", "# größe 寸法.py\n"),
        ("a\nimport os\n.py", "# a?import os?.py\n"),
        ("a\r\tb\x00\x1b.py", "# a??b??.py\n"),
        ("a\u2028b\x85c\ud800.py", "# a?b?c?.py\n"),
    ],
)
def test_path_comment(path, line):
    assert path_comment("python", path) == line


@given(st.text(), st.text())
def test_a_path_is_one_line(language_id, path):
    assert len(path_comment(language_id, path).splitlines()) == 1
