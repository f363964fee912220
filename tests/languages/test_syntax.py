"""The table of languages: each record by itself, and what depends on it."""

import ast
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from lsprotocol.types import LanguageKind

from lsp_server.languages import imports, modules
from lsp_server.languages.grammars import GRAMMARS, parser_of
from lsp_server.languages.record import Language
from lsp_server.languages.syntax import LANGUAGES, import_family, language, language_of

PACKAGE = Path(__file__).parents[2] / "lsp_server"
RECORDS = list(LANGUAGES.values())
# Ids of editors for languages that LSP 3.18 does not name.
NOT_IN_LSP = {
    *("ada", "cmake", "crystal", "elisp", "elm", "emacs-lisp", "fish", "gdscript", "julia", "kotlin", "lisp"),
    *("graphql", "systemverilog", "json5", "jsonc", "ocaml", "proto", "vim"),
    *("matlab", "mdx", "nim", "nix", "plaintext", "prolog", "purescript", "quarto", "racket", "restructuredtext"),
    *("rmd", "scheme", "starlark", "svelte", "tcl", "terraform", "toml", "verilog", "vhdl", "vue", "zig"),
}
# Modules outside of `languages` in which ids of languages stand together, and why that is no table of languages.
NO_TABLES = {
    "text/secret_text.py": "suffixes of files",
    "commands/setup_helix.py": "names of Helix, which are not LSP's",
}

every_language = pytest.mark.parametrize("record", RECORDS, ids=[each.id for each in RECORDS])


def test_an_id_has_one_record():
    source = (PACKAGE / "languages" / "table.py").read_text(encoding="utf-8")
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    first = [node.args[0] for node in calls if ast.unparse(node.func) == "Language"]
    by_name = [keyword.value for node in calls for keyword in node.keywords if keyword.arg == "id"]
    written = [node.value for node in (*first, *by_name) if isinstance(node, ast.Constant) and node.value]
    assert sorted(written) == sorted(LANGUAGES)


def test_a_suffix_and_a_file_name_belong_to_one_language():
    counts = Counter(name for each in RECORDS for name in (*each.suffixes, *each.file_names))
    assert [name for name, count in counts.items() if count > 1] == []


@every_language
def test_an_id_is_spelt_as_in_lsp(record):
    assert (record.id in NOT_IN_LSP) != (record.id in {each.value for each in LanguageKind})


@every_language
def test_files_lead_to_their_language(record):
    for name in record.file_names:
        assert language_of(f"src/{name.upper()}") == record.id
    for suffix in record.suffixes:
        assert suffix.startswith(".")
        assert suffix == suffix.lower()
        assert language_of(f"src/x{suffix}") == language_of(f"X{suffix.upper()}") == record.id


@every_language
def test_a_language_with_a_grammar_is_indexed_wholly(record):
    """Its imports are read, they lead to files, and files have its suffix: the index knows no other way to an id."""
    assert bool(record.grammar) == bool(record.imports) == bool(record.modules)
    if record.grammar:
        assert record.suffixes
        assert not parser_of(record.grammar).parse(b"").root_node.has_error
        assert record.id in import_family(record.id)


@every_language
def test_what_a_record_says_agrees(record):
    assert record.line_comment
    assert not (record.has_docstrings and record.doc_comment)
    assert not record.test_framework or record.test_file
    assert not set("{}") & set(record.test_file.format(folder="a/", stem="b", suffix=".c"))
    if record.doc_comment and (trail := record.doc_comment.trail.strip()):
        assert any(stop in trail for stop in record.doc_comment.stops)


def test_every_reader_belongs_to_a_language():
    assert {each.grammar for each in RECORDS} - {""} == set(GRAMMARS)
    for module, kind, field in ((imports, imports.ImportSyntax, "imports"), (modules, modules.ModuleRules, "modules")):
        written = [each for each in vars(module).values() if isinstance(each, kind)]
        assert written
        assert all(any(getattr(record, field) is each for record in RECORDS) for each in written)


@pytest.mark.parametrize("language_id", ["", "a language nobody knows", "plaintext"])
def test_an_unknown_language_is_plain_text(language_id):
    assert language(language_id) == Language("plaintext", keeps_indentation=True)
    assert import_family(language_id) == frozenset()


@pytest.mark.parametrize("path", ["", "x", "src.py/x", "x.", ".py", "x.nonsense", "makefile.x"])
def test_a_name_that_tells_nothing_is_plain_text(path):
    assert language_of(path) == "plaintext"


@pytest.mark.parametrize(
    ("language_id", "comment"),
    [
        ("python", "#"),
        ("shellscript", "#"),
        ("lua", "--"),
        ("sql", "--"),
        ("latex", "%"),
        ("clojure", ";;"),
        ("rust", "//"),
        ("javascript", "//"),
        ("a language nobody knows", "//"),
        ("", "//"),
    ],
)
def test_line_comment(language_id, comment):
    assert language(language_id).line_comment == comment


def test_files_that_imports_may_mean():
    assert import_family("java") == import_family("kotlin") == {"java", "kotlin"}
    assert import_family("c") == {"c", "cpp"}
    assert import_family("typescript") == {"javascript", "javascriptreact", "typescript", "typescriptreact"}
    assert import_family("go") == {"go"}


def test_the_table_loads_no_grammar():
    """The engine's process imports the table by way of `prompt`."""
    program = "import sys, lsp_server.languages.line_patterns; print('tree_sitter' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", program], text=True).strip() == "False"


def ids_in_rules(tree: ast.Module) -> list[str]:
    """Where a source lists ids of two or more languages, or compares something to the id of one."""
    found = []
    for node in ast.walk(tree):
        at_least = 2
        if isinstance(node, ast.Dict):
            members = [key for key in node.keys if key is not None]
        elif isinstance(node, (ast.Set, ast.Tuple, ast.List)):
            members = node.elts
        elif isinstance(node, ast.Compare):
            members, at_least = [node.left, *node.comparators], 1
        else:
            continue
        values = {each.value for each in members if isinstance(each, ast.Constant)}
        if len(values & (LANGUAGES.keys() - {"plaintext"})) >= at_least:
            found.append(f"line {node.lineno}")
    return found


def test_no_other_module_knows_languages_by_their_ids():
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        name = path.relative_to(PACKAGE).as_posix()
        if not name.startswith("languages/") and (lines := ids_in_rules(ast.parse(path.read_text(encoding="utf-8")))):
            found[name] = lines
    assert found.keys() == NO_TABLES.keys(), found
