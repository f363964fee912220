"""Identifiers and their word parts, by which similar code is found. Pure."""

from __future__ import annotations

import functools
import re

_IDENTIFIER = re.compile(r"[^\W\d]\w+")
_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[^\W\d_a-zA-Z]+|\d+")
_MIN_PART = 2
_MAX_IDENTIFIER = 80
# Keywords occur in every file, and so are no sign of similarity.
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
    """The identifiers of a text in order, without the keywords of common languages."""
    return [name for name in _IDENTIFIER.findall(text) if name.lower() not in _COMMON]


# Characters of identifiers and line breaks stay; all others become spaces. This is faster than a pattern search.
_BLANKED = bytes(byte if byte == 10 or byte > 127 or chr(byte).isalnum() or byte == 95 else 32 for byte in range(256))


def line_words(text: str) -> list[list[str]]:
    """The words of each line: identifiers, keywords and numbers. Characters beyond ASCII count as letters."""
    return [line.split() for line in _blanked(text).split("\n")]


def words(text: str) -> list[str]:
    """The same words of a text, as one list."""
    return _blanked(text).split()


def _blanked(text: str) -> str:
    return text.encode("utf-8", "replace").translate(_BLANKED).decode()


@functools.lru_cache(maxsize=1 << 16)
def parts(identifier: str) -> tuple[str, ...]:
    """An identifier's word parts in lower case: `readHTTPBody` has `read`, `http`, `body`."""
    found = (part.lower() for part in _PART.findall(identifier))
    return tuple(part for part in found if len(part) >= _MIN_PART)


@functools.lru_cache(maxsize=1 << 16)
def terms(identifier: str) -> tuple[str, ...]:
    """The search terms of an identifier: itself, and its word parts if there are several."""
    if len(identifier) > _MAX_IDENTIFIER or identifier.lower() in _COMMON:
        return ()
    whole = identifier.lower().replace("_", "")
    if not whole:
        return ()
    pieces = parts(identifier)
    return (whole,) if pieces in ((), (whole,)) else (whole, *pieces)


def terms_of(text: str) -> set[str]:
    """The search terms of a text."""
    return set().union(*map(terms, set(_IDENTIFIER.findall(text))))
