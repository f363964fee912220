"""Functions on text, each followed by the function that checks it."""

import re
import string


def slug(title):
    """A title as part of an address: lower case, words joined by hyphens."""
    words = []
    for word in title.lower().split():
        kept = "".join(letter for letter in word if letter.isalnum())
        if kept:
            words.append(kept)

    return "-".join(words)


def check_slug(candidate):
    assert candidate("Hello, World!") == "hello-world"
    assert candidate("  A  b ") == "a-b"
    assert candidate("...") == ""


def caesar(text, shift):
    """Move every letter along the alphabet, and leave the rest as it is."""
    lower = string.ascii_lowercase
    upper = string.ascii_uppercase
    moved_lower = lower[shift % 26 :] + lower[: shift % 26]
    moved_upper = upper[shift % 26 :] + upper[: shift % 26]
    table = str.maketrans(lower + upper, moved_lower + moved_upper)
    return text.translate(table)


def check_caesar(candidate):
    assert candidate("abc xyz", 3) == "def abc"
    assert candidate(candidate("Hello, World", 5), -5) == "Hello, World"
    assert candidate("Zz", 27) == "Aa"


def run_lengths(text):
    """Pairs of a character and how often it stands in a row."""
    pairs = []
    previous = None
    count = 0
    for character in text:
        if character == previous:
            count += 1
        else:
            if previous is not None:
                pairs.append((previous, count))
            previous = character
            count = 1
    if previous is not None:
        pairs.append((previous, count))
    return pairs


def check_run_lengths(candidate):
    assert candidate("aabccc") == [("a", 2), ("b", 1), ("c", 3)]
    assert candidate("") == []
    assert candidate("zz") == [("z", 2)]


def is_balanced(text):
    """Whether each bracket of a text has its partner."""
    partners = {
        ")": "(",
        "]": "[",
        "}": "{",
    }
    stack = []
    for character in text:
        if character in partners.values():
            stack.append(character)
        elif character in partners:
            # A closer without an opener, or with the wrong one.
            if not stack or stack.pop() != partners[character]:
                return False
    return not stack


def check_is_balanced(candidate):
    assert candidate("a(b[c]{d})")
    assert not candidate("(]")
    assert not candidate("((")
    assert not candidate(")")


def wrap_words(text, width):
    """Lines of at most `width` characters; a longer word has a line of its own."""
    lines = []
    line = ""
    for word in text.split():
        if not line:
            line = word
        elif len(line) + 1 + len(word) <= width:
            line = f"{line} {word}"
        else:
            lines.append(line)
            line = word
    if line:
        lines.append(line)
    return lines


def check_wrap_words(candidate):
    assert candidate("the quick brown fox", 9) == ["the quick", "brown fox"]
    assert candidate("", 5) == []
    assert candidate("extraordinary a b", 3) == ["extraordinary", "a b"]


def parse_duration(text):
    """Seconds of a text such as `1h 20m 5s`. Raises `ValueError` if it is none."""
    seconds_of = {"h": 3600, "m": 60, "s": 1}
    total = 0
    rest = text.strip()

    while rest:
        match = re.match(r"(\d+)\s*([hms])\s*", rest)
        if match is None:
            raise ValueError(f"no duration: {text!r}")
        total += int(match[1]) * seconds_of[match[2]]
        rest = rest[match.end() :]

    return total


def check_parse_duration(candidate):
    assert candidate("1h 20m 5s") == 4805
    assert candidate(" 2m") == 120
    assert candidate("") == 0
    try:
        candidate("soon")
    except ValueError as error:
        assert "soon" in str(error)
    else:
        raise AssertionError


def longest_common_prefix(words):
    """The longest text that all words begin with."""
    if not words:
        return ""
    shortest = min(words, key=len)
    for index, character in enumerate(shortest):
        for word in words:
            if word[index] != character:
                return shortest[:index]
    return shortest


def check_longest_common_prefix(candidate):
    assert candidate(["flower", "flow", "flight"]) == "fl"
    assert candidate([]) == ""
    assert candidate(["same", "same"]) == "same"
    assert candidate(["a", "b"]) == ""


def render_table(rows):
    """Rows as text, columns aligned to the left."""
    if not rows:
        return ""
    widths = [max(len(str(row[column])) for row in rows) for column in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [str(cell).ljust(width) for cell, width in zip(row, widths, strict=True)]
        lines.append(" | ".join(cells).rstrip())
    rule = "-+-".join("-" * width for width in widths)
    lines.insert(1, rule)
    return "\n".join(lines)


def check_render_table(candidate):
    assert candidate([("name", "n"), ("a", 10)]) == "name | n\n-----+---\na    | 10"
    assert candidate([]) == ""
