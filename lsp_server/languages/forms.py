"""Forms of comments and strings, as data that `lexer.py` reads, and what builds them. Pure.

A record of `table.py` lists the forms of its language. Of two that begin at the same place, the
first counts.
"""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass, replace


class Kind(enum.Enum):
    """What a span of source text is. Regular expressions and here-documents are strings."""

    CODE = "code"
    COMMENT = "comment"
    STRING = "string"


@dataclass(frozen=True, slots=True, eq=False)
class Form:
    """One form of comment, of string, or of embedded code.

    All fields but `kind` and `language` are patterns of `re`, with MULTILINE and DOTALL. Most begin with a literal
    character, because `re` jumps to the next one of those; what stands before it is looked back at behind it, as in
    `'(?<!\\w')`. None looks further ahead than its line.

    - `begin`: how it begins. A group `tag` may stand in it, as in `<<(?P<tag>\\w+)`.
    - `end`: how it ends. Empty: it ends where `begin` does. `TAG` stands for what the group `tag` matched, `CLOSE` for
      the bracket that closes it.
    - `escape`: what does not end it, although `end` may match inside.
    - `code`: what begins code inside it, up to the bracket that closes its last character, as in `${`.
    - `nest`: what opens another level of it, as a comment in a comment does.
    - `lead`: what belongs to it and stands right before it, as the `f` of `f"…"`. A pattern for the end of a text.
    - `after`: the end of the code that must stand before it. Empty: it may stand anywhere.
    - `one_line`: it ends with its line. One that nothing closes on its line begins nothing, unless the line is the
      text's last: that may still be written.
    - `next_line`: it begins with the next line, as a here-document does.
    - `language`: the language of the code in it. Only for embedded code.
    """

    kind: Kind
    begin: str
    end: str = ""
    escape: str = ""
    code: str = ""
    nest: str = ""
    lead: str = ""
    after: str = ""
    one_line: bool = False
    next_line: bool = False
    language: str = ""


Forms = tuple[Form, ...]
_ESCAPE = r"\\."
_NO_ESCAPE = ""
DOLLAR_BRACE = r"\$\{"
HASH_BRACE = r"#\{"


def line(mark: str) -> Form:
    """A comment up to the end of its line. At the end of a text it may still be written."""
    return Form(Kind.COMMENT, mark, r"(?=\n)")


def block(begin: str, end: str, *, nests: bool = False) -> Form:
    """A comment between two texts."""
    return Form(Kind.COMMENT, re.escape(begin), re.escape(end), nest=re.escape(begin) if nests else "")


def quoted(begin: str, end: str = "", escape: str = _ESCAPE, code: str = "") -> Form:
    """A string on one line. Both quotes are patterns."""
    return Form(Kind.STRING, begin, end or begin, escape, code, one_line=True)


def long(begin: str, end: str = "", escape: str = _ESCAPE, code: str = "", nest: str = "") -> Form:
    """A string that may go on over several lines. Both quotes are patterns."""
    return Form(Kind.STRING, begin, end or begin, escape, code, nest)


def here_document(begin: str, end: str = r"^[ \t]*TAG$", code: str = "") -> Form:
    """A string that begins with the next line. `begin` has a group `tag`."""
    return Form(Kind.STRING, begin, end, _ESCAPE if code else "", code, next_line=True)


def code(pattern: str) -> Form:
    """Code that looks like the beginning of a form, as Perl's variable `$'` does."""
    return Form(Kind.CODE, pattern)


def text(pattern: str) -> Form:
    """A string that one pattern describes, as a character in apostrophes or an escaped one."""
    return Form(Kind.STRING, pattern)


def prefixed(lead: str, *forms: Form) -> Forms:
    """Strings with a prefix such as `r`. `lead` is a pattern for one, which belongs to no longer word."""
    return tuple(replace(form, lead=rf"(?<![\w.])(?:{lead})\Z") for form in forms)


def embedded(begin: str, end: str, language: str) -> Form:
    """Code of another language."""
    return Form(Kind.CODE, begin, end, language=language)


# Comments.
SLASHES = line("//")
HASH = line("#")
DASHES = line("--")
PERCENT = line("%")
SEMICOLON = line(";")
SLASH_STAR = block("/*", "*/")
NESTED_SLASH_STAR = block("/*", "*/", nests=True)
ML_COMMENT = block("(*", "*)", nests=True)
MARKUP_COMMENT = block("<!--", "-->")

# Strings.
DOUBLE = quoted('"')
SINGLE = quoted("'")
# Behind a word, an apostrophe belongs to it: `don't`, `x'`, `A'Length`, `1'000`.
WORD_SINGLE = quoted(r"'(?<!\w')", "'")
_CHARACTER = r"(?:\\[^\n']*|[^\\'\n])'|'(?<!\w')\\''"
CHARACTER = text(rf"'(?<!\w'){_CHARACTER}")
PREFIXED_CHARACTER = text(rf"'(?:(?<!\w')|(?<=\b[bLuU]')){_CHARACTER}")
LONG_DOUBLE = long('"')
LONG_SINGLE = long("'")
DOUBLED = long('"', escape='""')
DOUBLED_SINGLE = long("'", escape="''")
TRIPLE_DOUBLE = long('"""')
TRIPLE_SINGLE = long("'''")
RAW_BACKQUOTES = long("`", escape=_NO_ESCAPE)

# What may stand before a regular expression. Behind an operand, a slash divides.
_KEYWORDS = (
    "return|case|typeof|in|of|do|else|void|delete|throw|new|yield|await|if|elsif|unless|while|until|when|and|or|not|split"
    "|grep|map|x"
)
REGEX = Form(
    Kind.STRING, r"/(?![/*\n])", r"/[a-z]*", r"\\[^\n]|\[(?:\\[^\n]|[^\]\\\n])*+\]", one_line=True,
    after=rf"(?:\A|[(,=:\[!&|?{{}};+\-*%^~>]|^|(?<![\w.$])(?:{_KEYWORDS}))\s*\Z",
)  # fmt: skip
TEMPLATE = long("`", code=DOLLAR_BRACE)

HASHBANG = line(r"#!(?<!.#!)")
