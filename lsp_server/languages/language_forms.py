"""The forms of comments and strings of each language. Pure."""

from __future__ import annotations

import re
from dataclasses import replace

from lsp_server.languages.forms import (
    CHARACTER,
    DASHES,
    DOLLAR_BRACE,
    DOUBLE,
    DOUBLED,
    DOUBLED_SINGLE,
    HASH,
    HASH_BRACE,
    HASHBANG,
    LONG_DOUBLE,
    LONG_SINGLE,
    MARKUP_COMMENT,
    ML_COMMENT,
    NESTED_SLASH_STAR,
    PERCENT,
    PREFIXED_CHARACTER,
    RAW_BACKQUOTES,
    REGEX,
    SEMICOLON,
    SINGLE,
    SLASH_STAR,
    SLASHES,
    TEMPLATE,
    TRIPLE_DOUBLE,
    TRIPLE_SINGLE,
    WORD_SINGLE,
    Form,
    Forms,
    Kind,
    block,
    code,
    embedded,
    here_document,
    line,
    long,
    prefixed,
    quoted,
    text,
)  # fmt: skip

# The bracket of a string between brackets of one's choice, as in `%q(…)`.
_BRACKET = r"(?P<tag>[(\[{<])"
_LONG_SINGLE_NO_WORD = long(r"'(?<!\w')", "'")

# fmt: off
PLAIN: Forms = (SLASHES, SLASH_STAR, DOUBLE)
JSON = PLAIN
JSON5: Forms = (*PLAIN, SINGLE)

# With Python's blocks.
PYTHON: Forms = (HASH, *prefixed("[bBfFrRtTuU]{1,2}", TRIPLE_DOUBLE, TRIPLE_SINGLE, DOUBLE, SINGLE))
NIM: Forms = (
    block("#[", "]#", nests=True), HASH, long('"""', escape=""), quoted(r'"(?<=\br")', '"', '""'), DOUBLE, CHARACTER,
)
COFFEESCRIPT: Forms = (
    block("###", "###"), HASH, long('"""', code=HASH_BRACE), TRIPLE_SINGLE, long("///"),
    long('"', code=HASH_BRACE), LONG_SINGLE, REGEX,
)

# JavaScript. Behind a word, an apostrophe begins a string only if the word is none of prose. `//` behind a colon is an
# address in the text of JSX, and `/>` behind a brace ends a tag.
_TAG_END = Form(Kind.CODE, "/>", after=r"\}\s*\Z")
SCRIPT: Forms = (
    line(r"//(?<!:\/\/)"), SLASH_STAR, HASHBANG, DOUBLE,
    quoted(r"'(?:(?<!\w')|(?<=return')|(?<=case')|(?<=typeof')|(?<=from')|(?<=import')|(?<=else'))", "'"),
    TEMPLATE, _TAG_END, REGEX,
)

# With braces.
_C_LITERALS = prefixed("L|u8?|U", DOUBLE, PREFIXED_CHARACTER)
C: Forms = (SLASHES, SLASH_STAR, *_C_LITERALS)
OBJECTIVE_C: Forms = (SLASHES, SLASH_STAR, replace(DOUBLE, lead=r"@\Z"), CHARACTER)
CPP: Forms = (
    SLASHES, SLASH_STAR, *prefixed("(?:L|u8?|U)?R", long(r'"(?<=R")(?P<tag>[^()\\\s"]{0,16})\(', r'\)TAG"', "")),
    *_C_LITERALS,
)
CSHARP: Forms = (
    SLASHES, SLASH_STAR,
    *(replace(form, lead=r"[$@]+\Z") for form in (
        long(r'"(?P<tag>"{2,})(?!(?<=@""))', r'"TAG', ""), long(r'"(?:(?<=@")|(?<=@\$"))', '"', '""'),
        quoted(r'"(?<=\$")', '"', r"\\.|\{\{", r"\{"), DOUBLE,
    )),
    CHARACTER,
)
JAVA: Forms = (SLASHES, SLASH_STAR, TRIPLE_DOUBLE, DOUBLE, CHARACTER)
KOTLIN: Forms = (
    SLASHES, NESTED_SLASH_STAR, long('"""', '"""(?!")', "", DOLLAR_BRACE), quoted('"', code=DOLLAR_BRACE), CHARACTER,
)
SCALA: Forms = (
    SLASHES, NESTED_SLASH_STAR,
    *prefixed(
        r"\w+", long(r'"""(?<=\w""")', '"""(?!")', "", DOLLAR_BRACE),
        quoted(r'"(?<=\w")(?!"")', '"', code=DOLLAR_BRACE),
    ),
    long('"""', '"""(?!")', ""), DOUBLE, CHARACTER,
)
GROOVY: Forms = (
    SLASHES, SLASH_STAR, HASHBANG, long('"""', code=DOLLAR_BRACE), TRIPLE_SINGLE, quoted('"', code=DOLLAR_BRACE),
    WORD_SINGLE, long(r"\$/", r"/\$", r"\$\$|\$/", DOLLAR_BRACE), REGEX,
)
DART: Forms = (
    SLASHES, NESTED_SLASH_STAR, long(r'"""(?<=\br""")', '"""', ""), long(r"'''(?<=\br''')", "'''", ""),
    long('"""', code=DOLLAR_BRACE), long("'''", code=DOLLAR_BRACE), quoted(r'"(?<=\br")', '"', ""),
    quoted(r"'(?<=\br')", "'", ""), quoted('"', code=DOLLAR_BRACE), quoted("'", code=DOLLAR_BRACE),
)
GO: Forms = (SLASHES, SLASH_STAR, DOUBLE, RAW_BACKQUOTES, CHARACTER)
RUST: Forms = (
    SLASHES, NESTED_SLASH_STAR, *prefixed(
        "[bc]?r|[bc]", long(r'#(?:(?<=\br#)|(?<=\bbr#)|(?<=\bcr#))(?P<tag>#*)"', '"#TAG', ""),
        long(r'"(?:(?<=\br")|(?<=\bbr"))', '"', ""), LONG_DOUBLE, PREFIXED_CHARACTER,
    ),
)
SWIFT: Forms = (
    SLASHES, NESTED_SLASH_STAR, long(r'#(?<!##)(?P<tag>#*)"""', '"""#TAG', "", r"\\#+\("),
    quoted(r'#(?<!##)(?P<tag>#*)"', '"#TAG', "", r"\\#+\("), long('"""', '"""', r"\\[^(]", r"\\\("),
    quoted('"', '"', r"\\[^(]", r"\\\("),
)
ZIG: Forms = (SLASHES, text(r"\\\\[^\n]*"), DOUBLE, CHARACTER)
D: Forms = (
    SLASHES, SLASH_STAR, block("/+", "+/", nests=True), RAW_BACKQUOTES, long(r'"(?<=\br")', '"', ""),
    long(rf'"(?<=\bq"){_BRACKET}', 'CLOSE"', ""), long(r'"(?<=\bq")(?P<tag>\w+)$', '^TAG"', ""), LONG_DOUBLE, CHARACTER,
)
PHP: Forms = (
    SLASHES, SLASH_STAR, line(r"#(?!\[)"), embedded(r"\?>", r"<\?(?:php\b|=)?", "html"),
    here_document(r"<<<[ \t]*'(?P<tag>\w+)'", r"^[ \t]*TAG\b"),
    here_document(r'<<<[ \t]*"?(?P<tag>\w+)"?', r"^[ \t]*TAG\b"), LONG_DOUBLE, LONG_SINGLE,
)
CSS: Forms = (SLASH_STAR, code(r"url\([^\"'\n)]*\)"), DOUBLE, SINGLE)
SCSS: Forms = (line(r"//(?<!:\/\/)"), *CSS)
R: Forms = (
    HASH, long(r'"(?<=\b[rR]")(?P<tag>-*)[(\[{]', r'[)\]}]TAG"', ""), LONG_DOUBLE, LONG_SINGLE, quoted("`", "`", ""),
)
POWERSHELL: Forms = (
    text(r"`[^\n]"), block("<#", "#>"), line(r"#(?<![\w$]#)"), long(r'"(?<=@")$', '^"@', "", r"\$\("),
    long(r"'(?<=@')$", "^'@", ""), long('"', '"', '`.|""', r"\$\("), DOUBLED_SINGLE,
)
TCL: Forms = (
    text(r"\\[^\n]"), Form(Kind.COMMENT, "#", r"(?=\n)", after=r"(?:^|[;{])[ \t]*\Z"), long(r'"(?<![^\s\[{(]")', '"'))

# Perl. Its quote-like operators take any bracket or sign.


def _perl_quotes(word: str, signs: str) -> Forms:
    begin = word + rf"(?<![\w$@%&>-]{word})"
    return (
        long(rf"{begin}[ ]?{_BRACKET}(?!=[>])", "CLOSE", nest="TAG"),
        long(rf"{begin}(?P<tag>[{signs}])", "TAG"),
    )


def _perl_replacement(word: str) -> Forms:
    begin = word + rf"(?<![\w$@%&>-]{word})"
    signs = (re.escape(sign) for sign in "/|!#~,")
    return (
        *(text(rf"{begin}{sign}(?:(?:\\.|[^{sign}\\\n])*+{sign}){{2}}[a-z]*") for sign in signs),
        long(rf"{begin}{_BRACKET}", "CLOSE", nest="TAG"),
    )


PERL: Forms = (
    Form(Kind.COMMENT, r"=(?<=^=)[a-z]\w*", r"^=cut\b[^\n]*"),
    Form(Kind.COMMENT, r"_(?<=^_)_(?:END|DATA)__$", r"\Z"),
    line(r"#(?<!\$#)"), code(r"\$[\"'`/#]"),
    here_document(r"<<~?[ ]?'(?P<tag>\w+)'"), here_document(r'<<~?[ ]?"(?P<tag>\w+)"'),
    here_document(r"<<~?(?P<tag>[A-Z_a-z]\w*)"),
    *(each for word in ("qq", "qw", "qr", "qx", "q", "m") for each in _perl_quotes(word, "/|!#~,^+")),
    *(each for word in ("s", "tr", "y") for each in _perl_replacement(word)),
    LONG_DOUBLE, _LONG_SINGLE_NO_WORD, long("`"), REGEX,
)

# With words that end blocks.
RUBY: Forms = (
    Form(Kind.COMMENT, r"=(?<=^=)begin\b", r"^=end\b[^\n]*"), Form(Kind.COMMENT, r"_(?<=^_)_END__$", r"\Z"), HASH,
    code(r"\$[\"'`/]"), text(r"\?(?<![\w)\]]\?)(?:\\[^\n]|[^\s\w])(?!\w)"),
    here_document(r"<<[~-]?'(?P<tag>\w+)'"), here_document(r"<<[~-]?[\"`](?P<tag>\w+)[\"`]", code=HASH_BRACE),
    here_document(r"<<(?<!\w<<)[~-]?(?P<tag>[A-Z_]\w*)", code=HASH_BRACE),
    here_document(r"<<[~-](?P<tag>\w+)", code=HASH_BRACE),
    long(rf"%[qws]{_BRACKET}", "CLOSE", nest="TAG"),
    long(rf"%[QWIrix]?(?<![\w)]%)(?<![\w)]%.){_BRACKET}", "CLOSE", nest="TAG", code=HASH_BRACE),
    long(r"%[qQwWiIrx](?P<tag>[|!/^,])", "TAG"),
    long('"', code=HASH_BRACE), _LONG_SINGLE_NO_WORD, long("`", code=HASH_BRACE), REGEX,
)
LUA: Forms = (
    Form(Kind.COMMENT, r"--\[(?P<tag>=*)\[", r"\]TAG\]"), DASHES, long(r"\[(?P<tag>=*)\[", r"\]TAG\]", ""), DOUBLE,
    SINGLE,
)
SHELL: Forms = (
    text(r"\\[^\n]"), line(r"#(?<![^\s;&|(`]#)"), code("<<<"),
    here_document(r"<<-?[ \t]*'(?P<tag>[^'\n]+)'", r"^\t*TAG$"),
    here_document(r'<<-?[ \t]*\\?"?(?P<tag>[A-Za-z_][\w.-]*|[!@%]\w*)"?', r"^\t*TAG$"),
    long(r"'(?<=\$')", "'"), long("'", "'", ""), long('"', code=r"\$\{|\$\("),
)
FISH: Forms = (text(r"\\[^\n]"), line(r"#(?<![^\s;&|(]#)"), LONG_DOUBLE, LONG_SINGLE)
ELIXIR: Forms = (
    HASH, text(r"\?(?<!\w\?)(?:\\[^\n]|[^\s\w])"),
    long(r'~[a-z]"""', '"""', code=HASH_BRACE), long(r'~[A-Z]+"""', '"""', ""),
    long(r"~[a-z]'''", "'''", code=HASH_BRACE), long(rf"~[a-z]{_BRACKET}", "CLOSE", code=HASH_BRACE),
    long(rf"~[A-Z]+{_BRACKET}", "CLOSE", ""), long(r"~[a-z](?P<tag>[/|\"'])", "TAG", code=HASH_BRACE),
    long(r"~[A-Z]+(?P<tag>[/|\"'])", "TAG", ""), long('"""', code=HASH_BRACE), long("'''", code=HASH_BRACE),
    long('"', code=HASH_BRACE), long(r"'(?<!\w')", "'", code=HASH_BRACE),
)
JULIA: Forms = (
    block("#=", "=#", nests=True), HASH,
    *prefixed(r"\w+", long('"""', code=r"\$\("), long('"', code=r"\$\("), long("```"), long("`")), CHARACTER,
)
MATLAB: Forms = (
    Form(Kind.COMMENT, r"%(?:(?<=^%)|(?<=^[ \t]%))\{[ \t]*$", r"^[ \t]*%\}[ \t]*$"), PERCENT, line(r"\.\.\."),
    quoted('"', escape='""'), quoted(r"'(?<![\w)\]}.'\"]')", "'", "''"),
)
ERLANG: Forms = (PERCENT, text(r"\$(?:\\[^\n]|[^\n])"), TRIPLE_DOUBLE, LONG_DOUBLE, _LONG_SINGLE_NO_WORD)
_DOLLAR_TAG = r"\$(?<![\w$].)(?P<tag>\w*)\$"
SQL: Forms = (
    DASHES, SLASH_STAR, replace(embedded(_DOLLAR_TAG, r"\$TAG\$", "sql"), after=r"(?i:\b(?:as|do))\s*\Z"),
    long(_DOLLAR_TAG, r"\$TAG\$", ""), long(r"'(?<=\b[eE]')", "'", r"\\.|''"),
    DOUBLED_SINGLE, DOUBLED, quoted("`", "`", ""),
)
ADA: Forms = (DASHES, quoted('"', escape='""'), text(r"'(?<![\w)]')[^\n]'"))
VHDL: Forms = (SLASH_STAR, *ADA)
VIM: Forms = (
    Form(Kind.COMMENT, '"', r"(?=\n)", after=r"^[ \t]*\Z"), quoted('"'), quoted(r"'(?<!\w')", "'", "''"), line('"'),
)
OCAML: Forms = (ML_COMMENT, long(r"\{(?P<tag>[a-z_]*)\|", r"\|TAG\}", ""), LONG_DOUBLE, CHARACTER)

# Functional languages.
HASKELL: Forms = (
    block("{-", "-}", nests=True), line(r"--(?<![!#$%&*+./<=>?@\\^|~:-]--)-*(?![!#$%&*+./<=>?@\\^|~:])"),
    DOUBLE, CHARACTER,
)
ELM: Forms = (block("{-", "-}", nests=True), DASHES, TRIPLE_DOUBLE, DOUBLE, CHARACTER)
FSHARP: Forms = (
    code(r"\(\*\)"), ML_COMMENT, SLASHES, long('"""', escape=""), long(r'"(?<=@")', '"', '""'), LONG_DOUBLE, CHARACTER,
)
LISP: Forms = (text(r"#\\[^\n]"), SEMICOLON, block("#|", "|#", nests=True), LONG_DOUBLE)
CLOJURE: Forms = (text(r"\\[^\n]"), SEMICOLON, LONG_DOUBLE)
ELISP: Forms = (text(r"\?(?<![\w-]\?)(?:\\[^\n]|[^\s\w])"), SEMICOLON, LONG_DOUBLE)
PROLOG: Forms = (PERCENT, SLASH_STAR, text(r"0'(?:\\.|[^\n])"), DOUBLE, WORD_SINGLE)

# Text, data and builds.
_ATTRIBUTES = (long('"(?<==")', '"', ""), long("'(?<==')", "'", ""))
HTML: Forms = (
    MARKUP_COMMENT, embedded(r"<script\b[^<>]*>", r"</script\s*>", "javascript"),
    embedded(r"<style\b[^<>]*>", r"</style\s*>", "css"), *_ATTRIBUTES,
)
XML: Forms = (MARKUP_COMMENT, long(r"<!\[CDATA\[", r"\]\]>", ""), *_ATTRIBUTES)
MARKDOWN: Forms = (MARKUP_COMMENT,)
LATEX: Forms = (text(r"\\[{}%]"), code(r"\\."), PERCENT)
YAML: Forms = (line(r"#(?<!\S#)"), quoted(r'"(?<![^\s\[{,:(-]")', '"'), quoted(r"'(?<![^\s\[{,:(-]')", "'", "''"))
TOML: Forms = (HASH, TRIPLE_DOUBLE, long("'''", escape=""), DOUBLE, quoted("'", "'", ""))
INI: Forms = (line(r"#(?<!\S#)"), line(r";(?<!\S;)"))
DOCKERFILE: Forms = (
    text(r"\\[^\n]"), Form(Kind.COMMENT, "#", r"(?=\n)", after=r"^[ \t]*\Z"),
    here_document(r"<<-?[\"']?(?P<tag>[A-Za-z_]\w*)[\"']?", r"^\t*TAG$"), DOUBLE, SINGLE,
)
MAKEFILE: Forms = (text(r"\\[^\n]"), code(r"\$#"), HASH, quoted('"'), quoted("'", "'", ""))
CMAKE: Forms = (
    Form(Kind.COMMENT, r"#\[(?P<tag>=*)\[", r"\]TAG\]"), text(r"\\[^\n]"), HASH,
    long(r"\[(?P<tag>=*)\[", r"\]TAG\]", ""),
    LONG_DOUBLE,
)
NIX: Forms = (
    HASH, SLASH_STAR, long(r"''(?<!\w'')", r"''(?!['$\\])", r"'''|''\$|''\\.", DOLLAR_BRACE),
    long('"', code=DOLLAR_BRACE),
)
TERRAFORM: Forms = (
    HASH, SLASHES, SLASH_STAR, here_document(r"<<[-~]?(?P<tag>[A-Za-z_]\w*)", code=DOLLAR_BRACE),
    quoted('"', code=DOLLAR_BRACE),
)
PROTOBUF: Forms = (SLASHES, SLASH_STAR, DOUBLE, SINGLE)
GRAPHQL: Forms = (HASH, TRIPLE_DOUBLE, DOUBLE)
# fmt: on
