"""Words in scripts with marks, and in scripts without spaces."""

import pytest

from lsp_server.text.words import is_joined, word_at_end


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("x = self", "self"),
        ("a.b_2", "b_2"),
        ("cafe\u0301", "cafe\u0301"),
        ("x = नमस्", "नमस्"),
        ("x = नमस्ते", "नमस्ते"),
        ("می\u200cخوا", "می\u200cخوا"),
        ("변수이름", "변수이름"),
        ("größe", "größe"),
        ("x‿y", "x‿y"),
        ("これは文です", ""),
        ("カタカナー", ""),
        ("か\u3099", ""),
        ("这是一个句子", ""),
        ("สวัสดี", ""),
        ("変数abc", "abc"),
        ("abc変数", ""),
        ("x.", ""),
        ("", ""),
        ("\u0301", "\u0301"),
    ],
)
def test_the_begun_word(text, word):
    assert word_at_end(text) == word


@pytest.mark.parametrize(
    ("before", "after", "joined"),
    [
        ("ab", "cd", True),
        ("ab", " cd", False),
        ("ab", ".cd", False),
        ("cafe", "\u0301", True),
        ("cafe\u0301", "s", True),
        ("नम", "स्ते", True),
        ("नमस", "्ते", True),
        ("日", "本", False),
        ("ひら", "がな", False),
        ("か", "\u3099", True),
        ("か\u3099", "き", False),
        ("ก", "ิน", True),
        ("กิ", "น", False),
        ("日", "x", False),
        ("", "x", False),
        ("x", "", False),
    ],
)
def test_inside_a_word(before, after, joined):
    assert is_joined(before + after, len(before)) is joined
