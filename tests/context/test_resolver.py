"""Imports lead to the files and definitions they mean, by each language's rules."""

import re

import pytest

from lsp_server.index.symbols import outline
from lsp_server.languages.syntax import LANGUAGES, language

# Language, the importing file and its import, other files, and where it leads: path, or path and name.
CASES = [
    ("python", "pkg/a.py", "from .b import f", {"pkg/b.py": "def f(): ..."}, ["pkg/b.py f"]),
    ("python", "pkg/sub/a.py", "from ..b import f as g", {"pkg/b.py": "def f(): ..."}, ["pkg/b.py f"]),
    ("python", "pkg/a.py", "from . import b", {"pkg/b.py": "x = 1", "pkg/__init__.py": "y = 1"}, ["pkg/b.py"]),
    ("python", "tests/test_a.py", "import pkg.b as c", {"pkg/b.py": "x = 1"}, ["pkg/b.py"]),
    ("python", "tests/test_a.py", "from pkg import f", {"src/pkg/__init__.py": "def f(): ..."},
     ["src/pkg/__init__.py f"]),
    ("python", "a.py", "from project.b import f", {"b.py": "def f(): ..."}, ["b.py f"]),
    ("python", "a.py", "from pkg import f",
     {"pkg/__init__.py": "from .inner import g as f", "pkg/inner.py": "from .deep import *",
      "pkg/deep.py": "def g(): ..."}, ["pkg/deep.py g"]),
    ("python", "a.py", "from circle import f", {"circle.py": "from other import f", "other.py": "from circle import f"},
     []),
    ("python", "a.py", "import os", {"b.py": "x = 1"}, []),
    ("typescript", "src/a.ts", "import {f} from './b'", {"src/b.ts": "export function f() {}"}, ["src/b.ts f"]),
    ("typescript", "src/a.ts", "import {f} from './b.js'", {"src/b.ts": "export function f() {}"}, ["src/b.ts f"]),
    ("typescript", "src/x/a.ts", "import {f} from '@/lib'", {"src/lib/index.ts": "export * from './f'",
     "src/lib/f.ts": "export const f = 1"}, ["src/lib/f.ts f"]),
    ("typescriptreact", "a.tsx", "import Box from './Box'", {"Box.tsx": "export default function Box() {}"},
     ["Box.tsx Box"]),
    ("javascript", "a.js", "const {f} = require('../lib/b')", {}, []),
    ("javascript", "x/a.js", "const {f} = require('../lib/b')", {"lib/b.js": "function f() {}"}, ["lib/b.js f"]),
    ("javascript", "a.js", "import * as b from './b.mjs'", {"b.mjs": "export const x = 1"}, ["b.mjs"]),
    ("java", "src/main/java/com/x/A.java", "import com.y.B;", {"src/main/java/com/y/B.java": "class B {}"},
     ["src/main/java/com/y/B.java B"]),
    ("kotlin", "src/com/x/A.kt", "import com.y.B", {"src/com/y/B.kt": "class B"}, ["src/com/y/B.kt B"]),
    ("go", "cmd/main.go", 'import "example.com/mod/internal/store"', {"internal/store/a.go": "package store",
     "internal/store/b.go": "package store"}, ["internal/store/a.go", "internal/store/b.go"]),
    ("rust", "src/main.rs", "use crate::shapes::Circle;", {"src/shapes.rs": "pub struct Circle {}"},
     ["src/shapes.rs Circle"]),
    ("rust", "src/a/b.rs", "use super::c::Circle;", {"src/a/c/mod.rs": "pub struct Circle {}"},
     ["src/a/c/mod.rs Circle"]),
    ("c", "src/a.c", '#include "b.h"', {"include/b.h": "int f(void);"}, ["include/b.h"]),
    ("cpp", "src/a.cpp", "#include <lib/b.hpp>", {"deep/lib/b.hpp": "int f();"}, ["deep/lib/b.hpp"]),
    ("csharp", "App/A.cs", "using Acme.Data;", {"Data/B.cs": "namespace Acme.Data { class B {} }"}, ["Data/B.cs"]),
    ("ruby", "lib/a.rb", "require_relative 'x/b'", {"lib/x/b.rb": "class B; end"}, ["lib/x/b.rb"]),
    ("php", "src/A.php", "<?php use Acme\\Data\\B;", {"src/Data/B.php": "<?php class B {}"}, ["src/Data/B.php B"]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("language_id", "path", "text", "files", "expected"), CASES, ids=[f"{each[0]} {each[2]}" for each in CASES]
)
def test_imports_lead_to_definitions(project, language_id, path, text, files, expected):
    resolver = project({**files, path: text}).resolver
    (what,) = outline(language_id, text).imports
    found = resolver.imported(language_id, path, what)
    assert [" ".join([each.file.path, *([each.symbol.name] if each.symbol else [])]) for each in found] == expected


@pytest.mark.parametrize(("language_id", "text"), [(case[0], case[2]) for case in CASES], ids=str)
def test_the_statement_of_an_import_is_found_without_parsing(language_id, text):
    found = re.search(language(language_id).imports.statement, f"x\n    {text.removeprefix('<?php ')}\ny\n")
    assert found[0].strip() == text.removeprefix("<?php ")


@pytest.mark.parametrize("language_id", [each.id for each in LANGUAGES.values() if each.imports])
def test_prose_is_no_import(language_id):
    prose = "from the start\nimport what is needed (all of it)\nuse this\nusing that, too\nrequired, too\n"
    assert re.findall(language(language_id).imports.statement, prose) == []


def test_every_language_with_a_grammar_has_a_case():
    assert {each.id for each in LANGUAGES.values() if each.grammar} - {case[0] for case in CASES} <= {"javascriptreact"}


def test_files_of_one_package_see_each_other(project):
    resolver = project({"x/a.go": "package x", "x/b.go": "package x\nfunc F() {}", "y/c.go": "package y"}).resolver
    assert [file.path for file in resolver.files_in_same_package("go", "x/a.go")] == ["x/b.go"]
    assert resolver.files_in_same_package("python", "x/a.go") == []


def test_a_name_that_many_files_define_says_nothing(project):
    resolver = project(
        {f"m{number}.py": "class Many: ..." for number in range(9)} | {"n.py": "class One: ..."}
    ).resolver
    assert [each.file.path for each in resolver.find_by_name("python", "One", ("class",), "m1.py")] == ["n.py"]
    assert resolver.find_by_name("python", "One", ("class",), "n.py") == []
    assert resolver.find_by_name("python", "Many", ("class",), "n.py") == []


def test_what_changes_in_the_index_is_seen(project):
    made = project({"a.py": "from b import f", "b.py": "def g(): ..."})
    (what,) = outline("python", "from b import f").imports
    made.resolver.refresh()
    assert made.resolver.imported("python", "a.py", what) == []
    made.write({"b.py": "def f(): ..."})
    made.resolver.refresh()
    assert [each.symbol.name for each in made.resolver.imported("python", "a.py", what)] == ["f"]


def test_what_a_file_needs_follows_the_index_and_what_is_not_saved(project):
    made = project({"a.py": "import b\n", "b.py": "B = 1\n", "c.py": "C = 1\n"})
    resolver = made.resolver

    def needed(unsaved=None):
        resolver.refresh(unsaved)
        (file,) = resolver.files(["a.py"])
        return resolver.imported_paths(file)

    assert needed() == {"b.py"}
    assert needed({"a.py": outline("python", "import b, c\n")}) == {"b.py", "c.py"}
    assert needed() == {"b.py"}
    made.write({"a.py": "import b\nimport d\n"})
    assert needed() == {"b.py"}
    made.write({"d.py": "D = 1\n"})
    assert needed() == {"b.py", "d.py"}
