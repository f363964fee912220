"""The record of a language: all that rules may ask about it. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from lsp_server.languages import blocks
from lsp_server.languages.bindings import Bindings
from lsp_server.languages.blocks import Blocks
from lsp_server.languages.forms import Forms
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
    - `forms`: the forms of comments, strings and embedded code, for the lexer.
    - `line_comment`: what begins a line comment.
    - `block_comment`: what begins and ends a block comment.
    - `doc_comment`: how a definition is documented. None: nobody offers to do it.
    - `has_docstrings`: documentation is a string below the header, as in Python.
    - `has_fences`: lines of three backquotes are ordinary text.
    - `keeps_indentation`: tabs and spaces mean different things, as in a makefile. No text is indented anew.

    Blocks. The last three should be one fact; today three rules disagree about the languages:
    - `blocks`: what opens and closes one, besides brackets.
    - `holds_data`: a block holds members, and no statements.
    - `indentation_nests`: indentation says which block a line is in, whatever brackets there are.
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
    forms: Forms = ()
    line_comment: str = "//"
    block_comment: tuple[str, str] | None = ("/*", "*/")
    doc_comment: DocComment | None = None
    has_docstrings: bool = False
    has_fences: bool = False
    keeps_indentation: bool = False
    blocks: Blocks = blocks.BRACES
    holds_data: bool = False
    indentation_nests: bool = False
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
