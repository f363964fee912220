"""Words in any script, for what editors call the word at the cursor.

Python's `\\w` lacks marks, which many scripts write within a word. In scripts without spaces between words, it takes
a sentence for one word.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

_JOINERS = "\u200c\u200d"  # within words of Persian and of Indian scripts
# How the names of characters begin in scripts without spaces between words.
_SPACELESS = (
    "CJK ", "IDEOGRAPHIC ", "BOPOMOFO ", "HIRAGANA ", "KATAKANA", "HALFWIDTH KATAKANA ", "THAI ", "LAO ", "KHMER ",
    "MYANMAR ", "TAI ", "NEW TAI ",
)  # fmt: skip


@lru_cache(maxsize=4096)
def is_word_character(character: str) -> bool:
    """Whether a character is a letter, a mark, a number, a connector such as `_`, or a joiner (UTS 18, Annex C)."""
    category = unicodedata.category(character)
    return category[0] in "LMN" or category == "Pc" or character in _JOINERS


def is_joined(text: str, at: int) -> bool:
    """Whether a place in a text is inside a word, or between a character and its mark.

    A place between two letters of a script without spaces may be the end of a word, so it counts as one.
    """
    if not 0 < at < len(text) or not (is_word_character(text[at - 1]) and is_word_character(text[at])):
        return False
    return _is_mark(text[at]) or not (_is_spaceless(text[at]) or _is_spaceless(text[_base(text, at - 1)]))


def word_at_end(text: str) -> str:
    """The begun word that a text ends with; empty in a script without spaces between words."""
    if not text or not is_word_character(text[-1]) or _is_spaceless(text[_base(text, len(text) - 1)]):
        return ""
    start = len(text) - 1
    while is_joined(text, start):
        start -= 1
    return text[start:]


def _base(text: str, at: int) -> int:
    """The place of the letter that the marks up to `at` belong to."""
    while at > 0 and _is_mark(text[at]):
        at -= 1
    return at


@lru_cache(maxsize=4096)
def _is_mark(character: str) -> bool:
    return unicodedata.category(character)[0] == "M" or character in _JOINERS


@lru_cache(maxsize=4096)
def _is_spaceless(character: str) -> bool:
    return unicodedata.name(character, "").startswith(_SPACELESS)
