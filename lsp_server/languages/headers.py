"""Tells a brace that opens a block from one that holds a value, by the text before it. Pure."""

from __future__ import annotations

import re

from lsp_server.languages.line_patterns import DOCUMENTED, FUNCTION
from lsp_server.languages.syntax import language

MAX_HEADER_CHARACTERS = 2000  # a longer one is generated code

# What a block's header ends with, before its brace: parameters and what may follow them, an arrow, or a word.
_AFTER_PARAMETERS = r"(?:\s*(?:->|:)\s*[^=;]+|\s+(?!is\b|as\b|in\b)[\w$.*&<>\[\], ?|]+)?"
_PARAMETERS_END = re.compile(rf"\){_AFTER_PARAMETERS}\s*$")
_BLOCK_WORDS = re.compile(
    r"(?:^|[\s};])(?:else|try|finally|catch|rescue|do|loop|unsafe|static|init|deinit|get|set|defer|async|extern)\s*$"
    r"|^\W*(?:else\s+)?(?:if|for|while|match|switch|select|guard|with|using|lock|foreach|namespace|enum|struct|class"
    r"|union|impl|mod|trait|extension|protocol|object|companion|package|extern|catch)\b(?!\s*[=:.?])"
)
_CLOSURE = re.compile(r"\|[^|]+\|$")
_EXPRESSION_END = re.compile(r"(?:[=:,(\[?|&+*/%!]|\b(?:return|yield|default|in|of|is|as|case|await|new))\s*$")
_ASSIGNED = re.compile(r"(?<![=!<>+*/%&|^:-])=(?![=>])|:=")
# A value in braces whose type ends in a bracket: `new A() {}` and C's `(A){}`.
_MADE = re.compile(r"\bnew\s+[\w$.<>, \[\]]+\([^()]*\)$|(?:[=(,]|\breturn)\s*\([\w\s*]+\)$")


def opens_block(header: str, language_id: str) -> bool:
    """Whether a brace behind a header opens a block. Other braces hold values: `x = {}`, `"a": {}`, `Point p{}`."""
    syntax = language(language_id)
    if syntax.has_python_blocks or not header or len(header) > MAX_HEADER_CHARACTERS:
        return False
    if header.endswith(("=>", "->")) or _CLOSURE.search(header):
        return True
    is_balanced = header.count("(") == header.count(")")
    if header.endswith("=") and is_balanced and FUNCTION.match(header):
        return True  # as in Scala: `def f(): Int = {`
    if _EXPRESSION_END.search(header) or _MADE.search(header):
        return False
    if header.endswith(")") or not (syntax.function_words or syntax.type_words):
        return True
    if not is_balanced:
        return False
    words = _BLOCK_WORDS.search(header) or DOCUMENTED.match(header)
    return bool(words or (_PARAMETERS_END.search(header) and not _ASSIGNED.search(header)))
