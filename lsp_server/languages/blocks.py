"""What opens and closes a block in each language, besides brackets. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

# Of HTML: these have no end tag.
VOID_TAGS = frozenset(
    ["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr"]
)

_WORD = r"(?<![\w.$@:\\-])(?:{})(?![\w?!-]|:(?!:)|[ \t]*=[^=~>])"


@dataclass(frozen=True, slots=True)
class WordBlock:
    """A block between words. All are patterns.

    - `begin`, `end`: what opens it and what closes it.
    - `after`: what must stand before the opener on its line, as before Ruby's `if`, which may be a modifier.
    - `closes_after`: the same for the closer.
    - `name`: what pairs. Empty: the opener's text does, without a bracket behind it.
    """

    begin: str
    end: str
    name: str = "do"
    after: str = ""
    closes_after: str = ""


@dataclass(frozen=True, slots=True)
class Blocks:
    """How blocks begin and end in a language, besides brackets.

    - `words`: blocks between words.
    - `ignores_case`: whether words mean the same in capitals.
    - `ends_in_brackets`: whether an end word in brackets closes something. Not in Julia: `a[end]`.
    - `ignored`: a pattern for what only looks like a bracket, as behind a shell's `case`.
    - `has_tags_in_code`: whether `<` may also compare, or begin the parameters of a type.
    - `has_tags`, `has_environments`, `has_templates`, `has_preprocessor`: `<a> … </a>`, `\\begin{a} … \\end{a}`,
      `{% if %} … {% endif %}`, `#if … #endif`.
    - `branches`: a pattern for the beginning of a line with another branch, besides the words of the record.
    - `flush`: a pattern for a line that stands at the margin, whatever block it is in.
    """

    words: tuple[WordBlock, ...] = ()
    ignores_case: bool = False
    ends_in_brackets: bool = True
    ignored: str = ""
    has_tags: bool = False
    has_tags_in_code: bool = False
    has_environments: bool = False
    has_templates: bool = False
    has_preprocessor: bool = False
    branches: str = ""
    flush: str = ""


def words(begin: str, end: str, name: str = "do", after: str = "") -> WordBlock:
    """A block between whole words."""
    return WordBlock(_WORD.format(begin), _WORD.format(end), name, after)


def commands(begin: str, end: str, name: str, after: str) -> WordBlock:
    """A block between words that are commands: at the beginning of a line or behind a separator."""
    return WordBlock(_WORD.format(begin), _WORD.format(end), name, after, after)


_LABEL = r"[A-Za-z_]\w*:(?![:=])"
BRACES = Blocks()
LABELS = Blocks(flush=_LABEL + r"\s*(?:$|[;{]|\w)")
C = Blocks(has_preprocessor=True, flush=rf"#|{_LABEL}|case\b.*:")
CSHARP = Blocks(has_preprocessor=True, flush=rf"#|{_LABEL}\s*$")
SWIFT = Blocks(has_preprocessor=True, flush="#(?:if|else|elseif|endif)", branches="#(?:else|elseif)")
JSX = Blocks(has_tags=True, has_tags_in_code=True)
MARKUP = Blocks(
    has_tags=True, has_templates=True, branches=r"\{%-?\s*(?:else|elif|elsif|elseif|when)\b|\{:|\{\{\s*else\b"
)
COMPONENT = replace(MARKUP, has_tags_in_code=True)
LATEX = Blocks(has_environments=True, branches=r"\\(?:else|or|item)\b")

_EXPRESSION = r"(?:^|[;=(,|&!{\[:>]|\b(?:then|else|do|begin|ensure|and|or|not|in))[ \t]*\Z"
RUBY = Blocks((
    words(
        r"class|module|def(?![ ]+[\w.?!]+(?:\([^\n]{0,200}\))?[ ]+=[ ])|begin|case|do"
        r"|(?:macro|lib|struct|enum|union|annotation)(?=[ \t]+[A-Z\w])", "end",
    ),
    words(r"(?:if|unless)", "end", after=_EXPRESSION),
    words(r"(?:while|until|for)(?![^\n]{0,200}\bdo\b)", "end", after=_EXPRESSION),
), flush=r"=begin|=end|__END__|[A-Z_]{3,}$")  # fmt: skip
ELIXIR = Blocks((words(r"do|fn", "end"),))
LUA = Blocks((words("function|do|if", "end"), words("repeat", "until", "repeat")), flush="::")
JULIA = Blocks((
    words(
        r"function|macro|if|for|while|begin|let|do|try|struct|module|baremodule|quote"
        r"|(?:abstract|primitive)[ ]+type", "end",
    ),
), ends_in_brackets=False)  # fmt: skip
MATLAB = Blocks((
    words("function|if|for|parfor|while|switch|try|classdef|properties|methods|events|enumeration|spmd|unwind_protect",
          "end|endfunction|endif|endfor|endwhile|endswitch|end_try_catch|end_unwind_protect"),
), ends_in_brackets=False)  # fmt: skip
_COMMAND = r"(?:^|[;&|(){`!]|\b(?:then|else|do|if|elif|while|until))[ \t]*\Z"
SHELL = Blocks((
    commands("if", "fi", "if", _COMMAND), commands("case", "esac", "case", _COMMAND),
    commands("do", "done", "do", _COMMAND),
), branches=r";;|(?:[\w*?.|\[\]-]|\|[ ]|[ ]\|)+\)\s*(?:$|[^\s;)|&])", flush=r"[A-Z_]{3,}$",
    ignored=r"^[ \t]*\(?[^\s()]+(?:[ ]*\|[ ]*[^\s()|]+)*\)")  # fmt: skip
FISH = Blocks((commands("function|if|for|while|switch|begin", "end", "do", _COMMAND),))
ERLANG = Blocks((words(r"case|if|receive|begin|try|maybe|fun(?=\s*(?:[A-Z_]\w*[ ]*)?\((?!\())", "end"),), flush=r"-\w")
SQL = Blocks((
    words(r"if(?=[^;]{0,400}\bthen\b)", r"end[ \t]+if", "if"), words("loop", r"end[ \t]+loop", "loop"),
    words(r"case|begin(?!\s+(?:transaction|tran|work)\b|\s*;)", r"end(?![ \t]+(?:if|loop)\b)(?:[ \t]+(?:case|while))?"),
), ignores_case=True, branches=(
    r"(?:from|where|group[ ]by|order[ ]by|having|limit|offset|window|returning|set|values|on|using|union|intersect"
    r"|except|(?:natural[ ]|left[ ]|right[ ]|full[ ]|inner[ ]|outer[ ]|cross[ ])*join)\b"
))  # fmt: skip
VERILOG = Blocks((
    words("begin", "end"), words("case[xz]?", "endcase", "case"),
    *(words(word, f"end{word}", word)
      for word in ("module", "function", "task", "generate", "class", "package", "interface")),
))  # fmt: skip
ADA = Blocks((
    words("if", r"end[ ]+if", "if"), words("case", r"end[ ]+case", "case"), words("loop", r"end[ ]+loop", "loop"),
    words("record", r"end[ ]+record", "record"),
    words("begin", r"end(?![ ]+(?:if|case|loop|record)\b)", "begin"),
), ignores_case=True)  # fmt: skip
CMAKE = Blocks(tuple(
    WordBlock(rf"(?<!\w){word}(?=\s*\()", rf"(?<!\w)end{word}(?=\s*\()", word)
    for word in ("if", "while", "foreach", "function", "macro", "block")
), ignores_case=True, branches=r"else(?:if)?\s*\(")  # fmt: skip
_VIM = r"^[ \t]*:?\Z"
VIM = Blocks((
    words("if", "endif|en|endi", "if", _VIM), words("while", "endwhile|endw|endwh", "while", _VIM),
    words("for", "endfor|endfo", "for", _VIM), words("try", "endtry|endt", "try", _VIM),
    WordBlock(r"(?<![\w.$@:])fu(?:nc|nction)?(?=!|[ \t])", r"(?<!\w)endf(?:u|unc|unction)?\b", "function", _VIM),
), branches=r"else(?:if)?\b|catch\b|finally\b")  # fmt: skip
OCAML = Blocks(
    (words("begin|struct|sig|object", "end"), words("do", "done", "do-done")), branches=r"\|(?!\|)|with\b|and\b|in\b"
)
PHP = Blocks((
    *(words(rf"{word}(?=[^;\n{{]{{0,200}}\)[ \t]*:[ \t]*(?:$|\?))", f"end{word}", word)
      for word in ("if", "foreach", "for", "while", "switch")),
), has_tags=True, has_tags_in_code=True)  # fmt: skip
MAKEFILE = Blocks((
    words("ifeq|ifneq|ifdef|ifndef", "endif", "if", r"^[ \t]*\Z"),
    words("define", "endef", "define", r"^[ \t]*\Z"),
), branches="else", flush=r"(?:ifn?eq|ifn?def|else|endif)\b")  # fmt: skip
ARMS = Blocks(branches=r"\|(?!\|)")
PERL = Blocks(flush=r"=\w|__\w+__|[A-Z_]{3,}$")
HERE = replace(BRACES, flush=r"[A-Z_]{3,}$")
