"""Names that a line uses and nothing binds, and the import lines that would bind them.

A reading by regular expressions: a document is seldom correct while it is written. What might be bound is not offered.
"""

from __future__ import annotations

import builtins
import itertools
import keyword
import re
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from lsp_server.actions.source import ReplaceRange, Source
from lsp_server.text.document import Position

# Not an attribute; behind three dots a name is one of its own.
_NAME = r"(?<![\w$])(?<!(?<!\.\.)\.)({name})(?![\w$])"
_MAX_CHARACTERS = 200_000  # more are not read at every move of the cursor
_MAX_PLACES, _CHARACTERS_BEFORE, _CHARACTERS_BEHIND = 200, 400, 200
_ANY_NAME = _NAME.format(name=r"[A-Za-z_$][\w$]*")
_PARAMETERS = r"(?:(?:[^()]|\([^()]*\))*,)?\s*"


@dataclass(frozen=True, slots=True)
class Imports:
    """How a language imports: what begins an import line, and what such a line says of a name that it binds.

    `bound` are all the ways to bind a name; in them and in `importing` `NAME` stands for it. `used` finds names in use,
    and no keyword arguments or keys. `not_code` are strings and comments, `beginnings` how a line may begin that a
    model is to write, `known` the names that every file has.
    """

    line: re.Pattern[str]
    importing: str
    bound: tuple[str, ...]
    used: re.Pattern[str]
    not_code: re.Pattern[str]
    beginnings: tuple[str, ...]
    known: frozenset[str]


_PYTHON = Imports(
    line=re.compile(r"(?:from\s+[\w.]+\s+)?import\s"),
    importing=r"(?:from\s+[\w.]+\s+import\s+\(?\s*(?:[^\n]*,\s*)?(?:\w+\s+as\s+)?NAME(?!\s+as\b)"
    r"|import\s+(?:[\w., ]+,\s*)?(?:[\w.]+\s+as\s+)?NAME(?!\s+as\b))",
    bound=(
        r"\b(?:as|def|class|global|nonlocal|del|type)\s+(?:\w+\s*,\s*)*NAME",
        r"^[ \t]*(?:from\s+\S+\s+)?import\b[^\n]*NAME",
        r"\bimport\s*\([^)]*NAME",
        r"\bfor\b[^\n:]*?NAME[^\n:]*?\bin\b",
        rf"\bdef\s+\w+[^(\n]*\({_PARAMETERS}\*{{0,2}}NAME\s*[,:=)]",
        r"\blambda\b(?:[^:\n]*,)?\s*\*{0,2}NAME\s*[,:=]",
        r"^[ \t]*(?:[\w.]+\s*=\s*)*\(*(?:[\w.*]+\s*,\s*\(*)*\*?NAME[ \t\w,.*()]*=(?!=)",
        r"^[ \t]*NAME\s*:\s*\w",
        r"NAME\s*:=",
        r"^[ \t]*case\b[^\n:]*NAME",
    ),
    used=re.compile(_ANY_NAME + r"(?!\s*=(?!=))"),
    not_code=re.compile(
        r"""[rRbBuUfF]{0,2}(?:("{3}|'{3}).*?\1|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')|\#[^\n]*""", re.DOTALL
    ),
    beginnings=("from ", "import "),
    known=frozenset({*keyword.kwlist, *keyword.softkwlist, *dir(builtins), "self", "cls", "__file__"}),
)
_JS_KNOWN = """
    abstract any as async await bigint boolean break case catch class const continue debugger declare default
    delete do else enum export extends false finally for from function get if implements import in infer
    instanceof interface is keyof let namespace never new null number object of package private protected public
    readonly return set static string super switch symbol this throw true try type typeof undefined unknown var
    void while with yield Array ArrayBuffer Boolean Buffer DataView Date Error EvalError Float32Array
    Float64Array Function Infinity Int8Array Int16Array Int32Array Intl JSON Map Math NaN Number Object Partial
    Pick Omit Record Promise Proxy RangeError Readonly ReferenceError Reflect RegExp Required Set String Symbol
    SyntaxError TypeError URIError URL URLSearchParams Uint8Array WeakMap WeakSet AbortController AbortSignal
    Blob Event FormData Headers Request Response TextDecoder TextEncoder alert atob btoa clearInterval
    clearTimeout console crypto decodeURIComponent document encodeURIComponent exports fetch global globalThis
    isFinite isNaN localStorage module navigator parseFloat parseInt performance process queueMicrotask require
    sessionStorage setInterval setTimeout structuredClone window arguments
"""
_NO_CONDITION = r"(?<!\bif\s)(?<!\bif)(?<!while\s)(?<!while)(?<!switch\s)(?<!switch)"
_JAVASCRIPT = Imports(
    line=re.compile(r"import\b|(?:const|let|var)\b[^\n]*\brequire\("),
    importing=r"(?:import\s[^;\n]*NAME(?!\s+as\b)[^;\n]*\bfrom\b[^\n]*"
    r"|(?:const|let|var)\s[^=\n]*NAME[^=\n]*=\s*require\([^\n]*)",
    bound=(
        r"\b(?:function\*?|class|enum|interface|type|namespace|catch\s*\()\s*NAME",
        r"\bimport\b[^;'\"]*NAME",
        r"\b(?:const|let|var)\s+(?:[^=;]*[,{\[:]\s*)?(?:\.\.\.)?NAME",
        _NO_CONDITION
        + r"\((?:[^()]*[,{\[]\s*)?(?:\.\.\.)?NAME\s*(?:[?,:=}\]](?:[^()]|\([^()]*\))*)?\)\s*(?::[^={]+)?(?:=>|\{)",
        r"NAME\s*=>",
        r"^[ \t]*NAME\s*=(?!=)",
    ),
    used=re.compile(_ANY_NAME + r"(?!\s*(?:=(?![=>])|:(?!:)))"),
    not_code=re.compile(r"""`(?:\\.|[^`\\])*`|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|//[^\n]*|/\*.*?\*/""", re.DOTALL),
    beginnings=("import { ", "import "),
    known=frozenset(_JS_KNOWN.split()),
)
_HEAD = re.compile(
    r"""(?:\s*(?:\#[^\n]*|//[^\n]*|/\*.*?\*/|[rR]?"{3}.*?"{3}|['"]use strict['"];?)[ \t]*(?:\n|$))*""", re.DOTALL
)
_LANGUAGES = {
    "python": _PYTHON,
    **dict.fromkeys(("javascript", "javascriptreact", "typescript", "typescriptreact"), _JAVASCRIPT),
}


def unbound_names(source: Source, line: int) -> list[str]:
    """Names that a line uses and nothing in the document binds, in the order they come. None in other languages."""
    language = _LANGUAGES.get(source.language_id)
    if language is None or language.line.match(source.text(line)):
        return []
    text = "\n".join(source.lines)
    if len(text) > _MAX_CHARACTERS:
        return []
    bare = language.not_code.sub(_blank, text)
    lines = bare.split("\n")
    names = dict.fromkeys(language.used.findall(lines[line]))
    return [name for name in names if name not in language.known and not _is_bound(language, bare, name)]


def import_hole(source: Source) -> ReplaceRange:
    """Where another import line goes: behind the last one, or else above the code."""
    language = _LANGUAGES[source.language_id]
    found = [number for number, text in enumerate(source.lines) if text and language.line.match(text)]
    if not found:
        start = Position(_first_code(source), 0)
        return ReplaceRange(start, start, trail="\n", max_lines=1)
    last = _statement_end(source, found[-1])
    end = Position(last, len(source.lines[last]))
    return ReplaceRange(end, end, lead="\n", max_lines=1)


def known_import(source: Source, name: str, others: Iterable[str]) -> str:
    """The import line for a name without asking a model: a module of Python's, or what most other files write.

    Empty if neither is so. A relative import is nobody else's.
    """
    lines = Counter(line for text in others for line in _importing_lines(source.language_id, name, text))
    if lines:
        return lines.most_common(1)[0][0]
    if source.language_id == "python" and name in sys.stdlib_module_names:
        return f"import {name}"
    return ""


def beginnings(source: Source) -> tuple[str, ...]:
    """How an import line may begin that a model goes on with."""
    return _LANGUAGES[source.language_id].beginnings


def imports_name(source: Source, line: str, name: str) -> bool:
    """Whether a line binds a name by importing it."""
    language = _LANGUAGES[source.language_id]
    return bool(re.match(_of(language.importing, name), line))


def _importing_lines(language_id: str, name: str, text: str) -> Iterable[str]:
    """One line each, of a single name: those of several are cut to it where the language has a form for that."""
    language = _LANGUAGES[language_id]
    for line in text.split("\n"):
        if not line.startswith((" ", "\t")) and re.match(_of(language.importing, name), line):
            if re.search(r"from\s+['\"]?\.", line):
                continue
            if language_id == "python" and line.startswith("from"):
                yield f"{line.split(' import ')[0]} import {name}" if f"as {name}" not in line else line.rstrip()
            else:
                yield line.rstrip()


def _is_bound(language: Imports, bare: str, name: str) -> bool:
    """Whether one of a name's places binds it, judged by the lines around it: quicker than reading all lines."""
    ways = [re.compile(_of(way, name), re.MULTILINE) for way in language.bound]
    places = itertools.islice(re.finditer(_of("NAME", name), bare), _MAX_PLACES)
    return any(way.search(_around(bare, place.start())) for place in places for way in ways)


def _around(text: str, at: int) -> str:
    """Some of the text around a place, from a line's start."""
    start = text.rfind("\n", 0, max(0, at - _CHARACTERS_BEFORE)) + 1
    return text[start : at + _CHARACTERS_BEHIND]


def _of(pattern: str, name: str) -> str:
    return pattern.replace("NAME", _NAME.format(name=re.escape(name)))


def _blank(match: re.Match[str]) -> str:
    """White space in place of what was matched, its line breaks kept."""
    return re.sub(r"[^\n]", " ", match[0])


def _statement_end(source: Source, line: int) -> int:
    """The last line of an import that goes over several."""
    depth = 0
    for number in range(line, len(source.lines)):
        text = source.lines[number]
        depth += sum(text.count(opener) for opener in "({") - sum(text.count(closer) for closer in ")}")
        if depth <= 0 and not text.endswith("\\"):
            return number
    return line


def _first_code(source: Source) -> int:
    """Behind the comments and the docstring at the head of a file."""
    head = _HEAD.match("\n".join(source.lines))
    line = head[0].count("\n") if head else 0
    return line + 1 if 0 < line < len(source.lines) - 1 and not source.text(line) else line
