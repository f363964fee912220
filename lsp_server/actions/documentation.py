"""Docstrings and doc comments: what can have one and has none yet, and how it is written in each language."""

from __future__ import annotations

import re
from dataclasses import dataclass

from lsp_server.actions.bodies import header_end, skip_docstring
from lsp_server.actions.source import ReplaceRange, Source
from lsp_server.text.document import Position

_MAX_LINES = 12


@dataclass(frozen=True, slots=True)
class Comment:
    """A doc comment above a definition: what stands before its text, before each further line, and behind it."""

    lead: str
    each_line: str
    trail: str = ""
    stops: tuple[str, ...] = ()


_BLOCK = Comment("/**\n * ", " * ", "\n */", ("*/",))
_SLASHES = Comment("/// ", "/// ")
_HASH = Comment("# ", "# ")
_COMMENTS = {
    **dict.fromkeys(
        ("c", "cpp", "java", "javascript", "javascriptreact", "typescript", "typescriptreact", "php", "kotlin", "scala",
         "groovy", "objective-c"), _BLOCK),
    **dict.fromkeys(("rust", "swift", "dart", "zig", "fsharp"), _SLASHES),
    **dict.fromkeys(("ruby", "shellscript", "r", "perl", "crystal"), _HASH),
    "csharp": Comment("/// <summary>\n/// ", "/// ", "\n/// </summary>", ("</summary>",)),
    "go": Comment("// ", "// "),
    "lua": Comment("--- ", "--- "),
    "haskell": Comment("-- | ", "-- "),
}  # fmt: skip

_MODIFIERS = (
    r"(?:(?:export|default|declare|public|private|protected|internal|static|final|abstract|async|override|virtual"
)
_MODIFIERS += r"|sealed|inline|constexpr|explicit|extern|open|suspend|data|partial|readonly|get|set|pub(?:\([^)]*\))?"
_MODIFIERS += r"|const|unsafe|local|template\s*<[^>]*>)\s+)*"
_KEYWORDS = (
    r"(?:def|class|module|interface|enum|struct|union|trait|record|object|namespace|impl|type|function|func|fun|fn"
    r"|protocol|extension|macro_rules!)\b"
)
_ARROW = r"(?:const|let|var)\s+\w+(?:\s*:[^=]+)?\s*=\s*(?:async\s*)?(?:function\b|\([^)]*\)[^=]*=>|\w+\s*=>)"
# A method or function without a keyword: a name, parameters, and a block that opens behind them.
_METHOD = r"(?!(?:if|for|foreach|while|switch|catch|return|else|do|try|new|throw|using|lock|with|match|when)\b)"
_METHOD += r"[\w$~#<>\[\],.\s*&:?]*[\w$~>*&]\s*\([^;]*\)[^;=]*\{\s*\}?$"
_DEFINITION = re.compile(rf"{_MODIFIERS}(?:{_KEYWORDS}|{_ARROW})")
_BRACED_METHOD = re.compile(_MODIFIERS + _METHOD)
_ANNOTATION = re.compile(r"@|#\[")
_COMMENT_END = re.compile(r"(#(?!\[|include|define|if|endif|pragma)|//|--|\*/|.*\*/$|%)")
_LANGUAGES_WITHOUT_BRACES = ("python", "ruby", "lua", "haskell", "r", "crystal")


def find_documentation(source: Source, line: int) -> ReplaceRange | None:
    """Where the documentation of the definition that a line begins is to be written; None if it needs none."""
    if not is_definition(source, line):
        return None
    if source.language_id == "python":
        return _docstring(source, line)
    comment = _COMMENTS.get(source.language_id)
    while line > 0 and _ANNOTATION.match(source.text(line - 1)):
        line -= 1
    if comment is None or _COMMENT_END.match(source.text(line - 1)):
        return None
    indentation = source.indentation(line)

    def indented(text: str) -> str:
        return text.replace("\n", "\n" + indentation)

    return ReplaceRange(
        Position(line, 0),
        Position(line, 0),
        lead=indentation + indented(comment.lead),
        trail=indented(comment.trail) + "\n",
        max_lines=_MAX_LINES,
        stops=comment.stops,
        each_line=indentation + comment.each_line.rstrip(),
    )


def is_definition(source: Source, line: int) -> bool:
    """Whether a line begins a function, a class or the like."""
    text = source.text(line)
    if source.language_id == "python":
        return bool(re.match(r"(async\s+)?def\s|class\s", text))
    if _DEFINITION.match(text):
        return True
    if source.language_id in _LANGUAGES_WITHOUT_BRACES:
        return False
    braced = f"{text} {{" if source.text(line + 1) == "{" else text
    return bool(_BRACED_METHOD.match(braced))


def _docstring(source: Source, line: int) -> ReplaceRange | None:
    header = header_end(source, line)
    if header is None or skip_docstring(source, header) != header:
        return None
    below = source.next_text(header)
    has_body = below is not None and source.is_deeper(below, line)
    indentation = source.indentation(below or 0) if has_body else source.indentation(line) + source.unit
    end = Position(header, len(source.lines[header]))
    quotes = '"""'
    return ReplaceRange(
        end,
        end,
        lead=f"\n{indentation}{quotes}",
        trail=quotes,
        max_lines=_MAX_LINES,
        stops=(quotes,),
        each_line=indentation,
        closing=f"\n{indentation}{quotes}",
    )
