import pytest

from lsp_server.languages.comments import line_comment


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
