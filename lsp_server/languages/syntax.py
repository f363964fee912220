"""The languages, by their ids and by their files. Pure.

Rules look a record up by its LSP language id. The defaults of the fields are what rules assume of an unknown language.
"""

from __future__ import annotations

import functools
import posixpath
from collections.abc import Mapping

from lsp_server.languages.record import Language
from lsp_server.languages.table import TABLE

LANGUAGES: Mapping[str, Language] = {each.id: each for each in TABLE}
# What editors call a language of the table.
_ALIASES = {
    name: language_id
    for language_id, names in {
        "clojure": "clojurescript",
        "cpp": "cuda-cpp objective-cpp",
        "csharp": "cs",
        "dockerfile": "docker",
        "go": "golang",
        "html": "handlebars htmldjango django-html jinja jinja-html liquid twig",
        "ini": "dosini properties",
        "javascript": "js",
        "javascriptreact": "jsx",
        "latex": "plaintex",
        "lisp": "common-lisp commonlisp",
        "makefile": "make",
        "matlab": "octave",
        "objective-c": "objc",
        "powershell": "ps1",
        "proto": "proto3 protobuf",
        "python": "py",
        "ruby": "rb",
        "rust": "rs",
        "shellscript": "bash ksh sh zsh",
        "sql": "mysql plsql postgres",
        "terraform": "hcl opentofu terraform-vars",
        "typescript": "ts",
        "typescriptreact": "tsx",
        "vim": "viml",
        "xml": "svg xhtml xsl",
    }.items()
    for name in names.split()
}
# Of all languages.
CONSTRUCTORS = frozenset(each.constructor for each in TABLE) - {""}
HEADER_SUFFIXES = frozenset(suffix for each in TABLE for suffix in each.header_suffixes)
# Suffixes of sources that may have a header.
SOURCE_SUFFIXES = frozenset(s for each in TABLE if each.header_suffixes for s in each.suffixes) - HEADER_SUFFIXES
_BY_SUFFIX = {suffix: each.id for each in TABLE for suffix in each.suffixes}
_BY_NAME = {name: each.id for each in TABLE for name in each.file_names}


def language(language_id: str) -> Language:
    """The record of a language, by its id or by what editors call it. `plaintext` if the table has none."""
    return LANGUAGES.get(_ALIASES.get(language_id, language_id), LANGUAGES["plaintext"])


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
    return frozenset(each.id for each in TABLE if rules is not None and each.modules is rules)
