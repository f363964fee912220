"""The table of languages: one record holds all facts of a language. Pure.

Rules look a record up by its LSP language id. The defaults of the fields are what rules assume of an unknown language.
`languages/README.md` says how to add a language.
"""

from __future__ import annotations

import functools
import posixpath
from collections.abc import Mapping
from dataclasses import dataclass, replace

from lsp_server.languages import bindings, imports, modules
from lsp_server.languages.bindings import Bindings
from lsp_server.languages.imports import ImportSyntax
from lsp_server.languages.modules import ModuleRules


@dataclass(frozen=True, slots=True)
class DocComment:
    """A doc comment above a definition.

    `lead` stands before its text, `each_line` before each further line, and `trail` behind it. `stops` are texts that
    end the comment.
    """

    lead: str
    each_line: str
    trail: str = ""
    stops: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Language:
    """One language.

    Files:
    - `id`: LSP's language id (LSP 3.18, `TextDocumentItem`), or the one that editors use where LSP has none.
    - `suffixes`, `file_names`: files of the language, in lower case. `header_suffixes`: headers, as in C; they need not
      be known as files of the language.
    - `test_framework`, `test_file`: what tests are written with, and the path of a file's tests. In the path `{folder}`
      ends with a slash or is empty, and `{suffix}` has its dot.

    Comments and strings:
    - `line_comment`: what begins a line comment.
    - `block_comment`: what begins and ends a block comment. None: `multi_line_strings` serve as block comments.
    - `doc_comment`: how a definition is documented. None: nobody offers to do it.
    - `has_docstrings`: documentation is a string below the header, as in Python.
    - `multi_line_strings`: quotes of strings that may go on over several lines.
    - `has_here_documents`, `has_regex_literals`: whether `<<END` begins a string, and `/` may.
    - `has_fences`: lines of three backquotes are ordinary text.

    Blocks. The first three should be one fact; today three rules disagree about the languages:
    - `has_python_blocks`: a block ends where its indentation does, and statements are Python's (post-processing).
    - `colon_opens_block`: a colon at the end of a header opens a block (the action that writes a body).
    - `has_keyword_definitions`: each definition begins with a keyword. Documentation is not offered for `name(…) {`.

    Words that begin a line. Rules look for the words of all languages in every document (`line_patterns.py`). Of
    `type_words`, post-processing knows only `class` (`line_patterns.DEFINITION`):
    - `branch_words`, `case_words`: another branch of a statement, another case of one.
    - `function_words`, `type_words`: a function, any other definition.
    - `end_words`: the end of a block. `opening_words` end a line below which a block begins.

    Imports and symbols:
    - `constructor`: the method that every constructor is called.
    - `imports`: how an import statement reads. `modules`: where the file of a module may be.
    - `bindings`: what binds a name. None: no action offers to import a name.
    - `grammar`: the name of a grammar in `grammars.py`. Empty: definitions and imports are not indexed.
    """

    id: str
    suffixes: tuple[str, ...] = ()
    header_suffixes: tuple[str, ...] = ()
    file_names: tuple[str, ...] = ()
    test_framework: str = ""
    test_file: str = ""
    line_comment: str = "//"
    block_comment: tuple[str, str] | None = ("/*", "*/")
    doc_comment: DocComment | None = None
    has_docstrings: bool = False
    multi_line_strings: tuple[str, ...] = ()
    has_here_documents: bool = False
    has_regex_literals: bool = False
    has_fences: bool = False
    has_python_blocks: bool = False
    colon_opens_block: bool = False
    has_keyword_definitions: bool = False
    branch_words: tuple[str, ...] = ()
    case_words: tuple[str, ...] = ()
    function_words: tuple[str, ...] = ()
    type_words: tuple[str, ...] = ()
    end_words: tuple[str, ...] = ()
    opening_words: tuple[str, ...] = ()
    constructor: str = ""
    imports: ImportSyntax | None = None
    modules: ModuleRules | None = None
    bindings: Bindings | None = None
    grammar: str = ""


_BLOCK_DOC = DocComment("/**\n * ", " * ", "\n */", ("*/",))
_SLASHES_DOC = DocComment("/// ", "/// ")
_HASH_DOC = DocComment("# ", "# ")
_TRIPLE = ('"""', "'''")
_TRY = ("else", "catch", "finally")
_SWITCH = ("case", "default")

# What languages of one family have in common.
_C_LIKE = Language("", branch_words=("else",), case_words=_SWITCH, opening_words=("else",))
_CURLY = replace(_C_LIKE, branch_words=_TRY, type_words=("class", "interface", "enum"), opening_words=("else", "try"))
_SCRIPT = replace(
    _CURLY,
    test_file="{folder}{stem}.test{suffix}",
    doc_comment=_BLOCK_DOC,
    multi_line_strings=("`",),
    has_regex_literals=True,
    function_words=("function",),
    type_words=("class", "interface", "enum", "namespace", "type", "module"),
    constructor="constructor",
    imports=imports.SCRIPT,
    modules=modules.SCRIPT,
    bindings=bindings.JAVASCRIPT,
)
_HASH = Language("", line_comment="#")
_DASHES = Language("", line_comment="--")
_PERCENT = Language("", line_comment="%")
_LISP = Language("", line_comment=";;")
_MARKDOWN = Language("", has_fences=True)
_COLON = replace(_HASH, colon_opens_block=True, branch_words=("elif", "else"))

# fmt: off
_LANGUAGES = (
    Language("plaintext"),

    # With Python's blocks.
    replace(_COLON, id="python", suffixes=(".py", ".pyi"), test_framework="pytest", test_file="tests/test_{stem}.py",
            block_comment=None, has_docstrings=True, multi_line_strings=_TRIPLE,
            has_python_blocks=True, has_keyword_definitions=True,
            branch_words=("elif", "else", "except", "finally"), case_words=("case",),
            function_words=("def",), type_words=("class",), opening_words=("else", "try"), constructor="__init__",
            imports=imports.PYTHON, modules=modules.PYTHON, bindings=bindings.PYTHON, grammar="python"),
    Language("starlark", multi_line_strings=_TRIPLE, has_python_blocks=True,
             branch_words=("elif", "else"), function_words=("def",)),
    replace(_COLON, id="gdscript", function_words=("func",)),
    replace(_COLON, id="nim", branch_words=("elif", "else", "except", "finally")),
    replace(_COLON, id="coffeescript", branch_words=_TRY),

    # JavaScript and what is made of it.
    replace(_SCRIPT, id="javascript", suffixes=(".js", ".mjs", ".cjs"), grammar="javascript",
            test_framework="the test functions `describe`, `it` and `expect`"),
    replace(_SCRIPT, id="javascriptreact", suffixes=(".jsx",), grammar="javascript"),
    replace(_SCRIPT, id="typescript", suffixes=(".ts", ".mts", ".cts"), grammar="typescript",
            bindings=bindings.TYPESCRIPT, test_framework="the test functions `describe`, `it` and `expect`"),
    replace(_SCRIPT, id="typescriptreact", suffixes=(".tsx",), grammar="tsx"),
    Language("vue", suffixes=(".vue",), multi_line_strings=("`",), has_regex_literals=True),
    Language("svelte", suffixes=(".svelte",), multi_line_strings=("`",), has_regex_literals=True),

    # With braces.
    replace(_C_LIKE, id="c", suffixes=(".c", ".h"), header_suffixes=(".h",), doc_comment=_BLOCK_DOC,
            type_words=("struct", "union", "enum"),
            imports=imports.INCLUDE, modules=modules.INCLUDE, grammar="c"),
    replace(_C_LIKE, id="cpp", suffixes=(".cc", ".cpp", ".cxx", ".hpp"), header_suffixes=(".hh", ".hpp", ".hxx"),
            doc_comment=_BLOCK_DOC,
            branch_words=("else", "catch"), type_words=("class", "struct", "union", "enum", "namespace"),
            imports=imports.INCLUDE, modules=modules.INCLUDE, grammar="cpp"),
    replace(_C_LIKE, id="objective-c", suffixes=(".m",), doc_comment=_BLOCK_DOC),
    replace(_CURLY, id="csharp", suffixes=(".cs",), test_framework="xUnit", test_file="{folder}{stem}Tests.cs",
            doc_comment=DocComment("/// <summary>\n/// ", "/// ", "\n/// </summary>", ("</summary>",)),
            multi_line_strings=('"""',),
            type_words=("class", "interface", "enum", "struct", "record", "namespace"),
            imports=imports.C_SHARP, modules=modules.C_SHARP, grammar="csharp"),
    replace(_CURLY, id="java", suffixes=(".java",), test_framework="JUnit 5", test_file="{folder}{stem}Test.java",
            doc_comment=_BLOCK_DOC, multi_line_strings=('"""',), type_words=("class", "interface", "enum", "record"),
            imports=imports.DOTTED, modules=modules.JVM, grammar="java"),
    replace(_CURLY, id="kotlin", suffixes=(".kt",), test_framework="JUnit 5", test_file="{folder}{stem}Test.kt",
            doc_comment=_BLOCK_DOC, multi_line_strings=('"""',), case_words=(), function_words=("fun",),
            type_words=("class", "interface", "enum", "object"),
            imports=imports.DOTTED, modules=modules.JVM, grammar="kotlin"),
    replace(_CURLY, id="scala", suffixes=(".scala",), doc_comment=_BLOCK_DOC, multi_line_strings=('"""',),
            case_words=("case",), function_words=("def",), type_words=("class", "object", "trait", "enum", "type"),
            opening_words=("then", "do", "else", "try")),
    replace(_CURLY, id="groovy", doc_comment=_BLOCK_DOC, multi_line_strings=('"""',), function_words=("def",)),
    replace(_CURLY, id="dart", suffixes=(".dart",), doc_comment=_SLASHES_DOC, multi_line_strings=('"""',)),
    replace(_CURLY, id="php", suffixes=(".php",), test_framework="PHPUnit", test_file="{folder}{stem}Test.php",
            doc_comment=_BLOCK_DOC, has_here_documents=True, branch_words=("elseif", *_TRY),
            function_words=("function", "fn"), type_words=("class", "interface", "enum", "trait"),
            end_words=("endif", "endwhile", "endforeach"),
            imports=imports.PHP, modules=modules.PHP, grammar="php"),
    replace(_C_LIKE, id="go", suffixes=(".go",), test_framework="the package testing",
            test_file="{folder}{stem}_test.go", doc_comment=DocComment("// ", "// "), multi_line_strings=("`",),
            function_words=("func",), type_words=("type",), imports=imports.GO, modules=modules.GO, grammar="go"),
    replace(_C_LIKE, id="rust", suffixes=(".rs",), doc_comment=_SLASHES_DOC, case_words=(), function_words=("fn",),
            type_words=("struct", "enum", "union", "trait", "impl", "type", "macro_rules!"),
            imports=imports.RUST, modules=modules.RUST, grammar="rust"),
    replace(_C_LIKE, id="swift", suffixes=(".swift",), doc_comment=_SLASHES_DOC, multi_line_strings=('"""',),
            branch_words=("else", "catch"), function_words=("func",),
            type_words=("class", "struct", "enum", "protocol", "extension")),
    replace(_C_LIKE, id="zig", suffixes=(".zig",), doc_comment=_SLASHES_DOC, case_words=(), function_words=("fn",)),
    replace(_HASH, id="r", suffixes=(".r",), doc_comment=_HASH_DOC, has_keyword_definitions=True,
            branch_words=("else",), function_words=("function",)),
    replace(_HASH, id="perl", suffixes=(".pl",), doc_comment=_HASH_DOC, has_here_documents=True,
            has_regex_literals=True, branch_words=("elsif", "else")),
    replace(_HASH, id="powershell", suffixes=(".ps1",), branch_words=("elseif", *_TRY), function_words=("function",)),
    replace(_HASH, id="tcl", branch_words=("elseif", "else")),
    Language("css", suffixes=(".css",)),
    Language("json", suffixes=(".json",)),

    # With words that end blocks.
    replace(_HASH, id="ruby", suffixes=(".rb",), test_framework="RSpec", test_file="{folder}{stem}_spec.rb",
            doc_comment=_HASH_DOC, has_here_documents=True, has_regex_literals=True, has_keyword_definitions=True,
            branch_words=("elsif", "else", "rescue", "ensure"), case_words=("when", "in"),
            function_words=("def",), type_words=("class", "module"), end_words=("end",),
            opening_words=("then", "do", "else", "begin"),
            imports=imports.RUBY, modules=modules.RUBY, grammar="ruby"),
    replace(_HASH, id="crystal", doc_comment=_HASH_DOC, has_here_documents=True, has_keyword_definitions=True,
            branch_words=("elsif", "else", "rescue", "ensure"), case_words=("when", "in"),
            function_words=("def",), type_words=("class", "module", "struct", "enum"), end_words=("end",),
            opening_words=("then", "do", "else", "begin")),
    replace(_DASHES, id="lua", suffixes=(".lua",), doc_comment=DocComment("--- ", "--- "),
            has_keyword_definitions=True, branch_words=("elseif", "else"), function_words=("function",),
            end_words=("end",), opening_words=("then", "do", "else")),
    replace(_HASH, id="shellscript", suffixes=(".sh", ".bash"), doc_comment=_HASH_DOC, has_here_documents=True,
            branch_words=("elif", "else"), function_words=("function",), end_words=("fi", "done", "esac"),
            opening_words=("then", "do", "else")),
    replace(_HASH, id="fish", branch_words=("else",), case_words=("case",), function_words=("function",),
            end_words=("end",)),
    replace(_HASH, id="elixir", suffixes=(".ex", ".exs"), multi_line_strings=('"""',),
            branch_words=("else", "rescue", "catch"), function_words=("def",), end_words=("end",),
            opening_words=("do", "else")),
    replace(_HASH, id="julia", suffixes=(".jl",), multi_line_strings=('"""',), branch_words=("elseif", *_TRY),
            function_words=("function",), type_words=("module", "struct"), end_words=("end",),
            opening_words=("do", "else", "begin", "try")),
    replace(_PERCENT, id="matlab", branch_words=("elseif", "else", "catch"), case_words=("case",),
            function_words=("function",), end_words=("end",), opening_words=("else", "try")),
    replace(_PERCENT, id="erlang", suffixes=(".erl",), end_words=("end",)),
    replace(_DASHES, id="sql", suffixes=(".sql",), case_words=("when",), end_words=("end",),
            opening_words=("then", "else", "begin")),
    replace(_DASHES, id="ada", branch_words=("elsif", "else"), case_words=("when",), function_words=("function",),
            type_words=("type", "record"), opening_words=("then", "else", "begin")),
    replace(_DASHES, id="vhdl", branch_words=("elsif", "else"), case_words=("when",), function_words=("function",),
            type_words=("type", "record"), opening_words=("then", "else", "begin")),

    # Functional languages.
    replace(_DASHES, id="haskell", suffixes=(".hs",), doc_comment=DocComment("-- | ", "-- "),
            has_keyword_definitions=True, type_words=("class", "module", "type"), opening_words=("then", "do", "else")),
    replace(_DASHES, id="elm", type_words=("module", "type"), opening_words=("then", "else")),
    replace(_DASHES, id="purescript", type_words=("class", "module", "type"), opening_words=("then", "do", "else")),
    Language("fsharp", suffixes=(".fs",), doc_comment=_SLASHES_DOC, branch_words=("elif", "else", "finally"),
             type_words=("module", "namespace", "type"), opening_words=("then", "do", "else", "try")),
    replace(_LISP, id="clojure", suffixes=(".clj",)),
    replace(_LISP, id="emacs-lisp", suffixes=(".el",)),
    replace(_LISP, id="elisp"),
    replace(_LISP, id="lisp"),
    replace(_LISP, id="scheme"),
    replace(_LISP, id="racket"),
    replace(_PERCENT, id="prolog"),

    # Text, data and builds.
    replace(_MARKDOWN, id="markdown", suffixes=(".md",)),
    replace(_MARKDOWN, id="mdx"),
    replace(_MARKDOWN, id="restructuredtext"),
    replace(_MARKDOWN, id="quarto"),
    replace(_MARKDOWN, id="rmd"),
    replace(_PERCENT, id="latex", suffixes=(".tex",)),
    replace(_PERCENT, id="tex"),
    Language("html", suffixes=(".html",)),
    replace(_HASH, id="yaml", suffixes=(".yaml", ".yml")),
    replace(_HASH, id="toml", suffixes=(".toml",), multi_line_strings=_TRIPLE),
    replace(_HASH, id="dockerfile", file_names=("dockerfile",)),
    replace(_HASH, id="makefile", file_names=("makefile",)),
    replace(_HASH, id="cmake", file_names=("cmakelists.txt",), branch_words=("elseif", "else"),
            function_words=("function",), end_words=("endif", "endwhile", "endforeach")),
    replace(_HASH, id="nix", opening_words=("then", "else")),
    Language("terraform", has_here_documents=True),
)
# fmt: on

LANGUAGES: Mapping[str, Language] = {each.id: each for each in _LANGUAGES}
# Of all languages.
CONSTRUCTORS = frozenset(each.constructor for each in _LANGUAGES) - {""}
HEADER_SUFFIXES = frozenset(suffix for each in _LANGUAGES for suffix in each.header_suffixes)
# Suffixes of sources that may have a header.
SOURCE_SUFFIXES = frozenset(s for each in _LANGUAGES if each.header_suffixes for s in each.suffixes) - HEADER_SUFFIXES
_BY_SUFFIX = {suffix: each.id for each in _LANGUAGES for suffix in each.suffixes}
_BY_NAME = {name: each.id for each in _LANGUAGES for name in each.file_names}


def language(language_id: str) -> Language:
    """The record of a language. One that the table does not have is taken for `plaintext`."""
    return LANGUAGES.get(language_id, LANGUAGES["plaintext"])


def language_of(path: str) -> str:
    """The language id of a file, by its name or by a path with forward slashes. `plaintext` if these tell nothing.

    Editors send the id with each document. This is for files that no editor has opened.
    """
    name = posixpath.basename(path).lower()
    return _BY_NAME.get(name) or _BY_SUFFIX.get(posixpath.splitext(name)[1], "plaintext")


@functools.cache
def import_family(language_id: str) -> frozenset[str]:
    """The languages whose files an import may mean: those that find modules by the same rules."""
    rules = language(language_id).modules
    return frozenset(each.id for each in _LANGUAGES if rules is not None and each.modules is rules)
