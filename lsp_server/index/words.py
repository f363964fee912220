"""Identifiers and the words they are made of, which is what similar code is found by. Pure."""

from __future__ import annotations

import functools
import re

_IDENTIFIER = re.compile(r"[^\W\d]\w+")
_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[^\W\d_a-zA-Z]+|\d+")
_MIN_PART = 2
_MAX_IDENTIFIER = 80
# In every file, and so no sign of similarity.
_COMMON = frozenset(
    {
        *("and", "as", "assert", "async", "await", "bool", "break", "case", "catch", "char", "class", "const"),
        *("continue", "def", "default", "del", "delete", "do", "double", "elif", "else", "enum", "except"),
        *("export", "extends", "false", "final", "finally", "float", "fn", "for", "foreach", "from", "func"),
        *("function", "global", "go", "if", "impl", "implements", "import", "in", "include", "instanceof"),
        *("int", "interface", "is", "lambda", "let", "long", "match", "mod", "mut", "namespace", "new", "nil"),
        *("none", "nonlocal", "not", "null", "number", "of", "or", "override", "package", "pass", "private"),
        *("protected", "pub", "public", "raise", "readonly", "ref", "require", "return", "self", "short"),
        *("static", "str", "string", "struct", "super", "switch", "template", "this", "throw", "throws"),
        *("trait", "true", "try", "type", "typedef", "typename", "typeof", "undefined", "union", "unsigned"),
        *("use", "using", "val", "var", "virtual", "void", "when", "where", "while", "with", "yield"),
    }
)


def identifiers(text: str) -> list[str]:
    """The identifiers of a text in order, keywords of usual languages left out."""
    return [name for name in _IDENTIFIER.findall(text) if name.lower() not in _COMMON]


# What may stand in an identifier stays, line breaks do, all else becomes a space: faster than to search for patterns.
_BLANKED = bytes(byte if byte == 10 or byte > 127 or chr(byte).isalnum() or byte == 95 else 32 for byte in range(256))


def line_words(text: str) -> list[list[str]]:
    """For each line, its words: identifiers, keywords and numbers, with characters beyond ASCII taken for letters."""
    return [line.split() for line in _blanked(text).split("\n")]


def words(text: str) -> list[str]:
    """The same words of a text, whatever their lines."""
    return _blanked(text).split()


def _blanked(text: str) -> str:
    return text.encode("utf-8", "replace").translate(_BLANKED).decode()


@functools.lru_cache(maxsize=1 << 16)
def parts(identifier: str) -> tuple[str, ...]:
    """An identifier's words in lower case: `readHTTPBody` is `read`, `http`, `body`."""
    found = (part.lower() for part in _PART.findall(identifier))
    return tuple(part for part in found if len(part) >= _MIN_PART)


@functools.lru_cache(maxsize=1 << 16)
def terms(identifier: str) -> tuple[str, ...]:
    """What an identifier is found by: itself, and its words where there are several."""
    if len(identifier) > _MAX_IDENTIFIER or identifier.lower() in _COMMON:
        return ()
    whole = identifier.lower().replace("_", "")
    pieces = parts(identifier)
    return (whole,) if pieces in ((), (whole,)) else (whole, *pieces)


def terms_of(text: str) -> set[str]:
    """Everything a text is found by."""
    return set().union(*map(terms, set(_IDENTIFIER.findall(text))))
