"""Patterns that classify a line of code by its first or its last words. Pure.

Each pattern is used for every document, whatever its language. The words come from the records of all languages
(`table.py`). The rest is syntax that several languages share.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from lsp_server.languages.syntax import LANGUAGES


def _any(words: Iterable[str]) -> str:
    """A pattern for one of the words. Longer words come first, so that `else` does not hide `elseif`."""
    return "|".join(sorted(map(re.escape, set(words)), key=lambda word: (-len(word), word)))


def _words(field: str) -> set[str]:
    """The words of all languages in a field of their records."""
    return {word for each in LANGUAGES.values() for word in getattr(each, field)}


_FUNCTION_WORDS = _any(_words("function_words"))
COMMENT_MARK = _any(each.line_comment for each in LANGUAGES.values())

# Statements and blocks (post-processing). `class` is the only word of a type that counts here.
_MODIFIERS = r"((async|export|default|pub|public|private|protected|static)\s+)*"
BRANCH = re.compile(rf"}}?\s*({_any(_words('branch_words'))})\b")
CASE = re.compile(rf"({_any(_words('case_words'))})\b")
BLOCK_END = re.compile(rf"({_any(_words('end_words'))})\b[;)]?")
FUNCTION = re.compile(rf"{_MODIFIERS}({_FUNCTION_WORDS})\b")
DEFINITION = re.compile(rf"@|{_MODIFIERS}(class|{_FUNCTION_WORDS})\b")

# Statements that are under way (post-processing): the first word of a header, and words behind which something follows.
CONTROL = re.compile(
    r"(?:\}\s*)?(?:if|elif|elsif|elseif|else|for|foreach|while|until|unless|with|switch|match|select|try|catch|except"
    r"|finally|do|loop|when|guard|using|async\s+for|async\s+with)\b(?!\s*[.=])"
)
CONNECTS = re.compile(
    r"(?<![\w.$@])(?:and|or|not|in|is|as|of|if|elif|elsif|elseif|else|for|foreach|while|until|unless|with|from|import|new"
    r"|await|lambda|instanceof|typeof|extends|implements|where|when|then|case|let|const|var|val|mut|public|private|protected"
    r"|static|async|except|catch|switch|match|throw|del|delete|assert|global|nonlocal|export|package|using|def"
    rf"|{_FUNCTION_WORDS}|{_any(_words('type_words'))}|SELECT|FROM|WHERE|AND|OR|NOT|JOIN|ON|ORDER|GROUP|BY|INTO|VALUES|SET)$"
)
CONTINUES = re.compile(r"[.?&|+*/:=<>-]")  # a line that begins so goes on with the statement above

# The end of a line below which a block begins, in the languages that indent one. A comment may follow.
BLOCK_START = re.compile(rf"([:{{(\[]|[-=]>|\b({_any(_words('opening_words'))}))\s*((#|//|--).*)?$")

# Definitions that documentation is written for (code actions). More modifiers and words count than above.
_MORE_MODIFIERS = (
    r"(?:(?:export|default|declare|public|private|protected|internal|static|final|abstract|async|override|virtual"
    r"|sealed|inline|constexpr|explicit|extern|open|suspend|data|partial|readonly|get|set|pub(?:\([^)]*\))?"
    r"|const|unsafe|local|template\s*<[^>]*>)\s+)*"
)
_FUNCTION_VALUE = r"(?:const|let|var)\s+\w+(?:\s*:[^=]+)?\s*=\s*(?:async\s*)?(?:function\b|\([^)]*\)[^=]*=>|\w+\s*=>)"
# A type has a name behind its word. Without one the word is a name itself: `type: string`, `record.add(x)`.
_NAMED_TYPE = rf"(?:{_any(_words('type_words'))})(?=\s+(?!(?:as|in|is|of|and|or|if|instanceof)\b)[\w$(~&]|\s*<)"
DOCUMENTED = re.compile(
    rf"{_MORE_MODIFIERS}(?:(?:{_FUNCTION_WORDS})\b(?!\s*[?!]?\s*[:=.,;)])|{_NAMED_TYPE}|{_FUNCTION_VALUE})"
)
TYPE = re.compile(rf"{_MORE_MODIFIERS}{_NAMED_TYPE}")
# A method or a function without a keyword: a name, parameters, and a block that opens behind them.
BRACED_METHOD = re.compile(
    _MORE_MODIFIERS + r"(?!(?:if|for|foreach|while|switch|catch|return|else|do|try|new|throw|using|lock|with|match|when"
    r"|synchronized|go|defer|await|yield|assert|delete|typeof|fixed|guard|repeat|unless|until|elif|elseif|elsif|loop|select)\b)"
    r"[\w$~#<>\[\],.\s*&:?]*[\w$~>*&]\s*\([^;]*\)[^;=]*\{\s*\}?$"
)
ANNOTATION = re.compile(r"@|#\[")
COMMENT_END = re.compile(r"(#(?!\[|include|define|if|endif|pragma)|//|--|\*/|.*\*/$|%)")

# Bodies that are yet to be written (code actions).
PLACEHOLDER = re.compile(
    r"(pass|\.\.\.|raise NotImplementedError(\(.*\))?|(todo|unimplemented)!\(.*\)|TODO\(.*\)"
    r"|throw new (NotImplemented|UnsupportedOperation)\w*\(.*\)"
    r"|(throw new \w+|raise|panic)\b.*\b(not implemented|todo)\b.*)[;,]?",
    re.IGNORECASE,
)
TODO = re.compile(r"(#|//|--|/\*|;+|%)\s*(TODO|FIXME)\b", re.IGNORECASE)

# Where a long text may be cut before it is parsed, and the class around a line (context).
CLASS_LINE = re.compile(r"\s*(?:[\w@()]+\s+)*?(?:class|struct|interface|impl|trait|object|enum)\s+(\w+)")
TOP_LINE = re.compile(r"^[^\W\d]|^@", re.MULTILINE)
INDENTED_DEFINITION = re.compile(
    r"^[ \t]+(?:@\w|(?:async|class|def|fn|func|fun|function|private|pub|public|static)\b)", re.MULTILINE
)
