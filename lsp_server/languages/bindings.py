"""What binds a name in a language. Pure.

Patterns read it, not a parser: a document is seldom correct while it is written.
"""

from __future__ import annotations

import builtins
import functools
import keyword
import re
import sys
from dataclasses import dataclass, replace

# Not an attribute. Behind three dots, a name is a name of its own.
_NAME = r"(?<![\w$])(?<!(?<!\.\.)\.)({name})(?![\w$])"
_ANY_NAME = _NAME.format(name=r"[A-Za-z_$][\w$]*")
_NOTHING = r"(?P<kept>(?!))"
_PARAMETERS = r"(?:(?:[^()]|\([^()]*\))*,)?\s*"


@dataclass(frozen=True, slots=True)
class Bindings:
    """What binds a name in a language, as patterns. In `importing` and `bound` the word `NAME` stands for the name.

    - `line`: how an import line begins.
    - `importing`: an import line that binds the name.
    - `bound`: every way to bind the name.
    - `used`: names in use, without keyword arguments, keys, and tags of HTML.
    - `not_used`: text in code that holds no names, such as that between two tags. Its group `kept` is code. Two words
      with only a space between them are no names either, unless one is a keyword.
    - `beginnings`: how an import line begins, for a model that writes the rest.
    - `known`: the names that every file has.
    - `standard_modules`: modules of the language's own library that `import NAME` imports.
    """

    line: str
    importing: str
    bound: tuple[str, ...]
    used: str
    not_used: str
    beginnings: tuple[str, ...]
    known: frozenset[str]
    standard_modules: frozenset[str] = frozenset()


PYTHON = Bindings(
    line=r"(?:from\s+[\w.]+\s+)?import\s",
    importing=r"(?:from\s+[\w.]+\s+import\s+\(?\s*(?:[^\n]*,\s*)?(?:\w+\s+as\s+)?NAME(?!\s+as\b)"
    r"|import\s+(?:[\w., ]+,\s*)?(?:[\w.]+\s+as\s+)?NAME(?!\s+as\b))",
    bound=(
        r"\b(?:as|def|class|global|nonlocal|del|type)\s+(?:\w+\s*,\s*)*NAME",
        r"\b(?:def|class|type)\s+\w+\[(?:[^\[\]\n]*,)?\s*\*{0,2}NAME",
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
    used=_ANY_NAME + r"(?!\s*=(?!=))",
    not_used=_NOTHING,
    beginnings=("from ", "import "),
    known=frozenset({*keyword.kwlist, *keyword.softkwlist, *dir(builtins), "self", "cls", "__file__"}),
    standard_modules=frozenset(sys.stdlib_module_names),
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
    sessionStorage setInterval setTimeout structuredClone window arguments accessor asserts override satisfies unique
    using
"""
_TYPE_PARAMETER = r"(?:[^<>(){};]*,)?\s*(?:const\s+|in\s+|out\s+)*NAME\s*(?=[,>=]|extends\b)"
_NO_CONDITION = r"(?<!\bif\s)(?<!\bif)(?<!while\s)(?<!while)(?<!switch\s)(?<!switch)"
JAVASCRIPT = Bindings(
    line=r"import\b(?!\s*[(.])|(?:const|let|var)\b[^\n]*\brequire\(",
    importing=r"(?:import\s[^;\n]*NAME(?!\s+as\b)[^;\n]*\bfrom\b[^\n]*"
    r"|(?:const|let|var)\s[^=\n]*NAME[^=\n]*=\s*require\([^\n]*)",
    bound=(
        r"\b(?:function\*?|class|enum|interface|type|namespace|catch\s*\()\s*NAME",
        r"\bimport\b[^;'\"]*NAME",
        r"\b(?:const|let|var)\s+(?:[^=;]*[,{\[:]\s*)?(?:\.\.\.)?NAME",
        _NO_CONDITION
        + r"\((?:[^()]*[,{\[]\s*)?(?:\.\.\.)?NAME\s*(?:[?,:=}\]](?:[^()]|\([^()]*\))*)?\)\s*(?::[^={]+)?(?:=>|\{)",
        r"NAME\s*=>",
        # A method: its parameters are followed by a body or a type.
        r"^[ \t]*(?:[\w$]+\s+)*\*?\s*NAME\??\s*(?:<[^()\n]*>)?\((?:[^()\n]|\([^()\n]*\))*\)\s*(?:\{|:(?!:))",
        # A key that is renamed where parameters are taken apart.
        _NO_CONDITION + r"\((?:[^()]*,)?\s*\{[^{}()]*:\s*NAME\s*[,}=](?:[^()]|\([^()]*\))*\)\s*(?::[^={]+)?(?:=>|\{)",
        # Parameters of types: of declarations, of arrow functions, of methods; `infer T`, `[K in T]`.
        rf"\b(?:function\*?|class|interface|type)\s*[\w$]*\s*<{_TYPE_PARAMETER}",
        rf"(?:[=(,:?]\s*|\basync\s*)<{_TYPE_PARAMETER}[^()]*>\s*\(",
        rf"^[ \t]*(?:[\w$]+\s+)*[\w$]+\s*<{_TYPE_PARAMETER}[^()\n]*>\s*\([^;\n]*\)\s*(?::|\{{\s*\}}?\s*$)",
        r"\binfer\s+NAME|\[\s*NAME\s+in\b",
        r"^[ \t]*NAME\s*=(?!=)",
    ),
    used=r"(?<!</)(?<!<(?=[a-z]))" + _ANY_NAME + r"(?!\s*(?:=(?![=>])|[!?]?:(?!:)))",
    not_used=r"(?<=[>}])(?<!=>)[^<>{}();=]*(?=</)"
    r"|(?P<kept><(?:[A-Za-z][\w.]*(?:\s[^<>\n]*)?)?>)[^<>{}();=]*(?=[<{])",
    beginnings=("import { ", "import "),
    known=frozenset(_JS_KNOWN.split()),
)
TYPESCRIPT = replace(JAVASCRIPT, not_used=_NOTHING)  # what looks like a tag is a type there

ANY_NAME = re.compile(_ANY_NAME)
# A letter that stands in a text for the name that is asked about, so that a pattern is compiled once for all names.
STAND_IN = "ꙮ"


@functools.cache
def bound_patterns(bindings: Bindings) -> tuple[re.Pattern[str], ...]:
    """The patterns of `bound`, for a text in which the name is replaced by `STAND_IN`."""
    return tuple(re.compile(pattern_for(way, STAND_IN), re.MULTILINE) for way in bindings.bound)


def pattern_for(pattern: str, name: str) -> str:
    """A pattern of `Bindings` for one name."""
    return pattern.replace("NAME", _NAME.format(name=re.escape(name)))
